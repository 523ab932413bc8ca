import Foundation
import Jobs
import Kernel
import Postgres

// Real workers whose jobs have one outside effect each, for Tests/EndToEnd/test_faults.py.
//
//   ledgerworker migrate QUEUE FOLDER-OF-MIGRATIONS
//   ledgerworker enqueue QUEUE COUNT SEED [--organizations N] [--hold PLACE]
//   ledgerworker work    QUEUE LEDGER --name NAME [--slots N] [--connections N] [--no-fence]
//
// QUEUE and LEDGER are addresses of databases, best of two servers. `work` ends well on SIGTERM.

@main
enum LedgerWorker {
    static func main() async {
        do {
            let arguments = try Arguments.ofThisProcess()
            switch arguments.words.first {
            case "migrate":
                let connection = try await PGConnection.connect(arguments.queue())
                try await Migrator(folder: arguments.word(2)).migrate(connection)
            case "enqueue":
                let house = EffectHouse(pool: PGPool(try arguments.queue(), limit: 2))
                let orders = EffectOrders(
                    seed: UInt64(try arguments.number(3)), hold: try arguments.hold(),
                    organizations: try arguments.option("organizations", else: 3))
                try await house.enqueue(try arguments.number(2), orders)
            case "work": try await work(arguments)
            default: throw Problem(.invalidInput, "See the head of Tests/Kits/LedgerWorker/LedgerWorker.swift.")
            }
        } catch {
            let cause = (error as? PGError)?.message ?? Problem(wrapping: error).description
            FileHandle.standardError.write(Data("ledgerworker: \(cause)\n".utf8))
            exit(1)
        }
    }

    private static func work(_ arguments: Arguments) async throws {
        let slots = try arguments.option("slots", else: 8)
        let name = arguments.options["name"] ?? "\(getpid())"
        let queue = try arguments.queue()
        let ledger = Ledger(
            // Each job may wait there for a gate that a test holds shut.
            pool: PGPool(
                try ConnectionAddress(arguments.word(2), isOperators: true).conninfo(session: [:]), limit: slots),
            worker: name, isGuarded: !arguments.flags.contains("no-fence"))
        let worker = Worker(
            queue: JobQueue(pool: PGPool(queue, limit: try arguments.option("connections", else: slots))),
            listener: PGListener(queue, channels: ["weir_jobs", "weir_cancel"]),
            handlers: [EffectJob(ledger: ledger)], name: name, slots: slots, observe: say)
        note("works")
        let work = Task { await worker.run() }
        signal(SIGTERM, SIG_IGN)
        let ending = DispatchSource.makeSignalSource(signal: SIGTERM, queue: .global())
        ending.setEventHandler { work.cancel() }
        ending.resume()
        await work.value
    }

    /// For a person who reads the log of a test that failed.
    private static func say(_ observation: Observation) {
        let line: String
        switch observation {
        case .partFailed(_, let problem): line = "failed: \(reason(problem))"
        case .jobFailed(let job, _, let problem, _, _): line = "job \(job) failed: \(reason(problem))"
        default: return
        }
        note(line)
    }

    /// With the time of this process's wall clock.
    private static func note(_ line: String) {
        FileHandle.standardError.write(Data("\(TimeSource.system.now().rfc3339) \(line)\n".utf8))
    }

    private static func reason(_ problem: Problem) -> String {
        "\(problem.code.rawValue): \(problem.detail) \(((problem.cause as? PGError)?.message).map { "(\($0))" } ?? "")"
    }
}

/// `word word --option value --flag`.
struct Arguments {
    private(set) var words: [String] = []
    private(set) var options: [String: String] = [:]
    private(set) var flags: Set<String> = []

    /// From the system: `CommandLine` finds them beside the environment, which a preloaded libfaketime moves away.
    static func ofThisProcess() throws -> Arguments {
        let text = try String(contentsOfFile: "/proc/self/cmdline", encoding: .utf8)
        return Arguments(text.split(separator: "\0").dropFirst().map(String.init))
    }

    private init(_ arguments: [String]) {
        var left = arguments[...]
        while let argument = left.popFirst() {
            guard argument.hasPrefix("--") else {
                words.append(argument)
                continue
            }
            let name = String(argument.dropFirst(2))
            if let value = left.first, !value.hasPrefix("--") {
                options[name] = value
                left.removeFirst()
            } else {
                flags.insert(name)
            }
        }
    }

    func word(_ index: Int) throws -> String {
        guard words.indices.contains(index) else { throw Problem(.invalidInput, "Something is missing.") }
        return words[index]
    }

    func number(_ index: Int) throws -> Int {
        guard let number = Int(try word(index)) else { throw Problem(.invalidInput, "This is no number.") }
        return number
    }

    func option(_ name: String, else usual: Int) throws -> Int {
        guard let text = options[name] else { return usual }
        guard let number = Int(text) else { throw Problem(.invalidInput, "--\(name) takes a number.") }
        return number
    }

    func hold() throws -> EffectOrder.Hold? {
        guard let text = options["hold"] else { return nil }
        guard let hold = EffectOrder.Hold(rawValue: text) else {
            throw Problem(.invalidInput, "There is no place \(text) to hold a job.")
        }
        return hold
    }

    /// With the settings that `weir` gives to its sessions (`Metadata.conninfo`).
    func queue() throws -> Secret<String> {
        let address = try ConnectionAddress(try word(1), isOperators: true)
        return Conninfo.text(
            address.parameters.merging([
                "password": address.password?.reveal() ?? "", "connect_timeout": "10", "application_name": "weirhouse",
                "options": "-c idle_in_transaction_session_timeout=15s -c tcp_keepalives_idle=5"
                    + " -c tcp_keepalives_interval=5",
                "tcp_user_timeout": "15000",
            ]) { _, ours in ours })
    }
}
