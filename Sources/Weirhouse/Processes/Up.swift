import Access
import Admission
import DuckDB
import Foundation
import Glibc
import Kernel
import Logging
import Postgres
import Serving
import Subprocess
import Telemetry

/// `weir up`: everything on this machine.
struct Up: Sendable {
    let settings: Settings
    let logger: Logger
    /// Called once, with the address, when the first page can be opened.
    let ready: @Sendable (String) -> Void

    /// Runs until the task is cancelled, then stops all parts in order.
    /// - Throws: what keeps it from starting: `portTaken`, `conflict`, `dataFolderNewer`, `missingDependency`, …
    func run() async throws {
        let folder = DataFolder(settings.data)
        try folder.prepare()
        let lock = try folder.lock()
        defer { withExtendedLifetime(lock) {} }
        try Port.check(settings.port, at: settings.network.listen)
        // The server would say it again and again, and nobody would see it.
        if let files = settings.network.tls { _ = try TLSCertificate(files) }
        // The worker and the engine could not run without it: said now rather than by each of them for ever.
        _ = try DuckDBLibrary.Location.find(override: settings.duckDBLibrary, pythonHome: settings.pythonHome)
        try? FileManager.default.removeItem(atPath: folder.serverFile)
        defer { try? FileManager.default.removeItem(atPath: folder.serverFile) }
        let metadata = try Metadata.of(settings, folder: folder)
        guard settings.databaseURL == nil else {
            try await metadata.migrate(applicationPassword: try folder.secretText("postgres.app.password"))
            return try await runParts(folder, metadata)
        }
        try await withPrivateCluster(folder) {
            try await metadata.migrate(applicationPassword: try folder.secretText("postgres.app.password"))
            try await freeJobs(of: metadata)
            try await runParts(folder, metadata)
        }
    }

    /// The cluster outlives the parts: it is stopped when they have ended.
    private func withPrivateCluster(
        _ folder: DataFolder, _ work: @escaping @Sendable () async throws -> Void
    ) async throws {
        let cluster = try PrivateCluster(
            folder: folder, programs: settings.postgresPrograms,
            ownerPassword: try folder.secretText("postgres.owner.password"))
        try await cluster.prepare()
        let postgres = Logger(label: "weir.postgres")
        let keeper = Task {
            var failures = 0
            while !Task.isCancelled {
                do {
                    try await cluster.run { line in
                        postgres.notice("\(Redaction.redact(line.trimmingCharacters(in: .newlines)))")
                    }
                } catch {
                    postgres.error("\(error)")
                }
                guard !Task.isCancelled else { return }
                failures += 1
                try? await Task.sleep(for: backoff(after: failures, base: .milliseconds(200), ceiling: .seconds(5)))
                try? await cluster.prepare()
            }
        }
        let result: Result<Void, any Error>
        do {
            try await cluster.waitUntilReady()
            try await work()
            result = .success(())
        } catch {
            result = .failure(error)
        }
        keeper.cancel()
        await keeper.value
        try result.get()
    }

    /// All workers of a private cluster are this process's children, and none has been started yet: whatever is leased
    /// belongs to the dead, and need not wait for the lease to run out.
    private func freeJobs(of metadata: Metadata) async throws {
        let connection = try await PGConnection.connect(metadata.owner)
        try await connection.script(
            "UPDATE weir.jobs SET lease_until = now() - interval '1 second' WHERE state = 'RUNNING'")
        await connection.close()
    }

    private func runParts(_ folder: DataFolder, _ metadata: Metadata) async throws {
        try await LocalAdmin(folder: folder, metadata: metadata, retention: settings.retention).prepare()
        let supervisor = Supervisor(settings: settings, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            // The engine runs people's SQL and needs no metadata; only the server shows metrics.
            let secrets = SecretsSettings.names.map { Environment.Key(stringLiteral: $0) }
            let withheld: [String: [Environment.Key]] = [
                "engine": ["DATABASE_URL", "WEIR_METRICS_TOKEN", "WEIR_SMTP_URL"] + secrets,
                "work": ["WEIR_METRICS_TOKEN"],
            ]
            for name in ["serve", "work", "engine"] {
                let child = Supervisor.Child(
                    name: name, arguments: [name], withheld: withheld[name] ?? [],
                    anew: name == "engine" ? QueryEngine.restartStatus : nil)
                group.addTask { await supervisor.keep(child) }
            }
            group.addTask {
                ready(try await address(in: folder))
                // Stays until the group is cancelled with the rest.
                while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
            }
            try await group.waitForAll()
        }
    }

