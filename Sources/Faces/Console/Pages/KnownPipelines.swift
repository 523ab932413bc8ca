import Kernel
import Wire

/// A source in an environment.
struct Pipeline: Sendable, Hashable {
    let environment: String
    let source: String

    init(environment: String, source: String) {
        self.environment = environment
        self.source = source
    }

    /// Nil unless the text is `environment/source`.
    init?(_ value: String) {
        let parts = value.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2, Place.names.contains(parts[0]) else { return nil }
        self.init(environment: parts[0], source: parts[1])
    }

    /// As forms carry it.
    var value: String { "\(environment)/\(source)" }
    var label: String { "\(source) in \(environment)" }
}

/// Pipelines to choose from: those that ran lately, and those that have a schedule.
struct KnownPipelines: Sendable {
    let pipelines: [Pipeline]

    init(_ console: Console, as caller: Caller) async throws {
        let runs = try await console.operations.runs(RunFilter(limit: 500, kind: "clone"), as: caller).runs
        let schedules = try await console.operations.schedules(as: caller)
        let found =
            runs.map { Pipeline(environment: $0.environment, source: $0.source) }
            + schedules.map { Pipeline(environment: $0.environment, source: $0.source) }
        pipelines = Set(found).sorted { ($0.source, $0.environment) < ($1.source, $1.environment) }
    }

    var sources: [String] { Set(pipelines.map(\.source)).sorted() }

    /// Nothing is chosen for a person.
    ///
    /// - Parameter chosen: is among them even if it is not known, such as one that ran long ago.
    func choices(chosen: Pipeline?) -> [Choice] {
        guard let chosen else {
            let asked = Choice(value: "", label: "Choose one", isChosen: true)
            return pipelines.isEmpty
                ? [] : [asked] + pipelines.map { Choice(value: $0.value, label: $0.label, isChosen: false) }
        }
        let others = pipelines.contains(chosen) ? [] : [chosen]
        return (others + pipelines).map { Choice(value: $0.value, label: $0.label, isChosen: $0 == chosen) }
    }

    /// All sources by name, and before them what stands for none of them.
    func sourceChoices(chosen: String?, none: String) -> [Choice] {
        let others = chosen.map { sources.contains($0) ? [] : [$0] } ?? []
        return [Choice(value: "", label: none, isChosen: chosen == nil)]
            + (others + sources).map { Choice(value: $0, label: $0, isChosen: $0 == chosen) }
    }
}
