import Connecting
import DuckDB
import Foundation
import Kernel
import Postgres

/// Turns what PostgreSQL, libpq and DuckDB say about a source into one clear sentence.
enum SourceProblem {
    static func of(_ error: any Error, at address: ConnectionAddress, reading stream: StreamName? = nil) -> any Error {
        switch error {
        case is Problem, is CancellationError, is ColumnNeedsText: return error
        case let error as PGError:
            switch error {
            case .server(let state, let message, _, _):
                return byState(state, message, at: address, reading: stream, cause: error)
            case .tooLong(let most):
                return Problem(
                    .unsupported, "The database at \(address.place) answers with more than \(most >> 20) MiB.",
                    hint: "A catalogue of that size cannot be read. Check that the address is a PostgreSQL server's.",
                    cause: error)
            case .connection, .result: return byMessage(error.message, at: address, reading: stream, cause: error)
            }
        case let error as DuckError: return byDuckDB(error, at: address, reading: stream)
        default: return Problem(wrapping: error)
        }
    }

    /// By SQLSTATE (PostgreSQL documentation, appendix A).
    private static func byState(
        _ state: String, _ message: String, at address: ConnectionAddress, reading stream: StreamName?, cause: any Error
    ) -> Problem {
        switch state {
        case "42501": return permission(message, reading: stream, cause: cause)
        case "42P01", "42703", "XX001", "3F000":
            return changed(stream, cause: cause)
        case let state where state.hasPrefix("08") || state.hasPrefix("57P"):
            return interrupted(address, cause: cause)
        case "57014", "40001":
            return Problem(
                .sourceInterrupted, "The source cancelled the read\(of(stream)): \(message).",
                hint: "If it is a standby, allow longer queries there (max_standby_streaming_delay).", cause: cause)
        default:
            return byMessage(message, at: address, reading: stream, cause: cause)
        }
    }

    private static func byDuckDB(
        _ error: DuckError, at address: ConnectionAddress, reading stream: StreamName?
    ) -> any Error {
        if error.isInterrupt { return CancellationError() }
        if error.isDiskFull {
            return Problem(
                .diskFull, "The disk that holds the lake is full.", hint: "Free space, then clone again.", cause: error)
        }
        if error.isOutOfMemory {
            return Problem(
                .unsupported, "The rows\(of(stream)) are too large for the worker's memory.",
                hint: "Leave the table out, or clone a view of it without its largest column.", cause: error)
        }
        return byMessage(error.message, at: address, reading: stream, cause: error)
    }

    private static func byMessage(
        _ message: String, at address: ConnectionAddress, reading stream: StreamName?, cause: any Error
    ) -> Problem {
        let text = message.lowercased()
        func says(_ phrases: String...) -> Bool { phrases.contains { text.contains($0) } }

        if says("invalid snapshot identifier", "current transaction is aborted", "canceling statement due to conflict")
            || (says("snapshot") && says("does not exist"))
        {
            return interrupted(address, cause: cause)
        }
        if says("too many clients", "remaining connection slots") {
            return Problem(
                .sourceUnreachable, "The database at \(address.place) has no connection left.",
                hint: "Raise max_connections there or try later.", cause: cause)
        }
        if says("lock timeout") {
            return Problem(
                .sourceChanged, "Somebody changes or locks the table\(stream.map { " \($0)" } ?? "") at the source.",
                hint: "Clone again when that has ended.", cause: cause)
        }
        if says("permission denied", "row-level security") { return permission(message, reading: stream, cause: cause) }
        if says(
            "password authentication failed", "no password supplied", "authentication failed", "no pg_hba.conf entry")
        {
            return Problem(
                .sourceCredentials, "The database at \(address.place) refused the user or password.",
                hint: "Check both, and that the server allows this machine to sign in.", cause: cause)
        }
        if says("role \"") && says("does not exist", "is not permitted to log in") {
            return Problem(
                .sourceCredentials, "The database at \(address.place) has no such user.",
                hint: "Check the user's name.",
                cause: cause)
        }
        if says("database \"") && says("does not exist") {
            return Problem(
                .sourceMissing, "There is no database \(address.database) at \(address.place).",
                hint: "Check the database's name.", cause: cause)
        }
        if says(
            "server closed the connection", "terminating connection", "connection reset", "broken pipe", "ssl syscall")
        {
            return interrupted(address, cause: cause)
        }
        if says("no space left") {
            return Problem(
                .diskFull, "A disk is full: \(oneLine(message)).", hint: "Free space, then clone again.", cause: cause)
        }
        if says("does not exist", "could not open relation") { return changed(stream, cause: cause) }
        if says(
            "could not translate host name", "could not connect", "connection to server", "refused", "timeout expired")
        {
            return Problem(
                .sourceUnreachable, "The database at \(address.place) cannot be reached.",
                hint: "Check the host and port, and that the server runs and accepts connections from here.",
                cause: cause)
        }
        return unreadable(message, reading: stream, cause: cause)
    }

