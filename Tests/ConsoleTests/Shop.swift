import Foundation
import Kernel
import Wire

/// A shop's warehouse: what its pages show.
enum Shop {
    static let now = Moments.date("2026-11-21T09:30:00Z")
    static let doneID = "0b9d7a10-5f3e-4c56-9a57-1f2f6f3c1a01"
    /// The same run as `doneID`, with a log of 1,200 lines.
    static let longID = "0b9d7a10-5f3e-4c56-9a57-1f2f6f3c1a04"
    static let runningID = "0b9d7a10-5f3e-4c56-9a57-1f2f6f3c1a02"
    static let failedID = "0b9d7a10-5f3e-4c56-9a57-1f2f6f3c1a03"

    static let tables: [(name: String, rows: Int64, bytes: Int64, columns: Int)] = [
        ("customers", 12_000, 2_310_144, 9), ("products", 640, 139_264, 8), ("orders", 38_412, 5_242_880, 10),
        ("order_lines", 96_730, 9_125_888, 6), ("payments", 39_105, 4_300_800, 7), ("refunds", 1_204, 180_224, 6),
        ("web_events", 21_377, 6_815_744, 8),
    ]

    static func health(isWell: Bool) -> HealthReport {
        HealthReport(
            version: "0.1.0",
            parts: [
                PartHealth(name: "metadata", healthy: true, detail: "PostgreSQL 15.18, 41 MB"),
                PartHealth(
                    name: "worker", healthy: isWell,
                    detail: isWell ? "1 worker, last heard of 2 s ago" : "No worker was heard of for 3 minutes",
                    hint: isWell ? nil : "Start one with weir work, or restart weir up."),
                PartHealth(name: "query engine", healthy: true, detail: "DuckDB 1.5.5, answered in 4 ms"),
                PartHealth(
                    name: "lake", healthy: isWell,
                    detail: isWell ? "38.2 GB free" : "Only 210 MB are free where the lake is",
                    hint: isWell ? nil : "Free some space, or move the data folder."),
                PartHealth(name: "dbt", healthy: true, detail: "dbt-core 1.11.16, dbt-duckdb 1.11.1"),
            ])
    }

    static let runs: [RunSummary] = [
        ShopRuns.running(step: 4).run,
        RunSummary(
            runID: doneID, kind: "clone", organization: "acme", environment: "dev", source: "shop", state: .success,
            createdAt: "2026-11-21T08:12:04.120Z", finishedAt: "2026-11-21T08:12:22.480Z", seconds: 18.36, problem: nil),
        RunSummary(
            runID: failedID, kind: "clone", organization: "acme", environment: "stage", source: "billing",
            state: .retryable,
            createdAt: "2026-11-20T16:40:00.000Z", finishedAt: "2026-11-20T16:43:05.000Z", seconds: 185,
            problem: ProblemView(ShopRuns.interrupted)),
        RunSummary(
            runID: "0b9d7a10-5f3e-4c56-9a57-1f2f6f3c1a04", kind: "clone", organization: "acme", environment: "dev",
            source: "chinook", state: .success, createdAt: "2026-09-02T10:00:00Z", finishedAt: "2026-09-02T10:00:07Z",
            seconds: 7.2, problem: nil),
    ]

    static let offer = SourceTestResult(
        product: "PostgreSQL 15.18", database: "shop",
        streams: tables.map {
            StreamView(
                name: "public.\($0.name)", kind: "table", columns: $0.columns, estimatedRows: $0.rows,
                estimatedBytes: $0.bytes, refusal: nil)
        } + [
            StreamView(
                name: "public.sessions", kind: "partitioned_table", columns: 5, estimatedRows: 1_240_000,
                estimatedBytes: 148_897_792, refusal: nil),
            StreamView(
                name: "audit.\"Entries <raw>\"", kind: "table", columns: 4, estimatedRows: nil, estimatedBytes: nil,
                refusal: ProblemView(
                    Problem(
                        .sourcePermission, "The user reader may not read this table.",
                        hint: "GRANT SELECT ON audit.\"Entries <raw>\" TO reader."))),
            StreamView(
                name: "public.customer_totals", kind: "view", columns: 3, estimatedRows: nil, estimatedBytes: nil,
                refusal: nil),
        ])

    static let schemas: [SchemaView] = [
        SchemaView(name: "RAW", tables: tables.map { table("shop__\($0.name)", "table", $0.rows) }),
        SchemaView(name: "STAGING", tables: tables.map { table("stg_shop__\($0.name)", "view", nil) }),
        SchemaView(
            name: "INTERMEDIATE",
            tables: [
                table("int_shop__order_lines_joined", "view", nil), table("int_shop__orders_joined", "view", nil),
            ]),
        SchemaView(
            name: "MARTS",
            tables: [
                table("daily_orders", "table", 90), table("dim_customers", "table", 12_000),
                table("dim_products", "table", 640), table("fct_orders", "table", 38_412),
                table("fct_payments", "table", 39_105),
            ]),
    ]

    static func table(_ name: String, _ kind: String, _ rows: Int64?) -> TableView {
        TableView(name: name, kind: kind, columns: orders.columns, rows: rows)
    }

    static let orders = QueryTable(
        columns: [
            QueryColumn(name: "order_id", type: "BIGINT"), QueryColumn(name: "customer", type: "VARCHAR"),
            QueryColumn(name: "status", type: "VARCHAR"),
            QueryColumn(name: "placed_at", type: "TIMESTAMP WITH TIME ZONE"),
            QueryColumn(name: "total", type: "DECIMAL(18,2)"), QueryColumn(name: "is_gift", type: "BOOLEAN"),
            QueryColumn(name: "note", type: "VARCHAR"),
        ],
        rows: (1...24).map { number in
            [
                .integer(Int64(100_000 + number)), .text(["Ana Sousa", "Bo <b>Li</b>", "Chidi Okafor"][number % 3]),
                .text(["paid", "shipped", "refunded"][number % 3]),
                .text("2026-11-\(10 + number % 10) 08:\(10 + number):00+00"), .text("\(number * 13 + 6).90"),
                .bool(number.isMultiple(of: 5)),
                number.isMultiple(of: 4) ? .text(String(repeating: "Please ring twice. ", count: 9)) : .null,
            ]
        },
        truncated: true, seconds: 0.042)
}

/// Dates of the fixture.
enum Moments {
    static func date(_ text: String) -> Date {
        let fractional = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        return (try? fractional.parse(text)) ?? (try? Date.ISO8601FormatStyle().parse(text))
            ?? Date(timeIntervalSince1970: 0)
    }
}
