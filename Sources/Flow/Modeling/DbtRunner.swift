import Foundation
import Kernel
import Subprocess
import SystemPackage
package import Warehousing

/// Runs dbt Core from Weirhouse's Python environment as a child process.
///
/// The child has a process group, a home and a temporary folder of its own, sees only the variables that it needs, and
/// has a limit of time and of memory. If this process dies, however it dies, the child dies with it: it watches the
/// pipe that only this process holds. One build of a project waits for the end of another.
package struct DbtRunner: Sendable {
    /// The virtual environment's folder.
    package let pythonHome: String
    package let limits: Limits

    /// The profile's name in `dbt_project.yml`.
    static let profileName = "weirhouse"
    /// Set for the profile: a private folder for what DuckDB spills, removed after the build.
    package static let temporaryFolderVariable = "WEIR_DBT_TEMP"
    /// Set for the profile: what an embedded engine may take before it spills, such as `128MB`.
    package static let engineMemoryVariable = "WEIR_DBT_MEMORY"

    package struct Limits: Sendable {
        package var time: Duration
        /// Private memory of the child (RLIMIT_DATA), in bytes.
        package var memory: Int
        /// What an embedded engine inside the child may take before it spills, in bytes.
        package var engineMemory: Int
        package var threads: Int

        package init(
            time: Duration = .seconds(3600), memory: Int = 3 << 30, engineMemory: Int = 128 << 20, threads: Int = 1
        ) {
            self.time = time
            self.memory = memory
            self.engineMemory = engineMemory
            self.threads = threads
        }
    }

    package init(pythonHome: String, limits: Limits = Limits()) {
        self.pythonHome = pythonHome
        self.limits = limits
    }

    /// Builds and tests all models of a project. The caller sees to it that a warehouse has one build at a time.
    /// - Parameters:
    ///   - project: the dbt project's folder; dbt writes to its `target` only.
    ///   - report: called for each node that is done; it must return at once.
    /// - Returns: also if models or tests failed: see `BuildResult.problem`.
    /// - Throws: `modelsFailed` if dbt could not build at all (a project that it cannot read, the time limit),
    ///   `missingDependency`, `busy`, `cancelled`.
    package func build(
        _ project: String, target: ModelingTarget, report: @escaping @Sendable (BuildProgress) -> Void
    ) async throws -> BuildResult {
        let project = URL(fileURLWithPath: project).path
        let python = "\(pythonHome)/bin/python"
        guard FileManager.default.isExecutableFile(atPath: python) else {
            throw Problem(
                .missingDependency, "Weirhouse's Python environment with dbt is not at \(pythonHome).",
                hint: "Run make bootstrap, or set WEIR_PYTHON_HOME.")
        }
        let results = "\(project)/target/run_results.json"
        try FileManager.default.createDirectory(atPath: "\(project)/target", withIntermediateDirectories: true)
        let place = try PrivateFolder(in: "\(project)/target")
        defer { place.remove() }
        try place.write(profiles(target), to: "profiles.yml")
        try? FileManager.default.removeItem(atPath: results)

        let redaction = Redaction(target.environment.values.map { $0.reveal() })
        let command = self.command(python: python, project: project, place: place.path)
        let environment = self.environment(target, place: place.path)
        let (status, log) = try await run(command, environment: environment, in: project, redaction, report)
        guard status != .exited(Self.lockedStatus) else {
            throw Problem(
                .busy, "Another dbt build of this project is still going on.", hint: "Try again when it has ended.")
        }
        guard let data = FileManager.default.contents(atPath: results),
            let read = try? DbtJSON.decoder.decode(RunResults.self, from: data)
        else {
            throw Problem(
                .modelsFailed, "dbt could not build the models: \(reason(log, status))",
                hint: "Correct it in the project's folder, then build again.")
        }
        let build = read.buildResult(warnings: log.warnings, redaction: redaction)
        if build.succeeded, status != .exited(0) {
            throw Problem(
                .modelsFailed, "dbt ended before its time: \(reason(log, status))",
                hint: "Build again; if it ends so again, look at the machine's memory.")
        }
        return build
    }

    private static let lockedStatus: Int32 = 75

    /// One sentence.
    private func reason(_ log: DbtLog, _ status: TerminationStatus) -> String {
        let signs = ["MemoryError", "bad_alloc", "terminate called", "Cannot allocate", "can't start new thread"]
        if log.errors.contains(where: { line in signs.contains(where: line.contains) }) {
            return "it needs more than the \(limits.memory >> 20) MB of memory that it may have."
        }
        let line = log.errors.last { !$0.isEmpty } ?? "it ended with \(status)"
        return line.hasSuffix(".") ? line : "\(line)."
    }

    // MARK: - The child

    /// The shell limits memory, takes the project's lock, removes what dead builds left, and leaves a watcher that ends
    /// the process group when this process no longer holds the pipe.
    package static let script = """
        ulimit -d "$1" || exit 70
        exec 9>"$2/.lock" && flock -w 60 9 || exit \(lockedStatus)
        find "$2" -maxdepth 1 -name 'private-*' -mmin +1440 -exec rm -rf {} +
        shift 2
        exec 3<&0 </dev/null
        ( exec 9>&- >/dev/null 2>&1; cat <&3; kill -KILL 0 ) &
        exec 3<&-
        exec "$@"
        """

    private func command(python: String, project: String, place: String) -> [String] {
        let dbt = [
            python, "-I", "-B", "-X", "utf8", "-m", "dbt.cli.main", "--no-use-colors", "--log-format", "json",
            "--log-level", "info", "--log-level-file", "none", "--no-send-anonymous-usage-stats", "--no-version-check",
            "build", "--profiles-dir", place, "--project-dir", project, "--target-path", "\(project)/target",
            "--threads", String(limits.threads),
        ]
        return ["-c", Self.script, "weirhouse-dbt", String(limits.memory / 1024), "\(project)/target"] + dbt
    }

    private func environment(_ target: ModelingTarget, place: String) -> [Environment.Key: String] {
        var environment: [Environment.Key: String] = [
            "PATH": "\(pythonHome)/bin:/usr/local/bin:/usr/bin:/bin", "HOME": place, "TMPDIR": place, "LANG": "C.UTF-8",
            "TZ": "UTC", "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1", "MALLOC_ARENA_MAX": "2",
            Environment.Key(stringLiteral: Self.temporaryFolderVariable): place,
            Environment.Key(stringLiteral: Self.engineMemoryVariable): "\(limits.engineMemory >> 20)MiB",
        ]
        for (name, value) in target.environment { environment[Environment.Key(stringLiteral: name)] = value.reveal() }
        return environment
    }

    private func profiles(_ target: ModelingTarget) -> String {
        let lines = target.profile.split(separator: "\n", omittingEmptySubsequences: true).map { "      \($0)" }
        return """
            \(Self.profileName):
              target: warehouse
              outputs:
                warehouse:
            \(lines.joined(separator: "\n"))

            """
    }

    private func run(
        _ command: [String], environment: [Environment.Key: String], in project: String, _ redaction: Redaction,
        _ report: @escaping @Sendable (BuildProgress) -> Void
    ) async throws -> (TerminationStatus, DbtLog) {
        var options = PlatformOptions()
        options.processGroupID = 0
        options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1))]
        let configuration = Configuration(
            executable: .path("/bin/sh"), arguments: Arguments(command), environment: .custom(environment),
            workingDirectory: FilePath(project), platformOptions: options)
        let limit = limits.time
        return try await withThrowingTaskGroup(of: (TerminationStatus, DbtLog)?.self) { group in
            group.addTask {
                let result = try await Subprocess.run(
                    configuration, input: .inputWriter, output: .sequence, error: .combinedWithOutput
                ) { execution in
                    var log = DbtLog(redaction: redaction)
                    for try await line in execution.standardOutput.strings(bufferingPolicy: .unbounded) {
                        if let progress = log.take(line) { report(progress) }
                    }
                    return log
                }
                return (result.terminationStatus, result.closureResult)
            }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            try Task.checkCancellation()
            guard let ended = first else {
                throw Problem(
                    .modelsFailed,
                    "The models took longer than \(limit.components.seconds) seconds to build and were stopped.",
                    hint: "Look for a model that joins more rows than it should.")
            }
            return ended
        }
    }
}

/// A folder that only this user can enter.
private struct PrivateFolder {
    let path: String

    init(in folder: String) throws {
        path = "\(folder)/private-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
