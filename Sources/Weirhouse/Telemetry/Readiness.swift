import Kernel
import Postgres

/// Whether this server can answer: its metadata database is there and in the form that it knows.
struct Readiness: Sendable {
    private let question: SharedQuestion<Problem?>

    /// - Parameter newest: the number of the newest migration that this program knows.
    init(pool: PGPool, newest: Int) {
        question = SharedQuestion { await Self.look(pool, newest) }
    }

    /// Answers within two seconds.
    /// - Throws: `metadataUnavailable`, whose words say what is missing.
    func check() async throws {
        guard let answer = await question.answer(within: .seconds(2)) else { throw Self.silent(nil) }
        if let answer { throw answer }
    }

    private static func look(_ pool: PGPool, _ newest: Int) async -> Problem? {
        do {
            let rows = try await pool.withConnection { connection in
                try await connection.query("SELECT max(number) AS number FROM weir.migrations")
            }
            let found = try rows.first?.optionalInt("number") ?? 0
            return found >= newest ? nil : old("at migration \(found)", nil)
        } catch let error as PGError where !error.isTransient {
            // It answers, but has no such table, or one that the application may not read yet.
            return old("not set up", error)
        } catch {
            return silent(error)
        }
    }

    private static func silent(_ cause: (any Error)?) -> Problem {
        Problem(
            .metadataUnavailable, "Not ready: the metadata database does not answer.",
            hint: "Wait for it; weir up starts its own again by itself.", cause: cause)
    }

    private static func old(_ state: String, _ cause: (any Error)?) -> Problem {
        Problem(
            .metadataUnavailable, "Not ready: the metadata database is \(state), older than this server.",
            hint: "Start weir up of this version on it once.", cause: cause)
    }
}
