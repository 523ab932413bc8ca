package import Kernel

/// What PostgreSQL or libpq says of a failure.
package enum PGError: Error, Sendable {
    /// The connection could not be made, or broke.
    case connection(message: String)
    /// The server refused a statement. `state` is the SQLSTATE (PostgreSQL documentation, appendix A).
    case server(state: String, message: String, table: String?, constraint: String?)
    /// A result did not have the expected form.
    case result(message: String)
    /// An answer was longer than its connection lets it be.
    case tooLong(mostBytes: Int)

    package var state: String? {
        if case .server(let state, _, _, _) = self { return state }
        return nil
    }

    package var message: String {
        switch self {
        case .connection(let message), .result(let message): message
        case .server(_, let message, _, _): message
        case .tooLong(let most): "an answer was longer than \(most) bytes"
        }
    }

    /// Whether another attempt on a new connection may succeed: connection lost, serialization, deadlock, shutting down.
    package var isTransient: Bool {
        switch self {
        case .connection: true
        case .server(let state, _, _, _):
            state.hasPrefix("08") || state.hasPrefix("57P") || state.hasPrefix("40") || state.hasPrefix("53")
        case .result, .tooLong: false
        }
    }

    /// Whether a prepared statement is none any more: "cached plan must not change result type", or it is not there.
    var isOutdatedStatement: Bool {
        state == "26000" || (state == "0A000" && message.contains("cached plan"))
    }

    /// As a problem of the metadata database. The cause keeps PostgreSQL's words for the log.
    package var asMetadataProblem: Problem {
        if state == "53100" {
            return Problem(
                .diskFull, "The disk of the metadata database is full.", hint: "Free space, then try again.",
                cause: self)
        }
        return isTransient
            ? Problem(
                .metadataUnavailable, "The metadata database does not answer.", hint: "See `weir status`.", cause: self)
            : Problem(
                .internal, "The metadata database refused a statement.", hint: "The log holds the cause.", cause: self)
    }
}

extension Problem {
    /// Any error of work on the metadata: PostgreSQL's as a problem of that database, all else as `init(wrapping:)`.
    package init(ofMetadata error: any Error) {
        self = (error as? PGError)?.asMetadataProblem ?? Problem(wrapping: error)
    }
}
