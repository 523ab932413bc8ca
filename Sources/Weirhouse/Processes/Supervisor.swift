import Foundation
import Kernel
import Logging
import Subprocess
import SystemPackage
import Telemetry

/// Keeps child processes of this program running: one that ends is started again, after a growing pause.
///
/// Each child holds the end of a pipe; when this process goes, however it goes, the pipe closes and the child ends
/// (`ParentWatch`).
struct Supervisor: Sendable {
    struct Child: Sendable {
        let name: String
        let arguments: [String]
        /// Environment variables that it must not see.
        var withheld: [Environment.Key] = []
        /// The status with which it ends to be started anew at once: it is not at fault.
        var anew: Int32?
    }

    let settings: Settings
    let logger: Logger

    /// Runs until the task is cancelled; then it stops the child and waits for its end.
    func keep(_ child: Child) async {
        var failures = 0
        while !Task.isCancelled {
            let started = ContinuousClock.now
            let ending = await run(child)
            guard !Task.isCancelled else { return }
            // Whoever ran for a while gets a fresh start.
            let isFresh = ending.wantsAnew || ContinuousClock.now - started > .seconds(30)
            failures = isFresh ? 1 : failures + 1
            logger.warning("\(child.name) ended (\(ending.words)); it is started again")
            try? await Task.sleep(for: backoff(after: failures, base: .milliseconds(200), ceiling: .seconds(5)))
        }
    }

    private func run(_ child: Child) async -> (words: String, wantsAnew: Bool) {
        var platform = PlatformOptions()
        platform.createSession = true
        platform.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .seconds(20))]
        do {
            let result = try await Subprocess.run(
                .path(FilePath(OwnProgram.path)), arguments: Arguments(child.arguments),
                environment: environment(of: child),
                platformOptions: platform, input: .inputWriter, output: .discarded, error: .sequence
            ) { execution in
                // In a task of its own, to the child's end: when this one is cancelled the child is told to stop, and it
                // would end at once if the pipe that it holds were closed before it has.
                try await Task {
                    for try await line in execution.standardError.strings(bufferingPolicy: .unbounded) {
                        pass(line.trimmingCharacters(in: .newlines), of: child)
                    }
                }.value
            }
            let status = result.terminationStatus
            return ("\(status)", child.anew.map { status == .exited($0) } ?? false)
        } catch {
            return (String(describing: error), false)
        }
    }

    /// Log lines as they are. What a child's libraries write by themselves is made a log line where each has to be JSON.
    private func pass(_ line: String, of child: Child) {
        guard settings.log.format == .json, !line.hasPrefix("{") else { return StandardError.write("\(line)\n") }
        Logger(label: "weir.\(child.name)").warning("\(Redaction.redact(line))")
    }

    private func environment(of child: Child) -> Environment {
        var changes: [Environment.Key: String?] = [
            "WEIR_DATA": settings.data, "WEIR_PORT": String(settings.port), "WEIR_PYTHON_HOME": settings.pythonHome,
            ParentWatch.variable: "1",
            // glibc's arenas would each keep what threads of DuckDB have freed.
            "MALLOC_ARENA_MAX": "2",
        ]
        for key in child.withheld { changes.updateValue(nil, forKey: key) }
        return .inherit.updating(changes)
    }
}

/// Ends this process when its supervisor is gone.
enum ParentWatch {
    static let variable: Environment.Key = "WEIR_SUPERVISED"

    /// In a supervised process: reads standard input, which nobody writes to, until it closes.
    static func begin() {
        guard ProcessInfo.processInfo.environment[variable.rawValue] != nil else { return }
        Thread.detachNewThread {
            var byte: UInt8 = 0
            while true {
                let count = read(0, &byte, 1)
                if count == 0 || (count < 0 && errno != EINTR) { _exit(0) }
            }
        }
    }
}
