import Connecting
import Foundation
import Modeling
import Testing

@Suite struct ProjectGeneratorTests {
    @Test(arguments: Inputs.all.keys)
    func `the generated project is the one of the golden file`(name: String) throws {
        let input = try #require(Inputs.all[name])
        let text = ProjectGenerator.files(for: input).map { "=== \($0.path)\n\($0.text)" }.joined()
        let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../Golden/modeling/\(name).txt").standardizedFileURL
        if ProcessInfo.processInfo.environment["WEIR_UPDATE_GOLDEN"] != nil {
            try Data(text.utf8).write(to: golden)
        }
        let expected = try String(contentsOf: golden, encoding: .utf8)
        let firstDifference = zip(text.split(separator: "\n"), expected.split(separator: "\n")).first { $0 != $1 }
        #expect(text == expected, "first difference: \(String(describing: firstDifference))")
    }

    @Test(arguments: Inputs.all.keys)
    func `model names are unique in the project and paths are unique`(name: String) throws {
        let input = try #require(Inputs.all[name])
        let files = ProjectGenerator.files(for: input)
        #expect(Set(files.map(\.path)).count == files.count)
        let names = models(files).map { $0.name.lowercased() }
        #expect(Set(names).count == names.count)
    }

    @Test func `every landed table with columns has a staging model named after it`() {
        for input in Inputs.all.values {
            let names = Set(models(ProjectGenerator.files(for: input)).map(\.name))
            for landed in input.sources.flatMap(\.streams) { #expect(names.contains("stg_\(landed.table)")) }
        }
    }

    @Test func `Chinook has invoices and their lines as facts and every referenced table as a dimension`() {
        let names = models(ProjectGenerator.files(for: Inputs.chinook)).map(\.name)
        #expect(names.filter { $0.hasPrefix("fct_") } == ["fct_invoice", "fct_invoiceline"])
        #expect(names.filter { $0.hasPrefix("daily_") } == ["daily_invoice", "daily_invoiceline"])
        #expect(
            names.filter { $0.hasPrefix("dim_") }
                == ["album", "artist", "customer", "employee", "genre", "invoice", "mediatype", "playlist", "track"]
                .map { "dim_\($0)" })
    }

    @Test func `marts that want one name are told apart by source and schema, and the first keeps it`() {
        let names = Set(models(ProjectGenerator.files(for: Inputs.adversarial)).map(\.name))
        #expect(names.isSuperset(of: ["fct_order", "fct_odd_sales_order", "fct_receipt", "fct_other_order"]))
    }

    @Test func `a parent's number is not added up in the fact's daily table`() throws {
        let files = ProjectGenerator.files(for: Inputs.chinook)
        let daily = try #require(files.first { $0.path.hasSuffix("/daily_invoiceline.sql") })
        #expect(!daily.text.contains("invoice_total"))
        #expect(daily.text.contains("avg(unitprice)"))
        #expect(daily.text.contains("sum(quantity)"))
    }

    @Test func `a table that nothing refers to and that says no moment has no mart`() {
        let input = ModelingInput(
            organization: "acme", environment: "dev", database: "lake",
            sources: [
                LandedSource(
                    slug: "shop",
                    streams: [Inputs.landed("shop", "settings", [Inputs.text("key"), Inputs.moment("updated_at")])])
            ])
        let files = ProjectGenerator.files(for: input)
        #expect(models(files).map(\.name) == ["stg_shop__settings"])
        #expect(files.contains { $0.path == "dashboards/shop.yml" && $0.text.contains("STAGING.stg_shop__settings") })
    }

    @Test func `a warehouse without sources has a project without models`() {
        let input = ModelingInput(organization: "acme", environment: "dev", database: "lake", sources: [])
        #expect(models(ProjectGenerator.files(for: input)).isEmpty)
    }

    private func models(_ files: [ProjectFile]) -> [(name: String, path: String)] {
        files.filter { $0.path.hasPrefix("models/") && $0.path.hasSuffix(".sql") }
            .map { (String($0.path.split(separator: "/").last?.dropLast(4) ?? ""), $0.path) }
            .sorted { $0.0 < $1.0 }
    }
}
