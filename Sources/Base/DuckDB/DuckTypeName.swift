internal import CDuckDB

extension DuckType {
    /// The type's name as DuckDB prints it, `DECIMAL(12,2)[]`.
    var name: String {
        if let alias { return alias }
        switch kind {
        case .list(let child): return "\(child.name)[]"
        case .array(let child, let size): return "\(child.name)[\(size)]"
        case .structure(let fields): return "STRUCT(\(names(of: fields)))"
        case .union(let fields): return "UNION(\(names(of: fields)))"
        case .map(let key, let value): return "MAP(\(key.name), \(value.name))"
        case .decimal(let width, let scale, _): return "DECIMAL(\(width),\(scale))"
        case .enumeration(_, let labels):
            let quoted = labels.map { DuckSQL.literal(String(decoding: $0, as: UTF8.self)) }
            return "ENUM(\(quoted.joined(separator: ", ")))"
        default: return plainName
        }
    }

    private var plainName: String {
        switch kind {
        case .boolean: "BOOLEAN"
        case .signed(let bytes):
            [1: "TINYINT", 2: "SMALLINT", 4: "INTEGER", 8: "BIGINT"][bytes] ?? "HUGEINT"
        case .unsigned(let bytes):
            [1: "UTINYINT", 2: "USMALLINT", 4: "UINTEGER", 8: "UBIGINT"][bytes] ?? "UHUGEINT"
        case .float: "FLOAT"
        case .double: "DOUBLE"
        case .text: "VARCHAR"
        case .blob: "BLOB"
        case .bit: "BIT"
        case .uuid: "UUID"
        case .bignum: "BIGNUM"
        case .date: "DATE"
        case .time: "TIME"
        case .timeNanoseconds: "TIME_NS"
        case .timeWithZone: "TIME WITH TIME ZONE"
        case .timestamp(_, true): "TIMESTAMP WITH TIME ZONE"
        case .timestamp(1, _): "TIMESTAMP_S"
        case .timestamp(1000, _): "TIMESTAMP_MS"
        case .timestamp(1_000_000_000, _): "TIMESTAMP_NS"
        case .timestamp: "TIMESTAMP"
        case .interval: "INTERVAL"
        case .nothing: "\"NULL\""
        case .opaque(40): "GEOMETRY"
        case .opaque(41): "VARIANT"
        default: "UNKNOWN"
        }
    }

    private func names(of fields: [Field]) -> String {
        fields.map { field in
            field.name.isEmpty ? field.type.name : "\(library.quoteIfNeeded(field.name)) \(field.type.name)"
        }.joined(separator: ", ")
    }
}

extension DuckDBLibrary {
    /// A name as DuckDB writes it: in double quotes if it is a keyword or not a plain word.
    func quoteIfNeeded(_ name: String) -> String {
        let plain = name.utf8.enumerated().allSatisfy { index, byte in
            let letter = (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte) || byte == 0x5F
            return letter || (index > 0 && (0x30...0x39).contains(byte))
        }
        if plain, !keywords.contains(name.lowercased()) { return name }
        return DuckSQL.quoted(name)
    }

    /// All keywords of the dialect, from a fresh instance.
    func readKeywords() -> Set<String> {
        guard let database = try? DuckDatabase(self), let connection = try? database.connect() else { return [] }
        let rows = try? connection.blockingRows("SELECT keyword_name FROM duckdb_keywords()")
        return Set((rows ?? []).compactMap { $0[0].string })
    }
}
