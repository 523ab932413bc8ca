import Connecting

/// A small value, a large one and a null of every carried type, in DuckDB's SQL.
enum CarriedValues {
    static let columns: [(name: String, type: CarriedType)] = values.enumerated().map { index, value in
        (name: "c\(index)", type: value.type)
    }

    static var select: String {
        ["low", "high", "null"].map { row in
            "SELECT " + values.map { row == "low" ? $0.low : row == "high" ? $0.high : "NULL" }.joined(separator: ", ")
        }.joined(separator: " UNION ALL ")
    }

    private static let values: [(type: CarriedType, low: String, high: String)] = [
        (.int64, "-9223372036854775808", "9223372036854775807"),
        (.boolean, "false", "true"),
        (.int16, "-32768", "32767"),
        (.int32, "-2147483648", "2147483647"),
        (.float32, "'-inf'::FLOAT", "3.4028235e38::FLOAT"),
        (.float64, "5e-324::DOUBLE", "'nan'::DOUBLE"),
        (.decimal(precision: 4, scale: 2), "-99.99", "0.01"),
        (.decimal(precision: 18, scale: 0), "-999999999999999999", "999999999999999999"),
        (
            .decimal(precision: 38, scale: 10), "-9999999999999999999999999999.9999999999",
            "9999999999999999999999999999.9999999999"
        ),
        (.text, "''", "'naïve 日本 🐟 '' \" line\n'"),
        (.bytes, "''::BLOB", "'\\x00\\xFF\\x27'::BLOB"),
        (.date, "'-infinity'::DATE", "'9999-12-31'::DATE"),
        (.time, "'00:00:00'::TIME", "'23:59:59.999999'::TIME"),
        (.timestamp, "'0001-01-01 00:00:00.000001'::TIMESTAMP", "'infinity'::TIMESTAMP"),
        (
            .timestampWithTimeZone, "'1969-12-31 23:59:59.999999+00'::TIMESTAMPTZ",
            "'9999-12-31 23:59:59+00'::TIMESTAMPTZ"
        ),
        (.uuid, "'00000000-0000-0000-0000-000000000000'::UUID", "'ffffffff-ffff-ffff-ffff-ffffffffffff'::UUID"),
    ]
}
