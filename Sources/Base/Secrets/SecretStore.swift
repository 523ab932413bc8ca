package import Foundation
package import Kernel

/// Where the secrets of organizations are kept: this database, OpenBao or Vault, AWS, Google.
///
/// A secret has a name (`SecretName`), one value that counts, and the number of that value. Organizations are apart: the
/// same name of another organization is another secret. What a method has returned for is durable, and every process
/// that asks afterwards sees it. Every method may be called at the same time as any other, from any process.
///
/// All methods throw `Problem`s only, and `CancellationError`:
/// - `invalidInput` for a name or a value that no store could keep (`SecretName`, `SecretValue`);
/// - `metadataUnavailable` or `secretsUnavailable` if the store does not answer, is sealed or has too much to do: nothing is
///   known then of what was to be changed, and the same call may be made again;
/// - `secretsRefused` if it refuses Weirhouse's sign-in or denies permission: a person has to act;
/// - `internal` if a value was damaged, or is sealed under a master key that is not there.
/// No error, log line or description ever holds a value.
///
/// `SecretStoreConformance` (Tests/Kits) checks this on every store.
package protocol SecretStore: Sendable {
    /// Where it is, for messages: `this database`, `openbao://vault.acme.example/secret`. Never a secret.
    var place: String { get }

    /// The value that counts; nil if there is none of that name.
    func get(_ name: String, of organization: OrganizationID) async throws -> Secret<[UInt8]>?

    /// Stores a value, over one of the same name.
    ///
    /// Sent again after an error it may count up once more; the value is the same. Of two at the same moment one is the
    /// last, and both get a number of their own.
    /// - Returns: the value's number: 1 for a new name, then one more each time.
    /// - Throws: also `busy` if others change the same secret all the time.
    @discardableResult
    func put(_ value: Secret<[UInt8]>, named name: String, of organization: OrganizationID) async throws -> Int

    /// Stores what `make` gives unless there is a secret of that name. However many ask at the same moment: all get the
    /// same value, which is the one that stands.
    /// - Throws: also `busy` if another process is making it and has not finished.
    func ensure(
        named name: String, of organization: OrganizationID, make: @Sendable () -> Secret<[UInt8]>
    ) async throws -> Secret<[UInt8]>

    /// Removes a secret with all its earlier values, for good. A name that is free again begins with 1 anew.
    /// - Returns: false if there was none.
    @discardableResult
    func delete(_ name: String, of organization: OrganizationID) async throws -> Bool

    /// What there is, by name; never a value.
    func list(of organization: OrganizationID) async throws -> [SecretEntry]

    /// Returns if the store can be used now.
    func checkHealth() async throws
}

/// A secret without its value.
package struct SecretEntry: Sendable, Equatable {
    package let name: String
    /// The number of the value that counts; 0 if it was not Weirhouse that put it there and the store does not count.
    package let version: Int
    /// When that value was put.
    package let changedAt: Date

    package init(name: String, version: Int, changedAt: Date) {
        self.name = name
        self.version = version
        self.changedAt = changedAt
    }
}

/// The form of names: parts of `a-z`, digits, `_` and `-` with `/` between them, at most 100 bytes, such as
/// `source/prod/shop`. Every store can hold them, each in its own way.
package enum SecretName {
    /// - Throws: `invalidInput`.
    package static func check(_ name: String) throws(Problem) {
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard name.utf8.count <= 100, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isPlain) }) else {
            throw Problem(
                .invalidInput, "This cannot name a secret.",
                hint: "Use a to z, digits, _ and -, in parts with / between them, at most 100 characters.")
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

/// The size of values: AWS and Google take neither nothing nor more than 64 KiB, which Base64 makes of 48 KiB.
package enum SecretValue {
    package static let most = 48 * 1024

    /// - Throws: `invalidInput`.
    package static func check(_ value: Secret<[UInt8]>) throws(Problem) {
        guard (1...most).contains(value.reveal().count) else {
            throw Problem(.invalidInput, "A secret's value has 1 to \(most) bytes.", hint: "This one has another size.")
        }
    }
}

/// Fresh random bytes from the system.
package func randomBytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
}
