import Foundation
package import Kernel
package import Postgres

/// Secrets in the metadata database, by envelope encryption: each organization has a random data key, wrapped with
/// AES-256-GCM under a master key that is kept elsewhere; each value is sealed with AES-256-GCM under the data key, and
/// bound to its organization, name and number.
///
/// Rows of migration 0001, sealed under the master key itself, open as well, and are sealed anew when they are read.
package struct LocalSecretStore: SecretStore {
    let pool: PGPool
    package let keys: MasterKeys
    let time: TimeSource

    package var place: String { "this database" }

    package init(pool: PGPool, keys: MasterKeys, time: TimeSource) {
        self.pool = pool
        self.keys = keys
        self.time = time
    }

    package func get(_ name: String, of organization: OrganizationID) async throws -> Secret<[UInt8]>? {
        try SecretName.check(name)
        let stored = try await transaction(organization) { try await read(name, organization, on: $0) }
        guard let stored else { return nil }
        let value = try stored.open(with: keys)
        if stored.dataKey == nil { try await reseal(name, of: organization) }
        return value
    }

    @discardableResult
    package func put(
        _ value: Secret<[UInt8]>, named name: String, of organization: OrganizationID
    ) async throws -> Int {
        try SecretName.check(name)
        try SecretValue.check(value)
        return try await transaction(organization) { connection in
            let key = try await dataKey(of: organization, on: connection)
            if try await insert(value, name, organization, under: key, on: connection) { return 1 }
            let rows = try await connection.query("SELECT version FROM weir.secrets WHERE name = \(name) FOR UPDATE")
            guard let row = rows.first else {
                throw Problem(.busy, "The secret \(name) is being changed by others.", hint: "Try again.")
            }
            let version = Int(try row.int("version")) + 1
            let sealed = try SealedSecret.seal(value, name, of: organization, version: version, under: key)
            try await connection.query(
                """
                UPDATE weir.secrets SET ciphertext = \(sealed)::bytea, version = \(version), data_key_id = \(key.id),
                  changed_at = clock_timestamp()
                WHERE name = \(name)
                """)
            return version
        }
    }

    package func ensure(
        named name: String, of organization: OrganizationID, make: @Sendable () -> Secret<[UInt8]>
    ) async throws -> Secret<[UInt8]> {
        if let found = try await get(name, of: organization) { return found }
        let value = make()
        try SecretValue.check(value)
        let isMine = try await transaction(organization) { connection in
            let key = try await dataKey(of: organization, on: connection)
            return try await insert(value, name, organization, under: key, on: connection)
        }
        if isMine { return value }
        guard let stored = try await get(name, of: organization) else {
            throw Problem(.busy, "The secret \(name) is being changed by others.", hint: "Try again.")
        }
        return stored
    }

    @discardableResult
    package func delete(_ name: String, of organization: OrganizationID) async throws -> Bool {
        try SecretName.check(name)
        return try await transaction(organization) { connection in
            try await !connection.query("DELETE FROM weir.secrets WHERE name = \(name) RETURNING name").isEmpty
        }
    }

    package func list(of organization: OrganizationID) async throws -> [SecretEntry] {
        try await transaction(organization) { connection in
            try await connection.query(
                """
                SELECT name, version, extract(epoch FROM changed_at)::float8 AS changed FROM weir.secrets
                ORDER BY name COLLATE "C"
                """
            ).map {
                SecretEntry(
                    name: try $0.string("name"), version: Int(try $0.int("version")),
                    changedAt: try $0.moment("changed"))
            }
        }
    }

    /// The database answers, and there is a master key.
    package func checkHealth() async throws {
        try keys.reload()
        try await transaction(nil) { _ = try await $0.query("SELECT FROM weir.secrets LIMIT 0") }
    }
}

extension LocalSecretStore {
    /// A row with its data key.
    func read(
        _ name: String, _ organization: OrganizationID, on connection: PGConnection
    ) async throws -> SealedSecret? {
        try await connection.query(
            "SELECT \(SealedSecret.columns) FROM \(SealedSecret.tables) WHERE s.name = \(name)"
        ).first.map { try SealedSecret($0, of: organization) }
    }

