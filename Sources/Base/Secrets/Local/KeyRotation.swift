import Foundation
package import Kernel
import Postgres

/// Changes the keys of the local store while servers and workers use it, each step in a transaction of its own: what was
/// interrupted goes on where it was.
///
/// First every data key is wrapped by the master key that seals now, so that an older one is needed no more. Then the
/// organization gets a fresh data key, every secret is sealed under it, and the old data keys go.
package struct KeyRotation: Sendable {
    private let store: LocalSecretStore

    package init(_ store: LocalSecretStore) { self.store = store }

    /// What one organization's rotation has done.
    package struct Done: Sendable, Equatable {
        package var wrapped = 0
        package var sealed = 0
        package var removed = 0
    }

    /// How much hangs on a master key.
    package struct Use: Sendable, Equatable {
        /// Nil for secrets that are sealed under a master key itself; which one, nobody has written down.
        package let masterKey: String?
        /// Data keys, or those secrets.
        package let count: Int
    }

    /// Those that have secrets, or keys of them.
    package func organizations() async throws -> [OrganizationID] {
        try await store.transaction(nil) { connection in
            try await connection.query("SELECT organization_id FROM weir.organizations_with_secrets()").map {
                try $0.id("organization_id")
            }
        }
    }

    package func rotate(_ organization: OrganizationID) async throws -> Done {
        var done = Done()
        done.wrapped = try await wrapAnew(organization)
        try await begin(organization)
        for name in try await names(left: organization) {
            try Task.checkCancellation()
            if try await store.reseal(name, of: organization) { done.sealed += 1 }
        }
        done.removed = try await removeUnused(organization)
        return done
    }

    /// By master key.
    package func use(by organization: OrganizationID) async throws -> [Use] {
        try await store.transaction(organization) { connection in
            try await connection.query(
                """
                SELECT master_key, count(*) AS count FROM weir.data_keys GROUP BY 1
                UNION ALL SELECT NULL, count(*) FROM weir.secrets WHERE data_key_id IS NULL HAVING count(*) > 0
                ORDER BY 1
                """
            ).map { Use(masterKey: try $0.optional("master_key"), count: Int(try $0.int("count"))) }
        }
    }

    // MARK: - Steps

    private func wrapAnew(_ organization: OrganizationID) async throws -> Int {
        let master = try store.keys.sealing()
        let ids = try await store.transaction(organization) { connection in
            try await connection.query("SELECT data_key_id FROM weir.data_keys WHERE master_key <> \(master.id)").map {
                try $0.id("data_key_id", SecretDataKeyTag.self)
            }
        }
        for id in ids { try await wrapAnew(id.uuid, organization, under: master) }
        return ids.count
    }

    private func wrapAnew(_ id: UUID, _ organization: OrganizationID, under master: MasterKey) async throws {
        try await store.transaction(organization) { connection in
            let rows = try await connection.query(
                """
                SELECT master_key, encode(wrapped, 'base64') AS wrapped FROM weir.data_keys
                WHERE data_key_id = \(id) FOR UPDATE
                """)
            guard let row = rows.first else { return }
            let key = try store.unwrap(row.bytes("wrapped"), id, of: organization, master: row.string("master_key"))
            let wrapped = try key.wrapped(for: organization, under: master)
            try await connection.query(
                """
                UPDATE weir.data_keys SET master_key = \(master.id), wrapped = \(wrapped)::bytea
                WHERE data_key_id = \(id)
                """)
        }
    }

    /// A fresh data key, unless an earlier rotation has left secrets to be sealed under the one that is in use.
    private func begin(_ organization: OrganizationID) async throws {
        guard try await names(left: organization).isEmpty else { return }
        let master = try store.keys.sealing()
        let made = try DataKey.make(store.time.makeUUID(), for: organization, under: master)
        try await store.transaction(organization) { connection in
            try await connection.query("UPDATE weir.data_keys SET retired_at = now() WHERE retired_at IS NULL")
            try await connection.query(
                """
                INSERT INTO weir.data_keys (data_key_id, organization_id, master_key, wrapped)
                VALUES (\(made.key.id), \(organization), \(master.id), \(made.wrapped)::bytea)
                ON CONFLICT (organization_id) WHERE retired_at IS NULL DO NOTHING
                """)
        }
    }

    /// Secrets that are not under the data key in use.
    private func names(left organization: OrganizationID) async throws -> [String] {
        try await store.transaction(organization) { connection in
            try await connection.query(
                """
                SELECT s.name FROM weir.secrets s LEFT JOIN weir.data_keys d USING (organization_id, data_key_id)
                WHERE d.data_key_id IS NULL OR d.retired_at IS NOT NULL ORDER BY s.name
                """
            ).map { try $0.string("name") }
        }
    }

    private func removeUnused(_ organization: OrganizationID) async throws -> Int {
        try await store.transaction(organization) { connection in
            try await connection.query(
                """
                DELETE FROM weir.data_keys d WHERE retired_at IS NOT NULL
                  AND NOT EXISTS (SELECT FROM weir.secrets s WHERE s.data_key_id = d.data_key_id)
                RETURNING data_key_id
                """
            ).count
        }
    }
}
