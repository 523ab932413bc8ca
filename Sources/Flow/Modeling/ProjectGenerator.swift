import Foundation

/// Writes the dbt project of a warehouse from what landed in it. The same input always gives the same files.
package enum ProjectGenerator {
    /// All files, sorted by path, each path once.
    package static func files(for input: ModelingInput) -> [ProjectFile] {
        let plan = ProjectPlan(input)
        var files = ProjectScaffold.files(for: plan)
        for source in input.sources { files += self.files(of: source.slug, in: plan) }
        return files.sorted { $0.path < $1.path }
    }

    private static func files(of source: String, in plan: ProjectPlan) -> [ProjectFile] {
        let staging = "models/staging/\(source)"
        let intermediate = "models/intermediate/\(source)"
        let marts = "models/marts/\(source)"
        let tables = plan.tables(of: source)
        var files: [ProjectFile] = []
        func add(_ folder: String, _ name: String, _ text: String) {
            files.append(ProjectFile(path: "\(folder)/\(name)", text: text))
        }
        guard !tables.isEmpty else { return [] }
        add(staging, "_sources.yml", plan.sourcesYAML(source).document())
        add(staging, "_staging.yml", plan.stagingYAML(source).document())
        for table in tables {
            add(staging, "\(table.staging).sql", table.stagingSQL)
            if let name = table.intermediate { add(intermediate, "\(name).sql", table.intermediateSQL) }
            if table.isFact, let daily = table.dailySQL {
                add(marts, "\(table.fact).sql", table.martSQL)
                add(marts, "\(table.daily).sql", daily)
            }
            if table.isDimension { add(marts, "\(table.dimension).sql", table.martSQL) }
        }
        if tables.contains(where: { $0.intermediate != nil }) {
            add(intermediate, "_intermediate.yml", plan.intermediateYAML(source).document())
        }
        if tables.contains(where: { $0.isFact || $0.isDimension }) {
            add(marts, "_marts.yml", plan.martsYAML(source).document())
        }
        add("dashboards", "\(source).yml", StarterDashboard.dashboard(of: source, in: plan).yaml())
        return files
    }
}
