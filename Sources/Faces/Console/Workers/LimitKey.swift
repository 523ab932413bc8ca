import Wire

/// What a limit or a maintenance window holds back, in words.
enum LimitKey {
    static let organization = "organization"

    static func label(_ key: String) -> String {
        let parts = key.split(separator: "/", maxSplits: 2).map(String.init)
        switch (parts.first, parts.count) {
        case ("organization", 1): return "All jobs"
        case ("source", 3): return "Source \(parts[2]) in \(parts[1])"
        case ("warehouse", 2): return "Warehouse \(parts[1])"
        default: return key
        }
    }

    /// All jobs, each warehouse, each pipeline, and those that are in use.
    static func choices(_ pipelines: KnownPipelines, used: [String], chosen: String?) -> [Choice] {
        let known =
            [organization] + Place.names.map { "warehouse/\($0)" } + pipelines.pipelines.map { "source/\($0.value)" }
        let others = (used + [chosen].compactMap(\.self)).filter { !known.contains($0) }
        return (known + Set(others).sorted()).map { Choice(value: $0, label: label($0), isChosen: $0 == chosen) }
    }
}
