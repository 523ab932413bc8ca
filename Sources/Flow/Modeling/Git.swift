import Foundation
import Kernel
import Subprocess
import SystemPackage

/// Git commands on one repository, with nothing of the machine's or a person's configuration and never a question.
struct Git: Sendable {
    /// The working tree; the repository is its `.git`.
    let folder: String

    struct Answer {
        let status: Int32
        let output: String
        let message: String
    }

    /// Runs a command that must succeed.
    /// - Parameters:
    ///   - input: what it reads.
    ///   - index: another index file than the repository's.
    ///   - tree: another working tree.
    /// - Returns: what it printed, without white space at its end.
    /// - Throws: `missingDependency`, `diskFull`, `internal`.
    @discardableResult
    func callAsFunction(
        _ arguments: String..., input: String = "", index: String? = nil, tree: String? = nil
    ) async throws -> String {
        let answer = try await run(arguments, input: input, index: index, tree: tree)
        guard answer.status == 0 else { throw Self.problem(arguments, answer) }
        return answer.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Runs a command whose exit status is an answer.
    func run(
        _ arguments: [String], input: String = "", index: String? = nil, tree: String? = nil
    ) async throws -> Answer {
        try Task.checkCancellation()
        do {
            let result = try await Subprocess.run(
                .name("git"), arguments: Arguments(Self.settings + arguments),
                environment: .custom(environment(index: index, tree: tree)), workingDirectory: FilePath(tree ?? folder),
                input: .string(input), output: .string(limit: 64 << 20), error: .string(limit: 1 << 20))
            guard case .exited(let status) = result.terminationStatus else {
                try Task.checkCancellation()
                throw Problem(.internal, "Git was stopped by a signal.", hint: "Try again.")
            }
            return Answer(status: status, output: result.standardOutput, message: result.standardError)
        } catch let error as SubprocessError where error.code == .executableNotFound {
            throw Problem(
                .missingDependency, "The program git is not there, which keeps the history of the models.",
                hint: "Install Debian's package git.", cause: error)
        }
    }

    static func problem(_ arguments: [String], _ answer: Answer) -> Problem {
        let line = answer.message.split(separator: "\n").last.map(String.init) ?? "status \(answer.status)"
        if answer.message.contains("No space left on device") {
            return Problem(.diskFull, "The disk is full: Git could not write the models.", hint: "Free some space.")
        }
        if answer.message.contains(".lock': File exists") {
            return Problem(
                .busy, "Another Git command is at work in the models' repository.", hint: "Try again when it has ended."
            )
        }
        return Problem(.internal, "Git could not \(arguments.first ?? "run") in the models' repository: \(line)")
    }

    /// Hooks, signatures, line endings and monitors of a person's own configuration are left out.
    private static let settings = [
        "-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false", "-c", "core.autocrlf=false",
        "-c", "core.fsmonitor=false", "-c", "gc.auto=0", "-c", "core.quotePath=false", "-c",
        "advice.addEmbeddedRepo=false",
    ]

    private func environment(index: String?, tree: String?) -> [Environment.Key: String] {
        var environment: [Environment.Key: String] = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
            "HOME": folder, "LC_ALL": "C.UTF-8", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true", "GIT_DIR": "\(folder)/.git",
            "GIT_WORK_TREE": tree ?? folder,
        ]
        for role in ["AUTHOR", "COMMITTER"] {
            environment[Environment.Key(stringLiteral: "GIT_\(role)_NAME")] = "Weirhouse"
            environment[Environment.Key(stringLiteral: "GIT_\(role)_EMAIL")] = "weirhouse@localhost"
        }
        if let index { environment["GIT_INDEX_FILE"] = index }
        return environment
    }
}
