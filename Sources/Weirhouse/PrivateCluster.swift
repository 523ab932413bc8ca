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
        guard let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/initdb") })
        else {
            throw Problem(
                .missingDependency, "PostgreSQL's programs are not \(programs.map { "in \($0)" } ?? "installed").",
                hint: "Run `make bootstrap`, or set WEIR_POSTGRES_BIN or DATABASE_URL.")
        }
        self.programs = found
    }

    /// Where Debian has them, the newest version first.
    private static var debianPrograms: [String] {
        let folder = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap(Int.init)
            .sorted()
        return versions.reversed().map { "\(folder)/\($0)/bin" }
    }

    private var runsAsRoot: Bool { getuid() == 0 }

    /// libpq's parameters to reach it.
    var server: [String: String] { ["host": folder.postgres, "port": "5432", "dbname": Self.database] }

    /// Makes the cluster if there is none, and ends one that a killed `weir up` left behind.
    /// - Throws: `internal`, `diskFull`.
    func prepare() async throws {
        guard !FileManager.default.fileExists(atPath: folder.postgres) else { return try await endLeftover() }
        // Made under a passing name: what bears the cluster's name is whole, and is never removed.
        let passing = "\(folder.postgres).new"
        try? FileManager.default.removeItem(atPath: passing)
        try FileManager.default.createDirectory(
            atPath: passing, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        if runsAsRoot { try giveToPostgresUser(passing) }
        try await makeCluster(in: passing)
        guard rename(passing, folder.postgres) == 0 else {
            throw Problem(
                .internal, "The metadata database cannot be put in its place.", hint: "Check the folder's rights.")
        }
    }

    private func makeCluster(in passing: String) async throws {
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
            .path("/bin/sh"), arguments: ["-c", "exec 6< \"$2\"; \(line)", "sh", passing, passwordFile],
            environment: environment, input: .none, output: .string(limit: 65_536), error: .string(limit: 65_536))
        guard result.terminationStatus.isSuccess else {
            let reason =
                result.standardError.split(whereSeparator: \.isNewline).last.map(String.init) ?? "no reason given"
            throw Problem(.internal, "The metadata database cannot be made: \(reason)", hint: "Check the disk's space.")
        }
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
            for try await line in execution.standardError.strings(bufferingPolicy: .unbounded) { log(line) }
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

    /// Small, because it shares the machine; durable, because it holds the catalogue. Terse, because details of errors
    /// show rows.
    private var settings: String {
        [
            "listen_addresses=", "unix_socket_directories=\(dataArgument)", "unix_socket_permissions=0777", "port=5432",
            "max_connections=80", "shared_buffers=24MB", "work_mem=4MB", "maintenance_work_mem=32MB",
            "max_wal_size=256MB", "password_encryption=scram-sha-256", "log_min_messages=warning",
            "log_min_error_statement=panic", "log_error_verbosity=terse", "autovacuum_naptime=60s",
            "max_parallel_workers_per_gather=0",
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
            let pid = text.split(whereSeparator: \.isNewline).first.flatMap({ Int32($0) }), works(pid)
        else { return }
        kill(pid, SIGINT)
        let start = ContinuousClock.now
        while works(pid) {
            if ContinuousClock.now - start > .seconds(20) { kill(pid, SIGQUIT) }
            guard ContinuousClock.now - start < .seconds(40) else {
                throw Problem(
                    .conflict, "An earlier PostgreSQL (process \(pid)) still holds \(folder.postgres).",
                    hint: "Stop that process, then try again.")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Whether a process works in the cluster's folder, as a postmaster does: the number in a stale pid file may be
    /// another program's by now.
    private func works(_ pid: Int32) -> Bool {
        let itsFolder = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
        return itsFolder == URL(fileURLWithPath: folder.postgres).resolvingSymlinksInPath().path
    }
}
