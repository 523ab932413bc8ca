/// The one error of Weirhouse: what a person, the API and the retry table all read.
///
/// `detail` is one sentence about this case, `hint` says what to do. Neither ever holds a secret or a row's value.
/// `cause` is for the log only.
package struct Problem: Error, Sendable {
    package let code: Code
    package let detail: String
    package let hint: String?
    package let cause: (any Error)?

    package init(_ code: Code, _ detail: String, hint: String? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.detail = detail
        self.hint = hint
        self.cause = cause
    }

    /// Any error as a problem: a `Problem` as it is, all else as `internal`.
    package init(wrapping error: any Error) {
        if let problem = error as? Problem {
            self = problem
        } else if error is CancellationError {
            self = Problem(.cancelled, "The work was cancelled.", cause: error)
        } else {
            self = Problem(
                .internal, "Something unexpected happened inside Weirhouse.",
                hint: "The log of this moment holds the cause.", cause: error)
        }
    }

    /// What went wrong, as a stable word that clients may switch on.
    package enum Code: String, Sendable, CaseIterable, Codable {
        case invalidInput = "invalid_input"
        case unauthenticated
        case forbidden
        case notFound = "not_found"
        case conflict
        case unsupported
        case sourceUnreachable = "source_unreachable"
        case sourceCredentials = "source_credentials"
        case sourceMissing = "source_missing"
        case sourcePermission = "source_permission"
        case sourceInterrupted = "source_interrupted"
        case sourceChanged = "source_changed"
        case dataInvalid = "data_invalid"
        case diskFull = "disk_full"
        case modelsFailed = "models_failed"
        case queryRefused = "query_refused"
        case queryFailed = "query_failed"
        case queryTooLong = "query_too_long"
        case queryTooLarge = "query_too_large"
        case engineUnavailable = "engine_unavailable"
        case metadataUnavailable = "metadata_unavailable"
        /// The store of secrets does not answer, or cannot be used now; later it may.
        case secretsUnavailable = "secrets_unavailable"
        /// The store of secrets refuses Weirhouse until a person acts.
        case secretsRefused = "secrets_refused"
        case leaseLost = "lease_lost"
        case cancelled
        case timedOut = "timed_out"
        /// A message was not taken; later it may be.
        case deliveryFailed = "delivery_failed"
        /// A message was refused for good.
        case deliveryRefused = "delivery_refused"
        case busy
        /// Too many wrong secrets; `RetryAfter` is its cause.
        case tooManyAttempts = "too_many_attempts"
        case portTaken = "port_taken"
        case dataFolderNewer = "data_folder_newer"
        case missingDependency = "missing_dependency"
        case `internal`
    }
}

extension Problem.Code {
    /// A short title that is the same for every case of the code (RFC 9457, section 3.1.4).
    package var title: String {
        switch self {
        case .invalidInput: "The request cannot be understood"
        case .unauthenticated: "Sign-in is needed"
        case .forbidden: "Not allowed"
        case .notFound: "There is no such thing"
        case .conflict: "It conflicts with what is there"
        case .unsupported: "Not supported"
        case .sourceUnreachable: "The source cannot be reached"
        case .sourceCredentials: "The source refused the sign-in"
        case .sourceMissing: "The source has no such database or table"
        case .sourcePermission: "The source denied permission"
        case .sourceInterrupted: "The source closed the connection"
        case .sourceChanged: "The source changed while it was read"
        case .dataInvalid: "The data did not pass validation"
        case .diskFull: "The disk is full"
        case .modelsFailed: "Models or tests failed"
        case .queryRefused: "This SQL is not allowed here"
        case .queryFailed: "The query failed"
        case .queryTooLong: "The query took too long"
        case .queryTooLarge: "The query needs too much memory"
        case .engineUnavailable: "The query engine is not available"
        case .metadataUnavailable: "The metadata database is not available"
        case .secretsUnavailable: "The store of secrets is not available"
        case .secretsRefused: "The store of secrets refused"
        case .leaseLost: "Another worker has taken over"
        case .cancelled: "Cancelled"
        case .timedOut: "It took too long"
        case .deliveryFailed: "The message could not be delivered"
        case .deliveryRefused: "The message was refused"
        case .busy: "Busy"
        case .tooManyAttempts: "Too many attempts"
        case .portTaken: "The port is taken"
        case .dataFolderNewer: "The data folder is of a newer version"
        case .missingDependency: "A needed program or library is missing"
        case .internal: "Internal error"
        }
    }
}

extension Problem: CustomStringConvertible {
    /// One line: the detail and, after it, what to do.
    package var description: String {
        hint.map { "\(detail) \($0)" } ?? detail
    }
}
