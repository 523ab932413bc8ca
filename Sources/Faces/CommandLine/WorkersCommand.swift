import ArgumentParser
import Wire

struct WorkersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers", abstract: "List the workers of the last hour, and what they do.")

    @OptionGroup var answers: AnswerOptions

    func run() async throws {
        let answer: WorkerList = try await answers.client.get(Address.of("workers"))
        try answers.show(answer) { WorkerText(style: $0).text(of: answer.workers) }
    }

    /// `GET /api/v1/workers`.
    private struct WorkerList: Codable {
        let workers: [WorkerView]
    }
}

/// Workers for people.
struct WorkerText {
    let style: Style

    func text(of workers: [WorkerView]) -> String {
        guard !workers.isEmpty else {
            return "No worker has been heard of in the last hour. Start one with: weir work\n"
        }
        var grid = Grid(
            columns: [
                .init("worker"), .init("state"), .init("version"), .init("busy", isNumber: true), .init("takes"),
                .init("heard of"), .init("does"),
            ])
        grid.rows = workers.map { worker in
            [
                worker.name.withoutControls, worker.isAlive ? "alive" : "silent", worker.version.withoutControls,
                "\(worker.jobs.count)/\(worker.slots)", takes(worker), worker.seenAt.minute, does(worker),
            ]
        }
        return grid.lines(style: style) { column, text in
            guard column == 1 else { return text }
            return text == "alive" ? style.green(text) : style.red(text)
        }.map { $0 + "\n" }.joined()
    }

    private func takes(_ worker: WorkerView) -> String {
        let kinds = worker.kinds.isEmpty ? "all" : worker.kinds.joined(separator: ", ")
        return (worker.isLimited ? "\(kinds) of some organizations" : kinds).withoutControls
    }

    private func does(_ worker: WorkerView) -> String {
        let jobs = worker.jobs.map { "\($0.kind) of \($0.source) for \(Figures.seconds($0.seconds))" }
        return jobs.isEmpty ? "-" : jobs.joined(separator: ", ").withoutControls
    }
}
