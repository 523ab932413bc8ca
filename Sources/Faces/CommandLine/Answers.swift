import ArgumentParser
import Foundation
import Wire

/// What commands take that ask one thing of the API: how to print its answer, and where it is.
struct AnswerOptions: ParsableArguments {
    @Flag(help: "Print the API's answer as JSON.")
    var json = false
    @OptionGroup var data: DataOptions

    var client: Client { data.client }

    /// Prints an answer: as JSON, or as a text for people in the terminal's style.
    func show<Answer: Encodable>(_ answer: Answer, _ text: (Style) -> String) throws {
        if json { return try Output.standardOutput.write(answer: answer) }
        try Output.standardOutput.write(text(Output.standardOutput.style))
    }

    /// Says that something is done for which the API has no words: with `--json` nothing.
    func say(_ text: String) {
        if !json { Output.standardOutput.say(text) }
    }
}

extension Output {
    /// Writes an answer as the API gave it, in one line.
    func write(answer: some Encodable) throws {
        try write(String(decoding: try WireJSON.encode(answer), as: UTF8.self) + "\n")
    }
}

/// Paths and queries of the API, percent-encoded (RFC 3986, section 2).
enum Address {
    /// `of("schedules", "nightly", "pause")` → `/api/v1/schedules/nightly/pause`.
    static func of(_ parts: String...) -> String { "/api/v1/" + parts.map(encoded).joined(separator: "/") }

    /// `?a=1&b=2` of those that have a value; nothing if none has.
    static func query(_ values: KeyValuePairs<String, String?>) -> String {
        let pairs = values.compactMap { name, value in value.map { "\(name)=\(encoded($0))" } }
        return pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")
    }

    private static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
    }

    private static let unreserved = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
}

extension String {
    /// As one word of a POSIX shell: in quotes where it has to be.
    var shellWord: String {
        let isPlain = !isEmpty && allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_./:,@%+=".contains($0)) }
        return isPlain ? self : "'" + replacing("'", with: "'\\''") + "'"
    }

    /// The elements of `a, b`; none of them empty.
    var elements: [String] {
        split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    /// A moment as the API gives it (RFC 3339, UTC), to the minute: `2026-11-23 05:00 UTC`. What is none stays.
    var minute: String {
        guard let parts = wholeMatch(of: /(\d{4}-\d\d-\d\d)T(\d\d:\d\d):[\d.]+Z/) else { return withoutControls }
        return "\(parts.1) \(parts.2) UTC"
    }
}
