import DuckDB
import Foundation
import Kernel

/// DuckDB's errors as problems that a person may see: one line, no paths, no connection strings.
enum QueryFailure {
    /// Kinds of error that speak of the person's own SQL and data.
    private static let ownKinds = [
        "Parser Error", "Binder Error", "Catalog Error", "Conversion Error", "Out of Range Error",
        "Invalid Input Error",
        "Mismatch Type Error", "Not implemented Error", "Invalid type Error", "Syntax Error", "Constraint Error",
    ]

    static func problem(_ error: any Error, memory: String) -> Problem {
        guard let error = error as? DuckError else { return Problem(wrapping: error) }
        if error.isOutOfMemory || isFailedAllocation(error) {
            return Problem(
                .queryTooLarge, "The query needs more memory than the \(memory) that it may use.",
                hint: "Read fewer rows or columns, or aggregate before joining and sorting.", cause: error)
        }
        if error.isDiskFull {
            return Problem(.diskFull, "The disk is full, so the query cannot be worked out.", cause: error)
        }
        if ownKinds.contains(where: error.message.hasPrefix) {
            return Problem(.queryFailed, sentence(error.message), cause: error)
        }
        return Problem(
            .queryFailed, "The warehouse could not be read.", hint: "Try again; if it stays, see `weir status`.",
            cause: error)
    }

    /// Whether the process itself ran out, beyond what DuckDB counts: then nothing in it can be relied on.
    static func isFailedAllocation(_ error: DuckError) -> Bool {
        ["bad_alloc", "bad allocation", "Allocation failure", "Failed to allocate"].contains {
            error.message.contains($0)
        }
    }

    /// `oneLine` with an end.
    static func sentence(_ message: String) -> String {
        let line = oneLine(message)
        return line.hasSuffix("!") || line.hasSuffix("?") ? line : "\(line)."
    }

    /// DuckDB's message without the excerpt of the statement, on one line, with what looks like a path left out.
    static func oneLine(_ message: String) -> String {
        let text = message.range(of: "\n\nLINE ").map { message[..<$0.lowerBound] } ?? message[...]
        if ["host=", "password=", "user=", "dbname=", "postgres:"].contains(where: text.contains) {
            return "the warehouse's catalogue could not be read"
        }
        let words = text.split(whereSeparator: \.isWhitespace).map { word in
            word.count(where: { $0 == "/" }) >= 2 || word.contains("://") ? "…" : String(word)
        }
        var line = words.joined(separator: " ")
        while line.hasSuffix(".") { line.removeLast() }
        return line.count > 500 ? "\(line.prefix(500))…" : line
    }
}
