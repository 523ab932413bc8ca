import Access
import DuckDB
import EmbeddedWarehouse
import Foundation
import Jobs
import Kernel
import Lakehouse
import Logging
import Postgres
import Secrets
import Warehousing

/// What the server and the worker both stand on: settings, the metadata database, secrets, the warehouse's adapter.
struct House: Sendable {
    let settings: Settings
    let folder: DataFolder
    let metadata: Metadata
    let pool: PGPool
    let time: TimeSource
    let observe: Observe
    let secrets: SecretStore
    let gate: Gate
    let queue: JobQueue
    let receipts: ReceiptBook
    let messenger: Messenger

    /// - Parameter connections: at most so many to the metadata database.
    init(_ settings: Settings, connections: Int, logger: Logger) throws {
        self.settings = settings
        folder = DataFolder(settings.data)
        metadata = try Metadata.of(settings, folder: folder)
        pool = PGPool(metadata.application, limit: connections)
        time = .system
        observe = ObservationLog(logger: logger).observe
        secrets = SecretStore(pool: pool, masterKey: try folder.masterKey(), time: time)
        gate = Gate(pool: pool, time: time)
        queue = JobQueue(pool: pool)
        receipts = ReceiptBook(pool: pool)
        messenger = try Messenger(settings: settings, secrets: secrets, time: time, observe: observe)
    }

    /// Where people reach the server; nil if it is not said and none runs on this machine.
    var publicAddress: String? {
        settings.publicURL ?? (try? ServerFile.read(folder.serverFile))?.address
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

/// Writes observations as log lines.
struct ObservationLog: Sendable {
    let logger: Logger

    @Sendable func observe(_ observation: Observation) {
        switch observation {
        case .partStarted(let part, let detail): logger.info("\(part) started: \(detail)")
        case .partStopped(let part, let detail): logger.info("\(part) stopped: \(detail)")
        case .partFailed(let part, let problem): logger.error("\(part): \(problem) \(cause(problem))")
        case .jobClaimed(let job, let kind, let attempt, _):
            logger.info("job \(job) (\(kind)) claimed, attempt \(attempt)")
        case .jobFinished(let job, let kind, let seconds):
            logger.info("job \(job) (\(kind)) done in \((seconds * 1000).rounded() / 1000) s")
        case .jobFailed(let job, let kind, let problem, _, let retry):
            logger.warning(
                "job \(job) (\(kind)) failed: \(problem) \(cause(problem))\(retry.map { " retried in \($0)" } ?? "")")
        case .requestServed, .spanEnded, .scheduleFired, .noticeSent: break
        case .requestFailed(let correlation, let method, let path, let problem):
            logger.warning("\(correlation) \(method) \(path): \(problem) \(cause(problem))")
        }
    }

    /// The cause, without what looks like a password in a connection string.
    private func cause(_ problem: Problem) -> String {
        guard let cause = problem.cause else { return "" }
        return "[\(Redaction.redact(String(describing: cause)).prefix(4000))]"
    }
}

/// Takes passwords out of text that other programs wrote.
enum Redaction {
    static func redact(_ text: String) -> String {
        text.replacing(/(?i)(password|footer_key_value)\s*[=:]\s*('(?:\\.|[^'\\])*'|\S+)/) { "\($0.output.1)=•••" }
            .replacing(/(?i)(postgres(?:ql)?:\/\/[^:\/@\s]*):[^@\s]*@/) { "\($0.output.1):•••@" }
    }
}
