import Foundation
import Kernel

@testable import Lakehouse
@testable import Modeling
@testable import Serving

extension Trials {
    static let flow: [Trial] = [
        .text(
            "dashboard",
            [
                """
                name: shop
                title: Shop
                source: shop
                charts:
                  - id: orders_by_day
                    title: Orders
                    kind: line
                    sql: SELECT day, n FROM MARTS.orders
                    x: day
                    y: [n]
                """
            ]
        ) { text in
            let dashboard = try Dashboard(yaml: text, file: "shop.yml")
            try hold(!"\(dashboard.name)".contains("\0"), "its name holds NUL")
        },
        Trial(
            name: "manifest", samples: ["{\"version\": 1, \"stream\": \"public.orders\", \"files\": [], \"rows\": 3}"]
        ) { bytes in
            let folder = NSTemporaryDirectory() + "/weir-fuzz-manifest"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(Manifest.fileName)"))
            let manifest = try Manifest.read(in: folder)
            try hold(manifest.version == 1, "another version")
        },
        .text(
            "syntax tree",
            [
                #" {"a": ["x\n\"é\u00e9\ud83d\ude00", 1.5e3, true, null, {}], "b": ""} "#, "[[[[1]]]]",
                "{\"error\": false}",
            ]
        ) { text in _ = try SyntaxTree.parse(text) },
        .text(
            "view definition",
            [
                "CREATE VIEW v AS SELECT 1;", "create view \"a \"\"AS\".b (x, \"y as\") as select 1",
                "CREATE OR REPLACE VIEW a AS FROM t",
            ]
        ) { text in
            let query = try ViewDefinition.query(in: text)
            try hold(query.isEmpty || text.contains(query), "it says what does not stand there")
        },
        Trial(name: "engine's cells", samples: ["\u{0}\u{1}\u{2}", "\u{3}\u{0}\u{0}\u{0}abc", "\u{4}12345678"]) {
            bytes in
            let rows = try CellCoding.rows(in: bytes, columns: 2)
            try hold(rows.allSatisfy { $0.count == 2 }, "a row of another width")
        },
    ]
}