    /// Waits for the server to say where it listens.
    private func address(in folder: DataFolder) async throws -> String {
        while true {
            try Task.checkCancellation()
            if let found = try? ServerFile.read(folder.serverFile) { return found.shownAddress }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}

/// The first organization and the local admin, whose API token lies in the data folder.
struct LocalAdmin: Sendable {
    let folder: DataFolder
    let metadata: Metadata
    /// What its environments keep until somebody settles that.
    let retention: OrganizationBook.Retention

    static let organization = "acme"
    static let name = "admin"

    func prepare() async throws {
        let pool = PGPool(metadata.application, limit: 1)
        let gate = Gate(pool: pool, time: .system)
        let admin = try await gate.ensureOrganization(slug: Self.organization, principal: Self.name)
        var token = try folder.secretText("token")
        if try await gate.redeem(token.reveal(), as: .token) == nil {
            // One that was good and is not any more was revoked: it stays so, and whoever holds the folder gets another.
            if folder.text("token.registered") == gate.hash(token.reveal()).hexadecimal {
                token = try folder.renewSecretText("token")
            }
            try await gate.register(
                token, as: .token, of: admin.id, in: admin.organization,
                on: Gate.Terms(lifetime: nil, name: "the data folder's token"))
        }
        try folder.write(
            Data(gate.hash(token.reveal()).hexadecimal.utf8), to: "\(folder.path)/token.registered")
        try await OrganizationBook(pool: pool, time: .system).setDefault(retention, of: admin.organization)
        await pool.close()
    }
}

/// TCP ports of this machine.
enum Port {
    /// - Throws: `portTaken` if another program listens on it, or if the address is none of this machine. 0 is always
    ///   free.
    static func check(_ port: Int, at address: IPAddress) throws {
        let descriptor = socket(address.bytes.count == 4 ? AF_INET : AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var reuse: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
        guard bind(descriptor, to: address, port) != 0 else { return }
        guard errno != EADDRNOTAVAIL else {
            throw Problem(
                .portTaken, "The address \(address) is none of this machine.",
                hint: "Set WEIR_LISTEN to one of its own, or to 0.0.0.0 or :: for all.")
        }
        throw Problem(
            .portTaken, "Port \(port) is taken or not allowed.",
            hint: "Stop what listens there, or choose another with --port (0 picks a free one).")
    }

    private static func bind(_ descriptor: Int32, to address: IPAddress, _ port: Int) -> Int32 {
        var (four, six) = (sockaddr_in(), sockaddr_in6())
        four.sin_family = sa_family_t(AF_INET)
        six.sin6_family = sa_family_t(AF_INET6)
        (four.sin_port, six.sin6_port) = (in_port_t(port).bigEndian, in_port_t(port).bigEndian)
        if address.bytes.count == 4 {
            withUnsafeMutableBytes(of: &four.sin_addr) { $0.copyBytes(from: address.bytes) }
            return withUnsafePointer(to: &four) { call(descriptor, $0, MemoryLayout<sockaddr_in>.size) }
        }
        withUnsafeMutableBytes(of: &six.sin6_addr) { $0.copyBytes(from: address.bytes) }
        return withUnsafePointer(to: &six) { call(descriptor, $0, MemoryLayout<sockaddr_in6>.size) }
    }

    private static func call<Address>(
        _ descriptor: Int32, _ address: UnsafePointer<Address>, _ size: Int
    ) -> Int32 {
        address.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.bind(descriptor, $0, socklen_t(size)) }
    }
}
