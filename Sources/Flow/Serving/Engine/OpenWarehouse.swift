import DuckDB
import Foundation
import Kernel
import Warehousing

/// One warehouse attached to a DuckDB instance of its own, locked so that nothing else can be reached.
final class OpenWarehouse: Sendable {
    private let database: DuckDatabase
    private let name: String
    /// Whether the catalogue's version can be asked, so that what was read of it may be kept.
    private let hasSnapshots: Bool
    private let kept = KeptCatalogue()

    /// - Throws: `engineUnavailable` if it cannot be attached.
    init(_ request: EngineRequest, folder: String, _ configuration: EngineConfiguration) async throws {
        name = request.database
        database = try await configuration.duckDB.open(
            memory: "\(configuration.memory)MB", threads: configuration.threads,
            spill: configuration.spill > 0 ? "\(folder)/spill" : nil)
        let connection = try database.connect()
        do {
            for statement in request.attach { try await connection.execute(statement) }
            let folders = (request.folders + [folder]).map { DuckSQL.literal($0.hasSuffix("/") ? $0 : "\($0)/") }
            try await connection.execute(
                """
                SET GLOBAL preserve_insertion_order = true;
                SET GLOBAL max_temp_directory_size = '\(max(configuration.spill, 1))MB';
                SET GLOBAL allow_community_extensions = false;
                SET GLOBAL allowed_directories = [\(folders.joined(separator: ", "))];
                SET GLOBAL enable_external_access = false;
                SET GLOBAL lock_configuration = true;
                """)
            hasSnapshots = (try? await connection.rows(OpenWarehouse.snapshot(name))) != nil
        } catch let error as DuckError {
            throw Problem(
                .engineUnavailable, "The warehouse cannot be opened for reading.",
                hint: "Try again; if it stays, see `weir status`.", cause: error)
        }
    }

    private static func snapshot(_ database: String) -> String {
        "SELECT id FROM \(DuckSQL.quoted(database)).current_snapshot()"
    }

    /// A connection of its own for one query, inside a transaction that sees the newest committed state.
    func begin() async throws -> DuckConnection {
        let connection = try database.connect()
        let path = LakeCatalogue.searchPath.map { "\(name).\($0.rawValue)" }.joined(separator: ",")
        try await connection.execute("SET search_path = \(DuckSQL.literal(path)); BEGIN TRANSACTION READ ONLY")
        return connection
    }

    /// What the lake holds in the connection's transaction.
    func catalogue(in connection: DuckConnection) async throws -> LakeCatalogue {
        var snapshot: String?
        if hasSnapshots {
            snapshot = try await connection.rows(OpenWarehouse.snapshot(name)).first?[0].string
            if let known = await kept.catalogue(at: snapshot) { return known }
        }
        let catalogue = try await connection.perform { [name] session in
            try LakeCatalogue(database: name, session: session)
        }
        await kept.keep(catalogue, at: snapshot)
        return catalogue
    }

    private actor KeptCatalogue {
        private var snapshot: String?
        private var catalogue: LakeCatalogue?

        func catalogue(at snapshot: String?) -> LakeCatalogue? {
            snapshot != nil && snapshot == self.snapshot ? catalogue : nil
        }

        func keep(_ catalogue: LakeCatalogue, at snapshot: String?) {
            self.snapshot = snapshot
            self.catalogue = catalogue
        }
    }
}

/// The warehouses that are open, each made once however many ask for it.
actor OpenWarehouses {
    private struct Entry {
        let attach: [String]
        let folders: [String]
        let opening: Task<OpenWarehouse, any Error>
        let folder: String
        var lastUsed: ContinuousClock.Instant
        var users: Int
    }

    private let configuration: EngineConfiguration
    private var entries: [String: Entry] = [:]
    private var made = 0

    init(_ configuration: EngineConfiguration) { self.configuration = configuration }

    var count: Int { entries.count }

    /// The warehouse of the request; give it back with `release`.
    /// - Throws: `engineUnavailable`.
    func open(_ request: EngineRequest) async throws -> OpenWarehouse {
        let name = request.warehouse
        if let entry = entries[name], entry.attach != request.attach || entry.folders != request.folders {
            entries[name] = nil
        }
        if entries[name] == nil {
            makeRoom()
            made += 1
            let folder = "\(configuration.folder)/\(made)"
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            let opening = Task { [configuration] in
                try await OpenWarehouse(request, folder: folder, configuration)
            }
            entries[name] = Entry(
                attach: request.attach, folders: request.folders, opening: opening, folder: folder, lastUsed: .now,
                users: 0)
        }
        entries[name]?.users += 1
        entries[name]?.lastUsed = .now
        guard let opening = entries[name]?.opening else { throw QueryTurns.closing }
        do {
            return try await opening.value
        } catch {
            // The next query tries again.
            if entries[name]?.opening == opening { entries[name] = nil }
            throw error
        }
    }

    func release(_ name: String) {
        guard let users = entries[name]?.users else { return }
        entries[name]?.users = max(0, users - 1)
        entries[name]?.lastUsed = .now
    }

    /// A folder of the open warehouse for the files of one query.
    func folder(of name: String) -> String? { entries[name]?.folder }

    /// Closes what nobody has used for `idle` seconds.
    func closeIdle() {
        let limit = ContinuousClock.now - .seconds(configuration.idle)
        for (name, entry) in entries where entry.users == 0 && entry.lastUsed < limit { entries[name] = nil }
    }

    private func makeRoom() {
        while entries.count >= configuration.warehouses {
            let unused = entries.filter { $0.value.users == 0 }.min { $0.value.lastUsed < $1.value.lastUsed }
            guard let unused else { return }
            entries[unused.key] = nil
        }
    }
}
