import Kernel
import Postgres
import Secrets

/// Keeps the secrets that people give, and remembers who gave them.
struct SecretKeeper: Sendable {
    let house: House

    func keep(
        _ value: Secret<[UInt8]>, named name: String, of organization: OrganizationID, by person: String
    ) async throws {
        let version = try await house.secrets.put(value, named: name, of: organization)
        try await house.pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                INSERT INTO weir.secret_changes AS c (organization_id, name, version, changed_by)
                VALUES (\(organization), \(name), \(version), \(person))
                ON CONFLICT (organization_id, name)
                  DO UPDATE SET version = excluded.version, changed_by = excluded.changed_by
                """)
        }
    }

    func keep(
        _ value: Secret<String>, named name: String, of organization: OrganizationID, by person: String
    ) async throws {
        try await keep(Secret(Array(value.reveal().utf8)), named: name, of: organization, by: person)
    }

    /// - Returns: false if there was none.
    @discardableResult
    func remove(_ name: String, of organization: OrganizationID) async throws -> Bool {
        let wasThere = try await house.secrets.delete(name, of: organization)
        try await house.pool.transaction(organization: organization) { connection in
            try await connection.query("DELETE FROM weir.secret_changes WHERE name = \(name)")
        }
        return wasThere
    }

    /// Who put the values that count, by name.
    func people(of organization: OrganizationID) async throws -> [String: (version: Int, person: String)] {
        let rows = try await house.pool.transaction(organization: organization) { connection in
            try await connection.query("SELECT name, version, changed_by FROM weir.secret_changes")
        }
        var people: [String: (version: Int, person: String)] = [:]
        for row in rows {
            people[try row.string("name")] = (Int(try row.int("version")), try row.string("changed_by"))
        }
        return people
    }
}