    /// Seals a secret under the data key that is in use, unless it is. Its number stays.
    /// - Returns: whether it was under another.
    @discardableResult
    func reseal(_ name: String, of organization: OrganizationID) async throws -> Bool {
        try await transaction(organization) { connection in
            let key = try await dataKey(of: organization, on: connection)
            // Apart from the reading: a join that waits for a lock pairs the new row with the old key.
            try await connection.query("SELECT FROM weir.secrets WHERE name = \(name) FOR UPDATE")
            guard let stored = try await read(name, organization, on: connection),
                stored.dataKey?.id != key.id
            else { return false }
            let sealed = try SealedSecret.seal(
                stored.open(with: keys), name, of: organization, version: stored.version, under: key)
            try await connection.query(
                "UPDATE weir.secrets SET ciphertext = \(sealed)::bytea, data_key_id = \(key.id) WHERE name = \(name)")
            return true
        }
    }

    /// The organization's data key that seals, made if there is none. It stays in use until the transaction ends.
    func dataKey(of organization: OrganizationID, on connection: PGConnection) async throws -> DataKey {
        // A rotation may retire it between the two statements, and another one that rotation's.
        for _ in 0..<16 {
            if let key = try await keyInUse(of: organization, on: connection) { return key }
            let master = try keys.sealing()
            let made = try DataKey.make(time.makeUUID(), for: organization, under: master)
            try await connection.query(
                """
                INSERT INTO weir.data_keys (data_key_id, organization_id, master_key, wrapped)
                VALUES (\(made.key.id), \(organization), \(master.id), \(made.wrapped)::bytea)
                ON CONFLICT (organization_id) WHERE retired_at IS NULL DO NOTHING
                """)
        }
        throw Problem(.busy, "The keys of secrets are being changed.", hint: "Try again.")
    }

    private func keyInUse(of organization: OrganizationID, on connection: PGConnection) async throws -> DataKey? {
        let rows = try await connection.query(
            """
            SELECT data_key_id, master_key, encode(wrapped, 'base64') AS wrapped FROM weir.data_keys
            WHERE retired_at IS NULL FOR SHARE
            """)
        return try rows.first.map { row in
            try unwrap(
                row.bytes("wrapped"), row.id("data_key_id", SecretDataKeyTag.self).uuid, of: organization,
                master: row.string("master_key"))
        }
    }

    func unwrap(
        _ wrapped: Data, _ id: UUID, of organization: OrganizationID, master: String
    ) throws -> DataKey {
        let master = try keys.key(master)
        do {
            return try DataKey.unwrap(wrapped, id, of: organization, under: master)
        } catch {
            throw Problem(
                .internal, "A key of secrets is damaged.", hint: "Restore the metadata database from a backup.",
                cause: error)
        }
    }

    /// - Returns: false if there is a secret of that name.
    private func insert(
        _ value: Secret<[UInt8]>, _ name: String, _ organization: OrganizationID, under key: DataKey,
        on connection: PGConnection
    ) async throws -> Bool {
        let sealed = try SealedSecret.seal(value, name, of: organization, version: 1, under: key)
        let made = try await connection.query(
            """
            INSERT INTO weir.secrets (secret_id, organization_id, name, ciphertext, version, data_key_id, changed_at)
            VALUES (\(time.makeUUID()), \(organization), \(name), \(sealed)::bytea, 1, \(key.id), clock_timestamp())
            ON CONFLICT (organization_id, name) DO NOTHING RETURNING name
            """)
        return !made.isEmpty
    }

    /// - Throws: `Problem`s only.
    func transaction<Value: Sendable>(
        _ organization: OrganizationID?, _ work: @Sendable (PGConnection) async throws -> Value
    ) async throws -> Value {
        do {
            return try await pool.transaction(organization: organization, work)
        } catch let error as PGError {
            throw error.asMetadataProblem
        }
    }
}
