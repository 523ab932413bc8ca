import Foundation
import Kernel
import Serving
import Testing

@Suite("TemporaryTiming") struct TemporaryTiming {
    @Test("t") func t() async throws {
        let lake = try await Lake.shared.value
        _ = try await lake.query("SELECT 1")
        for (sql, n) in [("SELECT count(*) FROM fct_orders", 50), ("SELECT customer, sum(total) FROM int_orders GROUP BY 1", 50), ("SELECT * FROM big LIMIT 10000", 5)] {
            let start = ContinuousClock.now
            var inside = 0.0
            for _ in 0..<n { inside += try await lake.query(sql).seconds }
            print("TIMING", sql, (ContinuousClock.now - start) / .seconds(n), inside / Double(n))
        }
        for format in [EngineFormat.csv, .parquet] {
            let start = ContinuousClock.now
            let bytes = try await lake.export("SELECT * FROM big", format)
            print("TIMING", format, bytes.count, ContinuousClock.now - start)
        }
    }
}
