import Kernel

/// The names that streams and their columns get in RAW.
package enum RawNaming {
    /// `{source}__{table}` for the source's default schema, `{source}__{schema}__{table}` outside it, in snake_case;
    /// names that clash then get `_2`, `_3`, …
    ///
    /// Pass all streams of a source, also those that are not cloned: a name must not change with the choice. Nor with a stream
    /// that comes later and would have the same: those that have a name keep it, for whoever asks for it means them.
    /// - Parameter known: the names that streams of the source have, also of some that are gone.
    package static func tables(
        for streams: [StreamName], source: String, defaultSchema: String = "public", known: [StreamName: String] = [:]
    ) -> [StreamName: String] {
        let ordered = Set(streams).sorted { left, right in
            (left.schema == defaultSchema ? 0 : 1, left) < (right.schema == defaultSchema ? 0 : 1, right)
        }
        let unnamed = ordered.filter { known[$0] == nil }
        let names = unnamed.map { name in
            let table = Slug.snakeCase(name.table)
            return name.schema == defaultSchema
                ? "\(source)__\(table)" : "\(source)__\(Slug.snakeCase(name.schema))__\(table)"
        }
        return known.merging(zip(unnamed, Slug.distinct(names, from: Set(known.values)))) { known, _ in known }
    }

    /// The source's own column names; where two differ only by case, which DuckDB does not tell apart, the later gets
    /// `_2`, `_3`, …
    package static func columns(of stream: SourceStream) -> [String] {
        var taken: Set<String> = []
        return stream.columns.map { column in
            var candidate = column.name
            var number = 2
            while !taken.insert(candidate.lowercased()).inserted {
                candidate = "\(column.name)_\(number)"
                number += 1
            }
            return candidate
        }
    }
}

/// A stream as it stands in RAW after its load.
package struct LandedStream: Sendable, Codable, Hashable {
    package var stream: SourceStream
    /// The table's name in RAW. Its columns are named by `RawNaming.columns`.
    package var table: String
    package var rows: Int64

    package init(stream: SourceStream, table: String, rows: Int64) {
        self.stream = stream
        self.table = table
        self.rows = rows
    }
}
