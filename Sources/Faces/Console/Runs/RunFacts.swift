import Foundation
import Wire

/// What else is known of a run, line by line.
struct RunFacts: Sendable {
    let facts: [Fact]

    struct Fact: Sendable {
        let name: String
        let text: String
        let address: String?
        /// Ids are set in a fixed width.
        let isCode: Bool
    }

    init(_ run: RunSummary, now: Date) {
        var facts = [Fact(name: "Run", text: run.runID, address: nil, isCode: true)]
        if let correlation = run.correlationID {
            facts.append(Fact(name: "Correlation id", text: correlation, address: nil, isCode: true))
        }
        facts.append(Fact(name: "Made", text: Moment(run.createdAt, now: now).exact, address: nil, isCode: false))
        if let finished = run.finishedAt {
            facts.append(Fact(name: "Over", text: Moment(finished, now: now).exact, address: nil, isCode: false))
        }
        if let schedule = run.schedule {
            facts.append(Fact(name: "Schedule", text: schedule, address: Address.schedule(schedule), isCode: false))
        } else if run.kind == "clone" {
            let address = Address.make("/schedules/new", [("pipeline", "\(run.environment)/\(run.source)")])
            facts.append(
                Fact(name: "Schedule", text: "Put this pipeline on a schedule", address: address, isCode: false))
        }
        if let time = run.scheduledFor {
            facts.append(Fact(name: "Stands for", text: Moment(time, now: now).exact, address: nil, isCode: false))
        }
        if let note = run.note { facts.append(Fact(name: "Note", text: note, address: nil, isCode: false)) }
        self.facts = facts
    }
}
