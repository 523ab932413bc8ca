import Access
import EmbeddedWarehouse
import Foundation
import Jobs
import Kernel
import Lakehouse
import Postgres
import Secrets
import Warehousing

/// Removes organizations whose time of grace is over, with all that is theirs and nothing that is others': first what
/// lies outside the metadata, then its rows, then itself. Each step finds what an earlier attempt has done; as long as
/// the organization's own row is there, the next look goes on.
struct OrganizationRemoval: Sendable {
    /// Rows in one transaction.
    private static let batch = 5000

    let house: House

    /// Removes what is due. One of many servers does it; an organization whose jobs still run is left for the next time.
    func tick() async throws {
        let due = try await house.pool.withConnection { connection in
            try await connection.query("SELECT * FROM weir.organizations_to_remove()")
        }
        guard !due.isEmpty else { return }
        let owner = PGPool(house.metadata.owner, limit: 1)
        do {
            for row in due { try await remove(row.id("organization_id"), slug: row.string("slug"), owner) }
        } catch {
            await owner.close()
            throw error
        }
        await owner.close()
    }

    private func remove(_ id: OrganizationID, slug: String, _ owner: PGPool) async throws {
        try await owner.withConnection { connection in
            // Goes with the connection, which is this look's alone.
            let taken = try await connection.query(
                "SELECT pg_try_advisory_lock(hashtextextended(\("remove/\(id)"), 0)) AS taken")
            guard try taken.first?.bool("taken") == true, try await isAtRest(id) else { return }
            try await removeWarehouses(of: id, slug: slug)
            try removeFolders(of: slug)
            try await removeSecrets(of: id)
            try await removeRows(of: id, on: connection)
            // Its own chain says who deleted it; that it is gone stands where somebody can still read it.
            try await AuditBook(pool: house.pool).append(
                AuditEntry(.system, "organizations.remove", AuditTarget("organization", slug)), to: AuditBook.house)
        }
    }

    /// Cancels what is not over; false as long as a worker is at it.
    private func isAtRest(_ id: OrganizationID) async throws -> Bool {
        let open = try await house.pool.transaction(organization: id) { connection in
            try await connection.query(
                "SELECT run_id FROM weir.runs WHERE state IN ('PENDING', 'RUNNING', 'RETRYABLE') LIMIT 1000"
            ).map { try $0.id("run_id", RunTag.self) }
        }
        for run in open {
            try await RunControl(pool: house.pool).cancel(
                run, of: id, by: "Weirhouse", note: "the organization is deleted")
        }
        return try await house.pool.transaction(organization: id) { connection in
            try await connection.query("SELECT FROM weir.jobs WHERE state = 'RUNNING' LIMIT 1").isEmpty
        }
    }

    private func removeWarehouses(of id: OrganizationID, slug: String) async throws {
        let warehouse = house.embedded { throw Problem(.unsupported, "The server loads no DuckDB.") }
        do {
            for environment in WarehousePlace.environments {
                try await warehouse.destroy(WarehousePlace(organization: id, slug: slug, environment: environment))
            }
        } catch {
            await warehouse.closeOwner()
            throw error
        }
        await warehouse.closeOwner()
    }

    /// Also from a store elsewhere, which no foreign key reaches.
    private func removeSecrets(of id: OrganizationID) async throws {
        for entry in try await house.secrets.list(of: id) { _ = try await house.secrets.delete(entry.name, of: id) }
    }

    private func removeFolders(of slug: String) throws {
        let layout = house.layout
        let models = WarehousePlace.environments.map { "\(house.folder.models)/\(slug)_\($0)" }
        for folder in layout.folders(of: slug) + models where FileManager.default.fileExists(atPath: folder) {
            try LakeFiles.perform("remove a folder of an organization") {
                try FileManager.default.removeItem(atPath: folder)
            }
        }
    }

    // MARK: - Rows

    /// Of all tables that refer to organizations, whoever added them: those first that others do not refer to. Last of
    /// all, in one transaction, who could do what, and the organization. People who then belong to nothing go with their
    /// principals, by a trigger.
    private func removeRows(of id: OrganizationID, on connection: PGConnection) async throws {
        try await leaveSharedLimits(of: id, on: connection)
        for table in try await tables(on: connection) where !["grants", "principals"].contains(table) {
            let name = SQL(unsafe: "weir.\(SQL.quoted(table))")
            var removed = 1
            while removed > 0 {
                removed = try await connection.transaction(organization: id) {
                    try await connection.query(
                        """
                        DELETE FROM \(name) WHERE organization_id = \(id)
                          AND ctid = ANY (ARRAY(SELECT ctid FROM \(name) WHERE organization_id = \(id) LIMIT \(Self.batch)))
                        RETURNING 1
                        """
                    ).count
                }
            }
        }
        try await connection.transaction(organization: id) {
            try await connection.query("DELETE FROM weir.grants WHERE organization_id = \(id)")
            try await connection.query("DELETE FROM weir.principals WHERE organization_id = \(id)")
            try await connection.query("DELETE FROM weir.organizations WHERE organization_id = \(id)")
        }
    }

    /// Keys that jobs of all organizations count under; their rows are made as those of whoever comes first.
    private static let sharedKeys = [JobLimits.one(CloneRun.provisionKey)]

    /// Limits that others' jobs are held to stay, and are nobody's: without a key's row those that wait for it would wait
    /// for ever, and nothing would hold back the next.
    private func leaveSharedLimits(of id: OrganizationID, on connection: PGConnection) async throws {
        let keys = PGArray.text(Self.sharedKeys)
        try await connection.transaction(organization: id) {
            // Locked by key, as claims lock them.
            try await connection.query(
                """
                UPDATE weir.limits SET organization_id = NULL WHERE key IN (
                  SELECT l.key FROM weir.limits l WHERE l.organization_id = \(id)
                    AND (l.key = ANY (\(keys)::text[])
                      OR l.key IN (SELECT unnest(j.limits) FROM weir.jobs j WHERE j.organization_id <> \(id)))
                  ORDER BY l.key FOR NO KEY UPDATE)
                """)
        }
    }

    /// A table stands before those that it refers to.
    private func tables(on connection: PGConnection) async throws -> [String] {
        try await connection.query(
            """
            WITH RECURSIVE tenant AS (
              SELECT DISTINCT k.conrelid AS oid FROM pg_constraint k
              WHERE k.contype = 'f' AND k.confrelid = 'weir.organizations'::regclass
            ), walk AS (
              SELECT oid, 1 AS level FROM tenant
              UNION
              SELECT k.confrelid, w.level + 1 FROM walk w JOIN pg_constraint k ON k.contype = 'f' AND k.conrelid = w.oid
                AND k.confrelid <> w.oid JOIN tenant t ON t.oid = k.confrelid WHERE w.level < 50
            )
            SELECT c.relname FROM walk w JOIN pg_class c ON c.oid = w.oid GROUP BY 1 ORDER BY max(w.level), 1
            """
        ).map { try $0.string("relname") }
    }
}
