/// Takes passwords, keys and tokens out of text that other programs wrote.
package enum Redaction {
    package static func redact(_ text: String) -> String {
        text.replacing(
            /(?i)(password|passwd|secret_?access_?key|secret_id|client_token|encryption_key|footer_key_value)\s*[=:]\s*('(?:''|\\.|[^'\\])*'|\S+)/
        ) { "\($0.output.1)=•••" }
        // As SQL has it: CREATE ROLE … PASSWORD '…', ENCRYPTION_KEY '…'.
        .replacing(/(?i)(password|encryption_key|secret)\s+'(?:''|\\.|[^'\\])*'/) { "\($0.output.1) •••" }
        .replacing(/(?i)([a-z][a-z0-9+.-]*:\/\/[^:\/@\s]*):[^@\s]*@/) { "\($0.output.1):•••@" }
        .replacing(/(?i)\b(bearer\s+|whsec_|weir_[a-z]+_|hv[sb]\.)[A-Za-z0-9+\/=_.-]{8,}/) { "\($0.output.1)•••" }
    }
}
