import Foundation
import Kernel
import Warehousing

/// What a text is that is no SELECT, in words.
enum StatementKind {
    private static let words: Set<String> = [
        "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "ALTER", "DROP", "TRUNCATE", "COPY", "EXPORT", "IMPORT",
        "ATTACH",
        "DETACH", "USE", "SET", "RESET", "PRAGMA", "CALL", "LOAD", "INSTALL", "UPDATE", "EXPLAIN", "ANALYZE", "VACUUM",
        "CHECKPOINT", "PREPARE", "EXECUTE", "DEALLOCATE", "BEGIN", "START", "COMMIT", "ROLLBACK", "ABORT", "COMMENT",
        "PIVOT",
        "FORCE",
    ]

    /// Why DuckDB gave no tree for `sql`.
    static func problem(of sql: String, _ answer: SyntaxTree) -> Problem {
        let message = answer["error_message"]?.text ?? ""
        guard answer["error_type"]?.text == "not implemented" else {
            return Problem(.queryFailed, QueryFailure.sentence("DuckDB cannot parse it: \(message)"))
        }
        let first = firstWord(sql)
        if first == "PIVOT" {
            return Problem(
                .queryRefused, "PIVOT as a statement is not allowed here.",
                hint: "Write FROM t PIVOT (sum(x) FOR y IN ('a', 'b')).")
        }
        guard words.contains(first) else { return Problem(.queryRefused, "Only SELECT is allowed here.") }
        let article = "AEIOU".contains(first.prefix(1)) ? "an" : "a"
        return Problem(.queryRefused, "Only SELECT is allowed here; this is \(article) \(first).")
    }

    /// The first word behind blanks, comments and parentheses, in capitals.
    private static func firstWord(_ sql: String) -> String {
        var text = Substring(sql)
        while let character = text.first {
            if character.isWhitespace || character == "(" || character == ";" {
                text.removeFirst()
            } else if text.hasPrefix("--") {
                text = text.drop { !$0.isNewline }
            } else if text.hasPrefix("/*") {
                guard let end = text.range(of: "*/") else { return "" }
                text = text[end.upperBound...]
            } else {
                break
            }
        }
        return text.prefix { $0.isLetter }.uppercased()
    }
}

enum WarehouseSchemaNames {
    static let all = LakeCatalogue.searchPath.map(\.rawValue)
}
