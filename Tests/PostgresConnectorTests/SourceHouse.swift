import Connecting
import DuckDB
import Foundation
import Kernel
import Postgres
import PostgresConnector
import TestHouse

/// A source database of one test, and a folder for what is read from it.
struct SourceHouse: Sendable {
    let database: TestDatabase
    let folder: String
    let source: PostgresSource
    private let key = Secret([UInt8](repeating: 3, count: 16))

    /// - Parameter asReader: as a role of this test, which the contents call READER, and not as the superuser.
    static func use(
        _ contents: String, asReader: Bool = false, _ work: (SourceHouse) async throws -> Void
    ) async throws {
        let reader = TestServer.uniqueName("weir_reader")
        let result = await Result {
            try await TestFolder.use { folder in
                try await TestDatabase.use { database in
                    var address = database.address
                    if asReader {
                        try await database.script("CREATE ROLE \(reader) LOGIN PASSWORD 'pass'")
                        address = try TestServer.address(database: database.name, user: reader, password: "pass")
                    }
                    try await database.script(contents.replacingOccurrences(of: "READER", with: reader))
                    let source = PostgresSource(address: address, duckDB: { try await TestDuck.shared() })
                    try await work(SourceHouse(database: database, folder: folder, source: source))
                }
            }
        }
        if asReader { try await TestServer.administer(["DROP ROLE IF EXISTS \(reader)"]) }
        try result.get()
    }

    func streams() async throws -> [String: DiscoveredStream] {
        let found = try await source.discover()
        return Dictionary(found.map { ($0.stream.name.description, $0) }, uniquingKeysWith: { first, _ in first })
    }

    func stream(_ name: String) async throws -> SourceStream {
        guard let found = try await streams()[name] else { throw Problem(.sourceMissing, "No \(name).") }
        return found.stream
    }

    /// Opens a snapshot and closes it, whatever comes of `work`.
    func snapshot(parallelism: Int = 2, _ work: (any SourceSnapshot) async throws -> Void) async throws {
        let snapshot = try await source.openSnapshot(parallelism: parallelism)
        let result = await Result { try await work(snapshot) }
        await snapshot.close()
        try result.get()
    }

    func target() -> ParquetTarget { ParquetTarget(path: "\(folder)/\(UUID().uuidString).parquet", key: key) }

    /// Reads all parts of a stream, some at once, and gives the files.
    func read(_ stream: SourceStream, through snapshot: any SourceSnapshot) async throws -> [String] {
        let parts = try await snapshot.parts(of: stream)
        return try await withThrowingTaskGroup(of: String.self) { group in
            for part in parts {
                group.addTask {
                    let file = target()
                    _ = try await snapshot.write(part, of: stream, to: file)
                    return file.path
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }

    /// The rows of a query over the relation `t` of these files.
    func rows(_ select: String, of files: [String]) async throws -> [[String?]] {
        let list = files.map(DuckSQL.literal).joined(separator: ", ")
        let base64 = Data(key.reveal()).base64EncodedString()
        return try await TestDuck.rows(
            """
            WITH t AS (FROM read_parquet([\(list)], encryption_config = {footer_key_value: from_base64('\(base64)')}))
            \(select)
            """)
    }
}
