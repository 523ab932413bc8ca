/// What a failed job does next, decided by the code of its problem alone.
package enum RetryDirective: Sendable, Equatable {
    /// Try again after a growing pause that is never above `ceiling`, at most so many attempts in all.
    case retry(attempts: Int, ceiling: Duration = .seconds(30))
    /// Stop: another attempt would fail in the same way until a person acts.
    case giveUp
}

extension Problem.Code {
    /// The one retry table: every code has a line.
    package var retryDirective: RetryDirective {
        switch self {
        case .sourceUnreachable, .sourceInterrupted: .retry(attempts: 3)
        case .metadataUnavailable, .secretsUnavailable, .engineUnavailable, .busy: .retry(attempts: 10)
        case .leaseLost: .retry(attempts: 10)
        case .sourceChanged, .timedOut: .retry(attempts: 2)
        // Other people's servers are away for longer than ours: for two hours, as chance shortens pauses by a quarter.
        case .deliveryFailed: .retry(attempts: 22, ceiling: .seconds(900))
        case .invalidInput, .unauthenticated, .forbidden, .notFound, .conflict, .unsupported: .giveUp
        case .tooManyAttempts: .giveUp
        case .sourceCredentials, .sourceMissing, .sourcePermission: .giveUp
        case .dataInvalid, .diskFull, .modelsFailed: .giveUp
        case .queryRefused, .queryFailed, .queryTooLong, .queryTooLarge: .giveUp
        case .cancelled, .portTaken, .dataFolderNewer, .missingDependency, .internal: .giveUp
        case .deliveryRefused, .secretsRefused: .giveUp
        }
    }
}

/// The pause before attempt `attempt + 1`: doubling from `base`, never above `ceiling`.
package func backoff(
    after attempt: Int, base: Duration = .milliseconds(500), ceiling: Duration = .seconds(30)
) -> Duration {
    let doublings = min(max(attempt, 1) - 1, 16)
    return min(base * (1 << doublings), ceiling)
}
