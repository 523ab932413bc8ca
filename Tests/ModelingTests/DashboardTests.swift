import Foundation
import Kernel
import Modeling
import Testing

@Suite struct DashboardTests {
    @Test(arguments: Inputs.all.keys)
    func `generated dashboards are read back as written and hold at most twelve charts`(name: String) throws {
        let input = try #require(Inputs.all[name])
        for file in ProjectGenerator.files(for: input) where file.path.hasPrefix("dashboards/") {
            let dashboard = try Dashboard(yaml: file.text, file: file.path)
            #expect((1...12).contains(dashboard.charts.count))
            #expect(dashboard.yaml() == file.text)
        }
    }

    @Test func `texts that YAML could take for something else come back as they were`() throws {
        let texts = [
            "true", "1.0", "a: b", "# x", "- y", " lead", "line\nbreak", "tab\t", "\"quoted\"", "", "null", "ünï", "+1",
            "no",
        ]
        for text in texts {
            let chart = Chart(
                id: "a", title: text, kind: .line, sql: text, x: text, y: [text], unit: text, dateColumn: text)
            let dashboard = Dashboard(name: "n", title: text, source: text, charts: [chart])
            #expect(try Dashboard(yaml: dashboard.yaml(), file: "n.yml") == dashboard)
        }
    }

    @Test func `a date range becomes a condition on the chart's date column`() throws {
        let chart = Chart(
            id: "a", title: "A", kind: .line, sql: "select 1 where {{date_filter}}",
            dateColumn: "(at at time zone 'UTC')")
        #expect(try chart.statement() == "select 1 where true")
        #expect(
            try chart.statement(from: "2026-01-01", through: "2026-01-31")
                == "select 1 where (at at time zone 'UTC') >= date '2026-01-01' and (at at time zone 'UTC') "
                + "< date '2026-01-31' + interval 1 day")
        #expect(throws: Problem.self) { try chart.statement(from: "2026' or 1=1") }
    }

    @Test func `a dashboard that cannot be read says what is missing and where`() throws {
        let problem = #expect(throws: Problem.self) {
            try Dashboard(
                yaml: "name: a\ntitle: A\nsource: s\ncharts:\n  - id: x\n    title: X\n    kind: line\n", file: "a.yml")
        }
        #expect(problem?.detail == "The dashboard a.yml has no sql in charts 1.")
        let kind = #expect(throws: Problem.self) {
            try Dashboard(
                yaml: "name: a\ntitle: A\nsource: s\ncharts:\n  - {id: x, title: X, kind: pie, sql: select 1}\n",
                file: "a.yml")
        }
        #expect(kind?.code == .invalidInput)
        #expect(throws: Problem.self) { try Dashboard(yaml: "{", file: "a.yml") }
    }
}
