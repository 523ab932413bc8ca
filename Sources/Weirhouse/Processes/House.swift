import Access
import DuckDB
import EmbeddedWarehouse
import Foundation
import Jobs
import Kernel
import Lakehouse
import Logging
import OpenID
import Postgres
import Secrets
import Warehousing

/// What the server and the worker both stand on: settings, the metadata database, secrets, the warehouse's adapter.
struct House: Sendable {
    let settings: Settings
    let folder: DataFolder
    let metadata: Metadata
    let pool: PGPool
    /// For metrics and health alone: they must be seen above all when the other connections are used up.
    let observed: PGPool
    let time: TimeSource
    let telemetry: ProcessTelemetry
    let observe: Observe
    let secrets: any SecretStore
    /// Also when they are kept elsewhere: what was here before moves there.
    let localSecrets: LocalSecretStore
    let gate: Gate
    let queue: JobQueue
    let receipts: ReceiptBook
    let messenger: Messenger
    let sourceGuard: SourceGuard
    let issuers: IssuerBook

    /// - Parameters:
    ///   - part: whose house it is.
    ///   - connections: at most so many to the metadata database.
    init(_ settings: Settings, part: Weirhouse.Part, connections: Int, logger: Logger) throws {
        self.settings = settings
        folder = DataFolder(settings.data)
        metadata = try Metadata.of(settings, folder: folder)
        pool = PGPool(metadata.application, limit: connections)
        time = .system
        observed = PGPool(metadata.application, limit: 2)
        telemetry = ProcessTelemetry(settings, part: part, database: observed, logger: logger)
        observe = telemetry.observe
        localSecrets = LocalSecretStore(pool: pool, keys: settings.secrets.masterKeys(folder), time: time)
        secrets = try settings.secrets.store(before: localSecrets, time: time, observe: observe)
        gate = Gate(pool: pool, time: time)
        queue = JobQueue(pool: pool)
        receipts = ReceiptBook(pool: pool)
        messenger = try Messenger(settings: settings, secrets: secrets, time: time, observe: observe)
        sourceGuard = try SourceGuard(settings)
        issuers = IssuerBook(pool: pool, secrets: secrets, client: OpenIDClient(http: messenger.http, time: time))
    }

    /// Where people reach the server; nil if it is not said and none runs on this machine.
    var publicAddress: String? {
        settings.publicURL ?? (try? ServerFile.read(folder.serverFile))?.shownAddress
    }

    /// - Throws: `internal` if there is no such organization.
    func slug(of organization: OrganizationID) async throws -> String {
        try await pool.transaction(organization: organization) { try await Self.slug(on: $0) }
    }

    /// Of the organization that the transaction is for.
    /// - Throws: `internal` if it is for none.
    static func slug(on connection: PGConnection) async throws -> String {
        guard let row = try await connection.query("SELECT slug FROM weir.organizations").first else {
            throw Problem(.internal, "The organization is not there.")
        }
        return try row.string("slug")
    }

    var layout: LakeLayout { LakeLayout(root: folder.lake) }

    /// - Throws: `missingDependency`.
    func duckDB() throws -> WorkerDuckDB {
        let location = try DuckDBLibrary.Location.find(
            override: settings.duckDBLibrary, pythonHome: settings.pythonHome)
        let environment = DuckEnvironment(
            library: try DuckDBLibrary(at: location), extensionFolder: settings.extensionFolder)
        return WorkerDuckDB(
            reading: SharedDuckDB { [layout] in
                try await environment.open(
                    memory: "256MB", threads: 1, spill: layout.spill, extensions: [.httpfs, .postgresScanner])
            },
            lake: SharedDuckDB { [layout] in
                try await environment.open(memory: "256MB", threads: 2, spill: layout.spill)
            })
    }

    /// The embedded warehouse. Where DuckDB must not be loaded (the server) `duckDB` throws.
    func embedded(_ duckDB: @escaping DuckOpener) -> EmbeddedWarehouse {
        EmbeddedWarehouse(
            configuration: EmbeddedWarehouse.Configuration(
                server: metadata.server, root: "\(folder.lake)/warehouse", extensionFolder: settings.extensionFolder,
                secret: { [secrets] name, organization, make in
                    try await secrets.ensure(named: name, of: organization, make: make)
                }),
            owner: PGPool(metadata.owner, limit: 2), duckDB: duckDB)
    }

    func listener(_ channels: String...) -> PGListener { PGListener(metadata.application, channels: channels) }
}

/// The two instances of a worker. Sources are read with one thread per connection, the lake with all.
struct WorkerDuckDB: Sendable {
    let reading: SharedDuckDB
    let lake: SharedDuckDB

    /// Opens both, so that the first job does not wait for it.
    func prepare() async throws {
        _ = try await reading.database()
        _ = try await lake.database()
    }

    /// Lets both go, with all their memory.
    func rest() async {
        await reading.rest()
        await lake.rest()
    }
}
