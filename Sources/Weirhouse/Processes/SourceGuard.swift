import Admission
import Kernel
import Outbound
import Postgres

/// Which databases people may name as sources.
///
/// On a machine that serves only the person who sits at it, private addresses are the usual ones. A server that others
/// use is another matter: a source there is a request on somebody's behalf from inside, so that private networks have to
/// be allowed by whoever runs it (`WEIR_ALLOW_PRIVATE_ADDRESSES`). The metadata services of clouds are never sources.
struct SourceGuard: Sendable {
    private let addresses: AddressGuard

    /// - Throws: `invalidInput` for settings that cannot be used.
    init(_ settings: Settings) throws {
        addresses =
            try settings.isShared ? AddressGuard(allowing: settings.allowedPrivateAddresses) : .allButMetadata
    }

    /// The address, led to where its names point now: whoever connects by it looks no name up again.
    /// - Throws: `invalidInput` for what is no address, `forbidden` for one that may not be reached, `sourceUnreachable`
    ///   for a name that is not known.
    func admit(_ url: String) async throws -> ConnectionAddress {
        let address = try ConnectionAddress(url)
        return try await address.pinned { host in
            do {
                return try await addresses.addresses(of: host).map(\.description)
            } catch let problem as Problem where problem.code == .invalidInput {
                throw Problem(
                    .sourceUnreachable, "The database at \(address.place) cannot be reached.",
                    hint: "The name of its host is not known here: check how it is spelled.", cause: problem)
            }
        }
    }
}

extension Settings {
    /// Whether others than the person at this machine are served, as far as the settings of this process tell.
    var isShared: Bool {
        get throws {
            guard !network.isShared, let databaseURL else { return network.isShared }
            let host = try ConnectionAddress(databaseURL.reveal(), isOperators: true).parameters["host"] ?? ""
            return !host.hasPrefix("/") && host != "localhost" && IPAddress(host)?.isLoopback != true
        }
    }
}
