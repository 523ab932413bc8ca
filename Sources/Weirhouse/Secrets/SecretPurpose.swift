import Jobs
import Kernel
import Outbound
import Wire

/// What a secret is for, which its name tells.
enum SecretPurpose: Equatable {
    case source(environment: String, name: String)
    /// The bucket that a schedule watches.
    case bucket(schedule: String)
    case webhook(SubscriptionID)
    /// Keys and passwords that Weirhouse makes for a warehouse of its own.
    case warehouse(environment: String)
    /// The client secret of an issuer that people sign in through.
    case issuer(name: String)
    case other

    init(of name: String) {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        switch (parts.first, parts.count) {
        case ("source", 3): self = .source(environment: parts[1], name: parts[2])
        case ("schedule", 3) where parts[2] == "bucket": self = .bucket(schedule: parts[1])
        case ("webhook", 2): self = SubscriptionID(parts[1]).map { .webhook($0) } ?? .other
        case ("warehouse", 3): self = .warehouse(environment: parts[1])
        case ("issuer", 2): self = .issuer(name: parts[1])
        default: self = .other
        }
    }

    var kind: String {
        switch self {
        case .source: "source"
        case .bucket: "bucket"
        case .webhook: "webhook"
        case .warehouse: "warehouse"
        case .issuer: "issuer"
        case .other: "other"
        }
    }

    var isReplaceable: Bool {
        switch self {
        case .source, .bucket, .webhook: true
        case .warehouse, .issuer, .other: false
        }
    }

    /// Without a warehouse's key all of its files would be unreadable for ever. An issuer's secret goes with the issuer,
    /// which others may rely on.
    func isRevocable(with uses: [SecretUse]) -> Bool {
        switch self {
        case .warehouse: false
        case .issuer: uses.isEmpty
        case .source, .bucket, .webhook, .other: true
        }
    }
}

/// What an organization has that may hang on secrets.
struct SecretUsers: Sendable {
    var schedules: [Schedule]
    var subscriptions: [SubscriptionBook.Subscription]
    /// `dev/shop`
    var sources: Set<String>
    /// Names of secrets that issuers have.
    var issuers: Set<String>

    /// None if nothing hangs on it any more.
    func uses(of purpose: SecretPurpose) -> [SecretUse] {
        switch purpose {
        case .source(let environment, let name): source(name, in: environment)
        case .bucket(let schedule):
            schedules.contains { $0.name == schedule }
                ? [
                    SecretUse(
                        what: "schedule \(schedule)",
                        without: "It cannot look for markers in its bucket, and starts no runs.")
                ] : []
        case .webhook(let id):
            subscriptions.filter { $0.id == id }.map { subscription in
                SecretUse(
                    // Of its address only the host: the rest may be secret as well.
                    what: "webhook to \((try? WebAddress(subscription.target))?.description ?? "an address")",
                    without: "Messages to it cannot be signed, and are not sent.")
            }
        case .warehouse(let environment):
            [
                SecretUse(
                    what: "warehouse of \(environment)", without: "Its files, or its catalogue, cannot be opened.")
            ]
        case .issuer(let name):
            issuers.contains(IssuerBook.secretName(of: name))
                ? [SecretUse(what: "issuer \(name)", without: "Nobody can sign in through it.")] : []
        case .other: []
        }
    }

    private func source(_ name: String, in environment: String) -> [SecretUse] {
        guard sources.contains("\(environment)/\(name)") else { return [] }
        let names = schedules.filter { $0.plan.source == name && $0.plan.environment == environment }.map(\.name)
        let scheduled = names.isEmpty ? "" : " Schedules that clone it: \(names.joined(separator: ", "))."
        return [
            SecretUse(
                what: "source \(name) in \(environment)",
                without: "Its runs fail until it gets an address again; one that reads it now goes on.\(scheduled)")
        ]
    }
}
