package import ArgumentParser
import Foundation
import Kernel
import Synchronization

/// The command line. Its own commands talk to the API; the composition root adds those that run Weirhouse itself.
package enum WeirCommandLine {
    /// Parses the process's arguments, runs the command and exits: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    /// Errors are one line on standard error. Commands that throw a `Problem` get the same treatment.
    /// - Parameters:
    ///   - extra: more subcommands, e.g. `up`; synchronous or asynchronous.
    ///   - secrets: more subcommands of `secrets`, for whoever runs Weirhouse.
    ///   - version: what `weir version` prints.
    package static func main(
        extra: [any ParsableCommand.Type], secrets: [any ParsableCommand.Type] = [], version: String = "0.1.0"
    ) async {
        settings.withLock { $0 = Settings(extra: extra, secrets: secrets, version: version) }
        exit(await run(Array(ProcessInfo.processInfo.arguments.dropFirst())))
    }

    /// Runs one command line; returns the exit status.
    static func run(_ arguments: [String]) async -> Int32 {
        do {
            let command = try Weir.parseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                var command = command
                try command.run()
            }
            return 0
        } catch let status as ExitCode {
            return status.rawValue
        } catch let problem as Problem {
            return fail(with: problem)
        } catch  where isAboutUsage(error) {
            return explain(error)
        } catch {
            return fail(with: Problem(wrapping: error))
        }
    }

    private static func fail(with problem: Problem) -> Int32 {
        Output.standardError.say("weir: \(problem)")
        return 1
    }

    /// Whether the parser made the error; help that was asked for is one too.
    private static func isAboutUsage(_ error: any Error) -> Bool {
        let status = Weir.exitCode(for: error)
        return status == .success || status == .validationFailure
    }

    private static func explain(_ error: any Error) -> Int32 {
        guard Weir.exitCode(for: error) != .success else {
            Output.standardOutput.say(Weir.fullMessage(for: error))
            return 0
        }
        let message = Weir.message(for: error).split(separator: "\n").joined(separator: " ")
        Output.standardError.say("weir: \(message)\(message.hasSuffix(".") ? "" : ".") See: weir --help")
        return 2
    }

    struct Settings {
        var extra: [any ParsableCommand.Type] = []
        var secrets: [any ParsableCommand.Type] = []
        var version = ""
    }

    static let settings = Mutex(Settings())
}

/// The root of all commands.
struct Weir: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "weir",
            abstract: "A governed data warehouse in one step.",
            discussion: "Start it with `weir up`, then clone an application database with `weir clone URL`.",
            subcommands: WeirCommandLine.settings.withLock { $0.extra } + [
                CloneCommand.self, StatusCommand.self, QueryCommand.self, RunsCommand.self, SchedulesCommand.self,
                NotificationsCommand.self, ExpectCommand.self, ExpectationsCommand.self, WorkersCommand.self,
                LimitsCommand.self, WindowsCommand.self, IssuersCommand.self, SignInRulesCommand.self,
                SecretsCommand.self, AuditCommand.self, OrganizationsCommand.self, EnvironmentsCommand.self,
                MembersCommand.self, AccessCommand.self, SignInLinkCommand.self, LoginCommand.self, LogoutCommand.self,
                WhoamiCommand.self, TokensCommand.self, ServicesCommand.self, SessionsCommand.self, AccountCommand.self,
                VersionCommand.self,
            ])
    }
}

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print Weirhouse's version.")

    func run() throws {
        Output.standardOutput.say("weir \(WeirCommandLine.settings.withLock { $0.version })")
    }
}
