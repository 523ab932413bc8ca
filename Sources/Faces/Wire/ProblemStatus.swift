package import Kernel

extension Problem.Code {
    /// The HTTP status of an answer that is this problem; API and console share it (RFC 9110, section 15).
    package var httpStatus: Int {
        switch self {
        case .invalidInput: 400
        case .unauthenticated: 401
        case .forbidden, .queryRefused: 403
        case .notFound: 404
        case .conflict, .sourceChanged, .leaseLost, .cancelled: 409
        case .unsupported, .sourceCredentials, .sourceMissing, .sourcePermission: 422
        case .dataInvalid, .modelsFailed, .queryFailed, .queryTooLong, .queryTooLarge, .timedOut: 422
        case .tooManyAttempts: 429
        case .sourceUnreachable, .sourceInterrupted, .deliveryFailed, .deliveryRefused, .secretsRefused: 502
        case .engineUnavailable, .metadataUnavailable, .secretsUnavailable, .busy: 503
        case .diskFull: 507
        case .portTaken, .dataFolderNewer, .missingDependency, .internal: 500
        }
    }
}
