import Foundation
import Jobs
import Kernel
import Postgres
import Wire

/// Lists of runs.
extension RunReader {
    /// - Throws: `invalidInput` for a cursor that is none.
    func list(_ filter: RunFilter, as caller: Caller) async throws -> RunList {
        let cursor = try filter.before.map(RunCursor.init)
        let conditions = Self.conditions(filter, cursor).reduce(" WHERE true" as SQL) { $0 + " AND " + $1 }
        let query =
            Self.summaries + conditions + " ORDER BY r.created_at DESC, r.run_id DESC LIMIT \(filter.limit + 1)"
        return try await pool.transaction(organization: caller.organization) { connection in
            // One more than asked for tells whether there are more.
            let found = try await connection.query(query)
            let shown = found.prefix(filter.limit)
            return RunList(
                runs: try shown.map { try summary($0, caller) },
                next: found.count > filter.limit ? try shown.last.map { try RunCursor($0).text } : nil)
        }
    }

    private static func conditions(_ filter: RunFilter, _ cursor: RunCursor?) -> [SQL] {
        var all: [SQL] = []
        if let cursor {
            all.append(
                """
                (r.created_at, r.run_id) <
                  (timestamptz 'epoch' + \(cursor.microseconds)::float8 * interval '1 microsecond', \(cursor.run))
                """)
        }
        if !filter.states.isEmpty {
            all.append("r.state = ANY (\(PGArray.text(filter.states.map(\.rawValue)))::text[])")
        }
        // Messages are runs too, and would hide all others.
        all.append(filter.kind.map { "r.kind = \($0)" } ?? "r.kind <> \(NoticeBook.runKind)")
        if let source = filter.source { all.append("r.source = \(source)") }
        if let environment = filter.environment { all.append("r.environment = \(environment)") }
        if let visible = filter.visible {
            all.append("r.environment = ANY (\(PGArray.text(visible.sorted()))::text[])")
        }
        if let schedule = filter.schedule { all.append("s.name = \(schedule)") }
        if let search = filter.search, !search.isEmpty {
            let pattern = "%\(escaped(search))%"
            all.append(
                """
                (r.source ILIKE \(pattern) OR r.run_id::text LIKE \(pattern.lowercased()) OR r.note ILIKE \(pattern)
                 OR r.problem ->> 'detail' ILIKE \(pattern) OR r.cause ILIKE \(pattern))
                """)
        }
        return all
    }

    /// For LIKE: what a person typed means itself.
    private static func escaped(_ text: String) -> String {
        text.replacingScalar("\\", with: "\\\\").replacingScalar("%", with: "\\%").replacingScalar("_", with: "\\_")
    }

    /// How runs stand, by id.
    func states(of runs: [RunID], as caller: Caller) async throws -> [RunID: StateWord] {
        guard !runs.isEmpty else { return [:] }
        let list = PGArray.text(runs.map(\.description))
        return try await pool.transaction(organization: caller.organization) { connection in
            let rows = try await connection.query(
                "SELECT run_id, state FROM weir.runs WHERE run_id = ANY (\(list)::uuid[])")
            return Dictionary(
                try rows.compactMap { row in
                    try StateWord(rawValue: row.string("state")).map { (try row.id("run_id"), $0) }
                }, uniquingKeysWith: { first, _ in first })
        }
    }
}

/// A place in the list of runs: `{microseconds since 1970}~{run}`.
private struct RunCursor {
    let microseconds: Int64
    let run: RunID

    var text: String { "\(microseconds)~\(run)" }

    init(_ row: PGRow) throws {
        microseconds = try row.int("created_us")
        run = try row.id("run_id")
    }

    init(_ text: String) throws {
        let parts = text.split(separator: "~", omittingEmptySubsequences: false)
        // No run is older than 1970, and PostgreSQL knows no moment that an Int64 could name before 4713 BC.
        guard parts.count == 2, let microseconds = Int64(parts[0]), microseconds >= 0, let run = RunID(parts[1]) else {
            throw Problem(.invalidInput, "`before` is no place in the list.", hint: "Use the `next` of a page.")
        }
        self.microseconds = microseconds
        self.run = run
    }
}
