/// Takes passwords out of text that other programs wrote.
package enum Redaction {
    package static func redact(_ text: String) -> String {
        text.replacing(/(?i)(password|footer_key_value)\s*[=:]\s*('(?:\\.|[^'\\])*'|\S+)/) { "\($0.output.1)=•••" }
            .replacing(/(?i)(postgres(?:ql)?:\/\/[^:\/@\s]*):[^@\s]*@/) { "\($0.output.1):•••@" }
    }
}
