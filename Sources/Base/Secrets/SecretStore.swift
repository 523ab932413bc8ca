import Crypto
import Foundation
package import Kernel
package import Postgres

/// Secrets of organizations, in the metadata database, encrypted with AES-256-GCM under the master key.
///
/// The organization's id and the secret's name are authenticated with it, so a ciphertext moved to another row does not
/// open (NIST SP 800-38D; swift-crypto `AES.GCM`).
package struct SecretStore: Sendable {
    private let pool: PGPool
    private let key: SymmetricKey
    private let time: TimeSource

    /// - Parameter masterKey: 32 bytes.
    package init(pool: PGPool, masterKey: Secret<[UInt8]>, time: TimeSource) {
        self.pool = pool
        key = SymmetricKey(data: masterKey.reveal())
        self.time = time
    }

    /// Stores a secret, over one of the same name.
    package func put(_ value: Secret<[UInt8]>, named name: String, of organization: OrganizationID) async throws {
        let sealed = try AES.GCM.seal(value.reveal(), using: key, authenticating: context(name, organization)).combined
        guard let sealed else { throw Problem(.internal, "A secret could not be sealed.") }
        try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                INSERT INTO weir.secrets (secret_id, organization_id, name, ciphertext)
                VALUES (\(time.makeUUID()), \(organization), \(name), \(sealed)::bytea)
                ON CONFLICT (organization_id, name) DO UPDATE SET ciphertext = excluded.ciphertext, changed_at = now()
                """)
        }
    }

    /// Stores what `make` gives unless there is a secret of that name; returns the one that stands.
    package func ensure(
        named name: String, of organization: OrganizationID, make: @Sendable () -> Secret<[UInt8]>
    ) async throws -> Secret<[UInt8]> {
        if let found = try await get(name, of: organization) { return found }
        let sealed = try AES.GCM.seal(make().reveal(), using: key, authenticating: context(name, organization)).combined
        guard let sealed else { throw Problem(.internal, "A secret could not be sealed.") }
        try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                INSERT INTO weir.secrets (secret_id, organization_id, name, ciphertext)
                VALUES (\(time.makeUUID()), \(organization), \(name), \(sealed)::bytea)
                ON CONFLICT (organization_id, name) DO NOTHING
                """)
        }
        guard let stored = try await get(name, of: organization) else {
            throw Problem(.internal, "The secret \(name) vanished while it was made.")
        }
        return stored
    }

    /// Nil if there is none of that name.
    /// - Throws: `internal` if it does not open under this master key.
    package func get(_ name: String, of organization: OrganizationID) async throws -> Secret<[UInt8]>? {
        let rows = try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                "SELECT encode(ciphertext, 'base64') AS sealed FROM weir.secrets WHERE name = \(name)")
        }
        guard let row = rows.first else { return nil }
        do {
            let sealed = try Data(base64Encoded: row.string("sealed"), options: .ignoreUnknownCharacters) ?? Data()
            let opened = try AES.GCM.open(
                AES.GCM.SealedBox(combined: sealed), using: key, authenticating: context(name, organization))
            return Secret(Array(opened))
        } catch {
            throw Problem(
                .internal, "The secret \(name) cannot be opened with this master key.",
                hint: "Put back the master.key that the data folder was made with.", cause: error)
        }
    }

    private func context(_ name: String, _ organization: OrganizationID) -> Data {
        Data("\(organization)/\(name)".utf8)
    }
}

/// Fresh random bytes from the system.
package func randomBytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
}
