import Connecting
import Postgres

/// How each PostgreSQL type travels: natively where Parquet and DuckDB hold it exactly, else as PostgreSQL's own text or
/// as JSON. docs/sources/postgresql.md has the table.
struct TypeCarrying {
    /// Decimals of `money`, which depend on the server's locale.
    let moneyScale: Int

    struct Declared {
        /// `pg_type.typname` below all domains.
        var name: String
        /// Whether the type comes with PostgreSQL: people may make types of the same names in their schemas.
        var isBuiltIn: Bool
        /// `pg_type.typcategory` and `typtype`.
        var category: String
        var kind: String
        /// `atttypmod`, or -1.
        var modifier: Int
    }

    typealias Carrying = (carried: CarriedType, meaning: StreamColumn.Meaning)

    func carrying(of type: Declared) -> Carrying {
        if type.category == "A" || type.kind == "c" { return (.text, .json) }
        if type.kind == "e" { return (.text, .enumeration) }
        guard type.isBuiltIn else { return (.text, type.name == "hstore" ? .json : .plain) }
        switch type.name {
        case "bool": return (.boolean, .plain)
        case "int2": return (.int16, .plain)
        case "int4": return (.int32, .plain)
        case "int8", "oid": return (.int64, .plain)
        case "float4": return (.float32, .plain)
        case "float8": return (.float64, .plain)
        case "numeric": return numeric(modifier: type.modifier)
        // 64 bits: 19 digits, wherever the point stands.
        case "money": return (.decimal(precision: 19, scale: moneyScale), .plain)
        case "bytea": return (.bytes, .plain)
        case "date": return (.date, .plain)
        case "time": return (.time, .plain)
        case "timestamp": return (.timestamp, .plain)
        case "timestamptz": return (.timestampWithTimeZone, .plain)
        case "uuid": return (.uuid, .plain)
        case "json", "jsonb": return (.text, .json)
        case "interval": return (.text, .intervalText)
        default: return (.text, .plain)
        }
    }

    /// `atttypmod` of numeric: precision << 16 | scale (11 bits, signed), plus 4 (`numeric_in` in PostgreSQL's numeric.c).
    private func numeric(modifier: Int) -> Carrying {
        guard modifier >= 4 else { return (.text, .decimalText) }
        let precision = (modifier - 4) >> 16
        let scale = (((modifier - 4) & 0x7FF) ^ 1024) - 1024
        guard (1...38).contains(precision), (0...precision).contains(scale) else { return (.text, .decimalText) }
        return (.decimal(precision: precision, scale: scale), .plain)
    }
}

extension StreamColumn {
    /// The expression in the source's SELECT that gives the carried type. `number` counts from 1.
    func sourceExpression(number: Int) -> String {
        let name = SQL.quoted(self.name)
        let base = sourceType
        switch carried {
        case .decimal(let precision, let scale):
            // NaN fits numeric(p,s) but no decimal, and postgres_scanner would read it as 0: make the server fail, with a
            // text that tells the column. Not a constant, or the server would fail while planning.
            return """
                (CASE WHEN \(name)::numeric = 'NaN' THEN concat('\(Self.nanMark)\(number) ', \(name))::numeric \
                ELSE \(name)::numeric END)::numeric(\(precision),\(scale))
                """
        case .text where meaning == .json && base != "json" && base != "jsonb":
            return "to_json(\(name))::text"
        case .text: return "\(name)::text"
        case .int64 where base == "oid": return "\(name)::bigint"
        // Domains: the reader sees the type below.
        case .boolean: return "\(name)::boolean"
        case .int16: return "\(name)::smallint"
        case .int32: return "\(name)::integer"
        case .int64: return "\(name)::bigint"
        case .float32: return "\(name)::real"
        case .float64: return "\(name)::double precision"
        case .bytes: return "\(name)::bytea"
        case .date: return "\(name)::date"
        case .time: return "\(name)::time"
        case .timestamp: return "\(name)::timestamp"
        case .timestampWithTimeZone: return "\(name)::timestamptz"
        case .uuid: return "\(name)::uuid"
        }
    }

    static let nanMark = "weirhouse: not a number in column "
}