    private static func unreadable(_ message: String, reading stream: StreamName?, cause: any Error) -> Problem {
        let what = stream.map(\.description) ?? "The source"
        if message.contains("invalid byte sequence") || message.contains("no equivalent in encoding") {
            return Problem(
                .unsupported, "\(what) holds text that cannot be read as UTF-8.",
                hint: "Correct the text, or leave the table out.", cause: cause)
        }
        if message.contains("out of range in timestamp conversion") {
            return Problem(
                .unsupported, "\(what) holds a moment after the year 294246.",
                hint: "DuckDB cannot hold it: correct the value or leave the table out.", cause: cause)
        }
        if message.contains("Out of Memory") {
            return Problem(
                .unsupported, "\(what) holds values that are too large to be read at once.",
                hint: "Some 2,000 rows in a row have to fit into 100 MB. Leave the table out.", cause: cause)
        }
        if message.contains("has not been populated") {
            return Problem(
                .unsupported, "\(what) was never filled.", hint: "Refresh the materialized view, or leave it out.",
                cause: cause)
        }
        return Problem(
            .unsupported, "\(what) cannot be read: \(withoutValues(message)).",
            hint: "Correct it at the source, or leave it out.", cause: cause)
    }

    /// The server's own words, as far as they are in what DuckDB says, without what stands in quotes: it may be data.
    private static func withoutValues(_ message: String) -> String {
        let said = message.ranges(of: "ERROR:").last.map { message[$0.upperBound...] } ?? message[...]
        let pieces = oneLine(String(said)).split(separator: "\"", omittingEmptySubsequences: false)
        let kept = pieces.enumerated().map { index, piece in index.isMultiple(of: 2) ? String(piece) : "…" }
        return kept.joined().replacing(#/: *(?:….*|0x.*)?$/#, with: "").trimmingCharacters(in: .whitespaces)
    }

    private static func permission(_ message: String, reading stream: StreamName?, cause: any Error) -> Problem {
        let rows = message.contains("row-level security")
        return Problem(
            .sourcePermission,
            rows
                ? "Row-level security hides rows\(of(stream)) from this user."
                : "This user may not read\(stream.map { " \($0)" } ?? " something that is needed").",
            hint: rows
                ? "Use a user with BYPASSRLS, or leave the table out."
                : "Grant it: GRANT SELECT ON \(stream.map(\.description) ?? "the table") TO the user.",
            cause: cause)
    }

    private static func interrupted(_ address: ConnectionAddress, cause: any Error) -> Problem {
        Problem(
            .sourceInterrupted, "The database at \(address.place) closed the connection while it was read.",
            hint: "Nothing half-read was kept. Clone again once the server is back.", cause: cause)
    }

    private static func changed(_ stream: StreamName?, cause: any Error) -> Problem {
        Problem(
            .sourceChanged, "The table\(stream.map { " \($0)" } ?? "") was changed or dropped while it was read.",
            hint: "Clone again.", cause: cause)
    }

    private static func of(_ stream: StreamName?) -> String { stream.map { " of \($0)" } ?? "" }

    private static func oneLine(_ message: String) -> String {
        message.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    }
}
