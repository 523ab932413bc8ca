import Foundation
import Testing

/// Every parser of our own that reads what others wrote, tried with seeded bytes: `make fuzz` for millions of inputs, some
/// seconds among the tests. WEIR_FUZZ_SECONDS is for all together, WEIR_FUZZ_SEED chooses other inputs.
@Suite("Parsers of what comes from outside", .serialized)
struct FuzzTests {
    static let trials: [Trial] = [
        Trials.base, Trials.flow, Trials.outbound, Trials.api, Trials.console, Trials.commandLine, Trials.composition,
    ].flatMap { $0 }

    @Test("neither crash nor hang, and what they understand they would write again", arguments: trials)
    func holds(trial: Trial) throws {
        let found = try fuzz(trial, seconds: FuzzSettings.seconds / Double(Self.trials.count))
        for broken in found.broken { Issue.record("\(trial.name), seed \(FuzzSettings.seed): \(broken)") }
        #expect(found.inputs > 0)
        FileHandle.standardError.write(Data("fuzz: \(trial.name): \(found.inputs) inputs\n".utf8))
    }
}

/// Filled by the files of the modules whose parsers they try.
enum Trials {}
