import Foundation
import Kernel
import Postgres
import Subprocess
import SystemPackage

/// The private PostgreSQL cluster in the data folder: on a unix socket there, with passwords on every connection.
///
/// As root it runs as the user `postgres`, which may not be able to reach the data folder by its path (a home folder).
/// So the folder is opened first and handed over as a descriptor: `/proc/self/fd/7` leads PostgreSQL to it.
struct PrivateCluster: Sendable {
    let folder: DataFolder
    let programs: String
    let ownerPassword: Secret<String>

    static let owner = "weir_owner"
    static let database = "weirhouse"

    /// - Parameter programs: the folder of `initdb`; nil to look in Debian's.
    /// - Throws: `missingDependency`.
    init(folder: DataFolder, programs: String?, ownerPassword: Secret<String>) throws {
        self.folder = folder
        self.ownerPassword = ownerPassword
        let candidates = programs.map { [$0] } ?? Self.debianPrograms
        guard let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/initdb") }) else {
            throw Problem(
                .missingDependency, "PostgreSQL's programs are not \(programs.map { "in \($0)" } ?? "installed").",
                hint: "Run `make bootstrap`, or set WEIR_POSTGRES_BIN or DATABASE_URL.")
        }
        self.programs = found
    }

    /// Where Debian has them, the newest version first.
    private static var debianPrograms: [String] {
        let folder = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap(Int.init).sorted()
        return versions.reversed().map { "\(folder)/\($0)/bin" }
    }

    private var runsAsRoot: Bool { getuid() == 0 }

    /// libpq's parameters to reach it.
    var server: [String: String] { ["host": folder.postgres, "port": "5432", "dbname": Self.database] }

    /// Makes the cluster if there is none, and ends one that a killed `weir up` left behind.
    /// - Throws: `internal`, `diskFull`.
    func prepare() async throws {
        if FileManager.default.fileExists(atPath: "\(folder.postgres)/PG_VERSION"),
            FileManager.default.fileExists(atPath: "\(folder.path)/postgres.ready")
        {
            try await endLeftover()
            return
        }
        try? FileManager.default.removeItem(atPath: folder.postgres)
        try FileManager.default.createDirectory(
            atPath: folder.postgres, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        if runsAsRoot { try giveToPostgresUser(folder.postgres) }
        // initdb reads the password from a file that its own user must be able to open, through a descriptor as well.
        let passwordFile = "\(folder.path)/initdb.password"
        try folder.write(Data("\(ownerPassword.reveal())\n".utf8), to: passwordFile)
        defer { try? FileManager.default.removeItem(atPath: passwordFile) }
        if runsAsRoot { try giveToPostgresUser(passwordFile) }
        let line = launch(
            "initdb", "-D", dataArgument, "-U", Self.owner, "-A", "scram-sha-256", "--pwfile=/proc/self/fd/6", "-E",
            "UTF8",
            "--locale=C.UTF-8")
        let result = try await Subprocess.run(
            .path("/bin/sh"), arguments: ["-c", "exec 6< \"$2\"; \(line)", "sh", folder.postgres, passwordFile],
            environment: environment, input: .none, output: .string(limit: 65_536), error: .string(limit: 65_536))
        guard result.terminationStatus.isSuccess else {
            let reason =
                result.standardError.split(whereSeparator: \.isNewline).last.map(String.init) ?? "no reason given"
            throw Problem(.internal, "The metadata database cannot be made: \(reason)", hint: "Check the disk's space.")
        }
        try folder.write(Data(), to: "\(folder.path)/postgres.ready")
    }

    /// The server itself, in the foreground until the task is cancelled; then it stops cleanly.
    /// - Parameter log: each line that it writes.
    func run(log: @escaping @Sendable (String) -> Void) async throws {
        var platform = PlatformOptions()
        // Apart from the terminal's process group: Ctrl-C must reach Weirhouse first.
        platform.createSession = true
        platform.teardownSequence = [.send(signal: .interrupt, allowedDurationToNextStep: .seconds(20))]
        _ = try await Subprocess.run(
            .path("/bin/sh"),
            arguments: Arguments(["-c", launch("postgres", "-D", dataArgument, settings), "sh", folder.postgres]),
            environment: environment, platformOptions: platform, input: .none, output: .discarded, error: .sequence
        ) { execution in
            for try await line in execution.standardError.strings() { log(line) }
        }
    }

    /// Waits until it takes connections, and makes the database.
    /// - Throws: `metadataUnavailable` after a minute.
    func waitUntilReady() async throws {
        var parameters = server
        parameters["dbname"] = "postgres"
        let conninfo = Metadata.conninfo(parameters, user: Self.owner, password: ownerPassword)
        let deadline = ContinuousClock.now + .seconds(60)
        while true {
            do {
                let connection = try await PGConnection.connect(conninfo)
                let exists = try await connection.query("SELECT FROM pg_database WHERE datname = \(Self.database)")
                if exists.isEmpty { try await connection.script("CREATE DATABASE \(Self.database)") }
                await connection.close()
                return
            } catch let error as PGError {
                guard ContinuousClock.now < deadline else { throw error.asMetadataProblem }
                try await Task.sleep(for: .milliseconds(30))
            }
        }
    }

    /// Small, because it shares the machine; durable, because it holds the catalogue.
    private var settings: String {
        [
            "listen_addresses=", "unix_socket_directories=\(dataArgument)", "unix_socket_permissions=0777", "port=5432",
            "max_connections=80", "shared_buffers=24MB", "work_mem=4MB", "maintenance_work_mem=32MB",
            "max_wal_size=256MB", "password_encryption=scram-sha-256", "log_min_messages=warning",
            "log_min_error_statement=panic", "autovacuum_naptime=60s", "max_parallel_workers_per_gather=0",
        ].map { "-c \($0)" }.joined(separator: " ")
    }

    /// As root: the folder under another name, which needs no right to the folders above it.
    private var dataArgument: String { runsAsRoot ? "/proc/self/fd/7" : "\"$1\"" }

    /// A shell line that starts one of PostgreSQL's programs on the folder `$1`.
    private func launch(_ program: String, _ arguments: String...) -> String {
        let command = "'\(programs)/\(program)' \(arguments.joined(separator: " "))"
        return runsAsRoot
            ? "exec 7< \"$1\"; cd /; exec setpriv --reuid=postgres --regid=postgres --init-groups -- \(command)"
            : "exec \(command)"
    }

    private var environment: Environment { .custom(["PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"]) }

    private func giveToPostgresUser(_ path: String) throws {
        guard let user = getpwnam("postgres"), chown(path, user.pointee.pw_uid, user.pointee.pw_gid) == 0 else {
            throw Problem(
                .missingDependency, "There is no user postgres on this machine to run PostgreSQL as.",
                hint: "Run `make bootstrap`, or run weir as another user than root.")
        }
    }

    /// A postmaster whose `weir up` was killed still holds the cluster: stop it, wait for its end.
    private func endLeftover() async throws {
        let file = "\(folder.postgres)/postmaster.pid"
        guard let text = try? String(contentsOfFile: file, encoding: .utf8),
            let pid = text.split(whereSeparator: \.isNewline).first.flatMap({ Int32($0) }),
            let name = try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8), name.hasPrefix("postgres")
        else { return }
        kill(pid, SIGINT)
        let deadline = ContinuousClock.now + .seconds(20)
        while kill(pid, 0) == 0 {
            if ContinuousClock.now > deadline { kill(pid, SIGQUIT) }
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
