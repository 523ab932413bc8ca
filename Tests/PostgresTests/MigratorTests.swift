import Foundation
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("Migrations", .timeLimit(.minutes(10)))
struct MigratorTests {
    private func write(_ migrations: [String: String], in folder: String) throws {
        for (name, sql) in migrations {
            try Data(sql.utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
        }
    }

    private let two = [
        "0001-make.sql": "CREATE TABLE made (id int); INSERT INTO made VALUES (1);",
        "0002-fill.sql": "INSERT INTO made SELECT 2 FROM made;",
    ]

    @Test("run once each, in order, however often they are asked to")
    func once() async throws {
        try await TestFolder.use { folder in
            try write(two, in: folder)
            try await TestDatabase.use { database in
                let connection = try await database.connect()
                for _ in 0..<3 { try await Migrator(folder: folder).migrate(connection) }
                #expect(try await database.number("SELECT count(*) FROM made") == 2)
                let run = try await database.query("SELECT name FROM weir.migrations ORDER BY number")
                #expect(try run.map { try $0.string("name") } == ["0001-make.sql", "0002-fill.sql"])
                await connection.close()
            }
        }
    }

    @Test("run once when several processes start at the same moment")
    func concurrently() async throws {
        try await TestFolder.use { folder in
            try write(two, in: folder)
            try await TestDatabase.use { database in
                let migrator = try Migrator(folder: folder)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<5 {
                        group.addTask {
                            let connection = try await database.connect()
                            try await migrator.migrate(connection)
                            await connection.close()
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await database.number("SELECT count(*) FROM made") == 2)
            }
        }
    }

    @Test("go on with what is new")
    func onward() async throws {
        try await TestFolder.use { folder in
            try await TestDatabase.use { database in
                let connection = try await database.connect()
                try write(two, in: folder)
                try await Migrator(folder: folder).migrate(connection)
                try write(["0003-more.sql": "INSERT INTO made VALUES (3);"], in: folder)
                try await Migrator(folder: folder).migrate(connection)
                #expect(try await database.number("SELECT sum(id) FROM made") == 6)
                await connection.close()
            }
        }
    }

    @Test("refuse a database that a newer program has changed, and leave it alone")
    func newer() async throws {
        try await TestFolder.use { folder in
            try write(two, in: folder)
            try await TestDatabase.use { database in
                let connection = try await database.connect()
                try await Migrator(folder: folder).migrate(connection)
                try await database.query("INSERT INTO weir.migrations (number, name) VALUES (3, 'from the future')")
                let problem = await #expect(throws: Problem.self) {
                    try await Migrator(folder: folder).migrate(connection)
                }
                #expect(problem?.code == .dataFolderNewer)
                // The lock is free again.
                try await database.query("DELETE FROM weir.migrations WHERE number = 3")
                let other = try await database.connect()
                try await Migrator(folder: folder).migrate(other)
                await other.close()
                await connection.close()
            }
        }
    }

    @Test("leave nothing of one that fails")
    func failing() async throws {
        try await TestFolder.use { folder in
            try write(["0001-bad.sql": "CREATE TABLE half (id int); SELECT nothing;"], in: folder)
            try await TestDatabase.use { database in
                let connection = try await database.connect()
                await #expect(throws: PGError.self) { try await Migrator(folder: folder).migrate(connection) }
                #expect(try await database.number("SELECT count(*) FROM pg_tables WHERE tablename = 'half'") == 0)
                #expect(try await database.number("SELECT count(*) FROM weir.migrations") == 0)
                try write(["0001-bad.sql": "CREATE TABLE whole (id int);"], in: folder)
                try await Migrator(folder: folder).migrate(connection)
                #expect(try await database.number("SELECT count(*) FROM whole") == 0)
                await connection.close()
            }
        }
    }

    @Test("of one number in several files are one migration, in the order of their names")
    func parts() async throws {
        try await TestFolder.use { folder in
            try write(
                ["0001-b-2.sql": "INSERT INTO made SELECT nothing;", "0001-b-1.sql": "CREATE TABLE made (id int);"],
                in: folder)
            try await TestDatabase.use { database in
                let connection = try await database.connect()
                await #expect(throws: PGError.self) { try await Migrator(folder: folder).migrate(connection) }
                #expect(try await database.number("SELECT count(*) FROM pg_tables WHERE tablename = 'made'") == 0)
                try write(["0001-b-2.sql": "INSERT INTO made VALUES (7)"], in: folder)
                for _ in 0..<2 { try await Migrator(folder: folder).migrate(connection) }
                #expect(try await database.number("SELECT sum(id) FROM made") == 7)
                #expect(try await database.number("SELECT count(*) FROM weir.migrations") == 1)
                await connection.close()
            }
        }
    }

    @Test("need a folder that holds some, each with its number")
    func folders() async throws {
        try await TestFolder.use { folder in
            #expect(throws: Problem.self) { _ = try Migrator(folder: folder) }
            try write(["first.sql": "SELECT 1"], in: folder)
            #expect(throws: Problem.self) { _ = try Migrator(folder: folder) }
        }
    }
}
