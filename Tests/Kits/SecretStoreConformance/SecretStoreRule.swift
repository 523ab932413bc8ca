package import Kernel
package import Secrets

/// One promise of `SecretStore`, checked on a real store with organizations that have no secrets at the beginning.
package struct SecretStoreRule: Sendable, CustomStringConvertible {
    /// The promise, as a sentence.
    package let description: String
    package let check: @Sendable (Place) async throws -> Void

    /// A store, and two organizations that it may be used for.
    package struct Place: Sendable {
        package let store: any SecretStore
        package let acme: OrganizationID
        package let other: OrganizationID

        package init(store: any SecretStore, acme: OrganizationID, other: OrganizationID) {
            self.store = store
            self.acme = acme
            self.other = other
        }
    }

    init(_ description: String, _ check: @escaping @Sendable (Place) async throws -> Void) {
        self.description = description
        self.check = check
    }

    /// Every store's tests run all of them.
    package static let all = keeping + changing + together
}
