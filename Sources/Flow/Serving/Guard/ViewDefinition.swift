import Kernel

/// The query inside `CREATE VIEW name (columns) AS query;` as DuckDB prints it.
enum ViewDefinition {
    /// - Throws: `queryRefused` if the text has another form, so that the view stays closed.
    static func query(in sql: String) throws(Problem) -> String {
        var text = Substring(sql).unicodeScalars
        guard takeWord("create", &text) else { throw unreadable }
        if takeWord("or", &text) { guard takeWord("replace", &text) else { throw unreadable } }
        guard takeWord("view", &text) else { throw unreadable }
        _ = takeWord("if", &text) && takeWord("not", &text) && takeWord("exists", &text)
        guard takeName(&text) else { throw unreadable }
        while takeMark(".", &text) { guard takeName(&text) else { throw unreadable } }
        if takeMark("(", &text) {
            repeat { guard takeName(&text) else { throw unreadable } } while takeMark(",", &text)
            guard takeMark(")", &text) else { throw unreadable }
        }
        guard takeWord("as", &text) else { throw unreadable }
        return String(Substring(text))
    }

    private static let unreadable = Problem(
        .queryRefused, "A view of the lake has a definition that cannot be checked.", hint: "Build the models again.")

    // By Unicode scalars, as DuckDB reads: a combining mark after a quote must not hide the quote.
    private typealias Text = Substring.UnicodeScalarView

    private static func skipSpaces(_ text: inout Text) { text = text.drop { $0 == " " || $0 == "\n" } }

    private static func takeMark(_ mark: Unicode.Scalar, _ text: inout Text) -> Bool {
        skipSpaces(&text)
        guard text.first == mark else { return false }
        text.removeFirst()
        return true
    }

    private static func takeWord(_ word: String, _ text: inout Text) -> Bool {
        skipSpaces(&text)
        let found = text.prefix { isWord($0) }
        guard SQLName.lower(String(Substring(found))) == word else { return false }
        text = text.dropFirst(found.count)
        return true
    }

    private static func takeName(_ text: inout Text) -> Bool {
        skipSpaces(&text)
        guard text.first == "\"" else {
            let name = text.prefix { isWord($0) || $0 == "$" || $0.value > 0x7F }
            text = text.dropFirst(name.count)
            return !name.isEmpty
        }
        text.removeFirst()
        while let character = text.popFirst() {
            guard character == "\"" else { continue }
            // Two quotes are one inside the name.
            guard text.first == "\"" else { return true }
            text.removeFirst()
        }
        return false
    }

    private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar) || scalar == "_"
    }
}
