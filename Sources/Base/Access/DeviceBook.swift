package import Foundation
package import Kernel
package import Postgres

/// Command lines that sign in through somebody's browser (RFC 8628): a machine asks, a person answers, the machine gets a
/// token.
package struct DeviceBook: Sendable {
    /// How long a code is good for.
    package static let lifetime: Duration = .seconds(600)
    /// What a machine waits between two questions, at first.
    package static let pause = 5
    /// Wrong codes that one person may type in ten minutes.
    static let mostTries = 10

    private let pool: PGPool
    private let gate: Gate
    private let time: TimeSource

    package init(pool: PGPool, time: TimeSource) {
        self.pool = pool
        self.time = time
        gate = Gate(pool: pool, time: time)
    }

    package struct Codes: Sendable {
        /// The machine's own.
        package let device: Secret<String>
        /// The person's, `BCDF-GHJK`.
        package let user: String
    }

    /// - Throws: `tooManyAttempts` if too many wait.
    package func begin(machine: String, scopes: [String], from address: String?) async throws -> Codes {
        let codes = Codes(device: Secret("weir_device_" + Gate.randomText()), user: UserCode.make())
        let rows = try await pool.withConnection { connection in
            try await connection.query(
                """
                SELECT weir.begin_device_request(\(gate.hash(codes.device.reveal()))::bytea,
                  \(userHash(codes.user))::bytea, \(machine), \(address)::inet, \(PGArray.text(scopes))::text[],
                  make_interval(secs => \(Self.lifetime / .seconds(1))::float8)) AS until
                """)
        }
        guard try rows.first?.optional("until") != nil else {
            throw Problem(.tooManyAttempts, "Too many sign-ins wait for an answer.", hint: "Try again in ten minutes.")
        }
        return codes
    }

    /// One that waits for an answer.
    package struct Waiting: Sendable {
        package let machine: String
        package let from: String?
        package let scopes: [String]
        package let secondsLeft: Int
    }

    /// What a code stands for; nil if there is no such. Each try counts, until one is right.
    /// - Throws: `tooManyAttempts` after too many that were wrong.
    package func find(
        _ code: String, by principal: PrincipalID, of organization: OrganizationID
    ) async throws -> Waiting? {
        try await count(tryOf: principal, organization)
        guard let code = UserCode.read(code) else { return nil }
        return try await pool.transaction(organization: organization) { connection in
            let rows = try await connection.query(
                """
                SELECT machine, came_from, array_to_string(wanted_scopes, ',') AS scopes, seconds_left
                FROM weir.find_device_request(\(userHash(code))::bytea)
                """)
            guard let row = rows.first else { return nil }
            try await Self.forgetTries(of: principal, connection)
            return Waiting(
                machine: try row.string("machine"), from: try row.optional("came_from"),
                scopes: try row.string("scopes").split(separator: ",").map(String.init),
                secondsLeft: Int(try row.int("seconds_left")))
        }
    }

    /// What a person has chosen; nil: denied.
    package struct Approval: Sendable {
        package let scopes: [String]?
        package let lifetime: Duration

        package init(scopes: [String]?, lifetime: Duration) {
            self.scopes = scopes
            self.lifetime = lifetime
        }
    }

    /// False if there is no such request any more. A try as `find` is one, so that nobody can answer what they have not seen.
    /// - Throws: `tooManyAttempts` after too many that were wrong.
    package func answer(
        _ code: String, _ approval: Approval?, by principal: PrincipalID, of organization: OrganizationID
    ) async throws -> Bool {
        try await count(tryOf: principal, organization)
        guard let code = UserCode.read(code) else { return false }
        return try await pool.transaction(organization: organization) { connection in
            let rows = try await connection.query(
                """
                SELECT weir.answer_device_request(\(userHash(code))::bytea, \(approval != nil), \(principal),
                  \(approval?.scopes.map { PGArray.text($0) })::text[],
                  make_interval(secs => \(approval.map { $0.lifetime / .seconds(1) })::float8)) AS done
                """)
            let isDone = try rows.first?.bool("done") ?? false
            if isDone { try await Self.forgetTries(of: principal, connection) }
            return isDone
        }
    }

    /// What a machine hears.
    package enum Word: Sendable {
        case pending
        /// From now on it is to wait so many seconds.
        case slowDown(Int)
        case denied, expired
        case approved(Approved)
    }

    package struct Approved: Sendable {
        package let token: Secret<String>
        package let organization: String
        package let person: String
        /// Nil: all that the roles give.
        package let scopes: [String]?
        package let expiresAt: Date
    }

    package func poll(_ code: String, from address: String?) async throws -> Word {
        let token = TokenText.make()
        let rows = try await pool.withConnection { connection in
            try await connection.query(
                """
                SELECT outcome, pause, slug, name, array_to_string(scopes, ',') AS scopes, expires_at
                FROM weir.poll_device_request(\(gate.hash(code))::bytea, \(gate.hash(token.reveal()))::bytea,
                  \(time.makeUUID())::uuid, \(TokenText.beginning(of: token)), \(address)::inet)
                """)
        }
        guard let row = rows.first else { return .expired }
        switch try row.string("outcome") {
        case "pending": return .pending
        case "slow_down": return .slowDown(Int(try row.int("pause")))
        case "denied": return .denied
        case "approved":
            return .approved(
                Approved(
                    token: token, organization: try row.string("slug"), person: try row.string("name"),
                    scopes: try row.optional("scopes").map { $0.split(separator: ",").map(String.init) },
                    expiresAt: try row.moment("expires_at")))
        default: return .expired
        }
    }

    /// Counted before it is looked up: many at once get no more tries than one after the other.
    private func count(tryOf principal: PrincipalID, _ organization: OrganizationID) async throws {
        let rows = try await pool.transaction(organization: organization) { connection in
            try await connection.query(
                """
                INSERT INTO weir.device_guesses AS g (principal_id, organization_id, tries, since)
                VALUES (\(principal), \(organization), 1, now())
                ON CONFLICT (principal_id) DO UPDATE SET
                  tries = CASE WHEN g.since < now() - interval '10 minutes' THEN 1 ELSE g.tries + 1 END,
                  since = CASE WHEN g.since < now() - interval '10 minutes' THEN now() ELSE g.since END
                RETURNING tries
                """)
        }
        guard try rows.first?.int("tries") ?? 0 <= Int64(Self.mostTries) else {
            throw Problem(
                .tooManyAttempts, "Too many codes were wrong.",
                hint: "Wait ten minutes, then run weir login again for a new code."
            )
        }
    }

    private static func forgetTries(of principal: PrincipalID, _ connection: PGConnection) async throws {
        try await connection.query("DELETE FROM weir.device_guesses WHERE principal_id = \(principal)")
    }

    private func userHash(_ code: String) -> Data { gate.hash("user code \(code)") }
}

/// Codes that people type: eight consonants, so that they make no words (RFC 8628, section 6.1).
enum UserCode {
    static let letters = Array("BCDFGHJKLMNPQRSTVWXZ")

    static func make() -> String {
        var generator = SystemRandomNumberGenerator()
        let text = (0..<8).map { _ in letters[Int.random(in: 0..<letters.count, using: &generator)] }
        return String(text.prefix(4)) + "-" + String(text.suffix(4))
    }

    /// As it is written, whatever was typed between and however large; nil if it is none.
    static func read(_ typed: String) -> String? {
        guard typed.utf8.count <= 40 else { return nil }
        let letters = typed.uppercased().filter { Self.letters.contains($0) }
        let others = typed.uppercased().filter { !Self.letters.contains($0) }
        guard letters.count == 8, others.allSatisfy({ $0 == "-" || $0 == " " }) else { return nil }
        return "\(letters.prefix(4))-\(letters.suffix(4))"
    }
}
