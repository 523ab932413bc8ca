import Connecting
import DuckDB
import Foundation
import Kernel
import Postgres
import Synchronization

/// One exported snapshot: a session that holds it, and readers that import it.
final class PostgresSnapshot: SourceSnapshot {
    let position: SourcePosition
    private let holder: PGConnection
    private let address: ConnectionAddress
    private let readers: ReaderPool
    private let readsByPages: Bool
    /// Streams that are not what was asked for: they were changed before they could be locked.
    private let changed: Set<StreamName>
    /// One question to the holder at a time.
    private let turn = Turn()

    private init(
        position: SourcePosition, holder: PGConnection, address: ConnectionAddress, readers: ReaderPool,
        readsByPages: Bool, changed: Set<StreamName>
    ) {
        self.position = position
        self.holder = holder
        self.address = address
        self.readers = readers
        self.readsByPages = readsByPages
        self.changed = changed
    }

    static func open(
        on holder: PGConnection, source: PostgresSource, of streams: [SourceStream], parallelism: Int
    ) async throws -> PostgresSnapshot {
        try await holder.script(ClientWatch.setting)
        try await holder.script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        let taken = try await SourceLocks(streams).take(on: holder)
        try await holder.script(SourceLocks.shortWait)
        // A query, so after the locks: the first one fixes the snapshot.
        try await holder.query(PostgresSource.catalogueFirst)
        let row = try await holder.query(
            """
            SELECT pg_export_snapshot() AS snapshot, now() AS taken_at,
              CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END AS position
            """
        ).first
        guard let row else { throw Problem(.internal, "The source gave no snapshot.") }
        let database = try await source.duckDB()
        let readers = try await ReaderPool.open(
            on: database, conninfo: source.conninfo, snapshot: try row.string("snapshot"), locks: taken,
            count: parallelism)
        return PostgresSnapshot(
            position: SourcePosition(
                position: try row.optional("position") ?? "unknown", takenAt: try rfc3339(row.string("taken_at"))),
            holder: holder, address: source.address, readers: readers,
            // Reading by pages is a range scan from PostgreSQL 14 on; before, each part would read the whole table.
            readsByPages: try await holder.serverVersion() >= 140_000,
            changed: try await changed(streams, on: holder))
    }

    /// Those that in this snapshot have other columns or keys than when they were asked for: while a lock was waited for,
    /// whoever held it may have changed them. Read as they were, values would be rounded and columns left out.
    private static func changed(_ streams: [SourceStream], on holder: PGConnection) async throws -> Set<StreamName> {
        guard !streams.isEmpty else { return [] }
        let now = Dictionary(
            try await Discovery(holder).streams().map { ($0.stream.name, $0.stream) },
            uniquingKeysWith: { first, _ in first })
        return Set(
            streams.filter { asked in
                guard let found = now[asked.name] else { return true }
                return (found.kind, found.columns, found.primaryKey, found.uniqueKeys)
                    != (asked.kind, asked.columns, asked.primaryKey, asked.uniqueKeys)
            }.map(\.name))
    }

    private func refuseChanged(_ stream: SourceStream) throws {
        if changed.contains(stream.name) { throw Self.changedMeanwhile(stream) }
    }

    private static func changedMeanwhile(_ stream: SourceStream) -> Problem {
        Problem(
            .sourceChanged, "The table \(stream.name) was changed or rewritten while the clone began.",
            hint: "Clone again when that is over.")
    }

    /// A table that was emptied or rewritten after the snapshot was taken shows no rows in it (PostgreSQL documentation,
    /// 13.6), neither to whoever counts nor to whoever reads. Where a lock was not to be had, its file tells: which one
    /// it has now, and which one it had in this snapshot. The same for partitions, and for what a view reads.
    private func refuseRewritten(_ stream: SourceStream) async throws {
        let name = "\(SQL.quoted(stream.name.schema)).\(SQL.quoted(stream.name.table))"
        let rewritten = try await ask(
            """
            WITH RECURSIVE parts AS (
              SELECT \(name)::regclass::oid AS oid
              UNION
              SELECT next.oid FROM parts p JOIN pg_class k ON k.oid = p.oid CROSS JOIN LATERAL (
                SELECT i.inhrelid AS oid FROM pg_inherits i WHERE k.relkind = 'p' AND i.inhparent = k.oid
                UNION ALL
                SELECT d.refobjid FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass
                    AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> k.oid
                  WHERE k.relkind = 'v' AND r.ev_class = k.oid) next
            )
            SELECT FROM parts p LEFT JOIN pg_class c ON c.oid = p.oid
            WHERE c.oid IS NULL
              OR (c.relkind IN ('r', 'm') AND c.relfilenode <> 0
                AND c.relfilenode IS DISTINCT FROM pg_relation_filenode(c.oid)::oid) LIMIT 1
            """, about: stream)
        guard rewritten.isEmpty else { throw Self.changedMeanwhile(stream) }
    }

    func count(_ stream: SourceStream) async throws -> Int64 {
        try refuseChanged(stream)
        let rows = try await ask("SELECT count(*) AS n FROM \(SQL(unsafe: relation(stream)))", about: stream)
        // After it: what is rewritten later still makes what is read differ from this count.
        try await refuseRewritten(stream)
        return try rows.first?.int("n") ?? 0
    }

    /// Asks the holding session; a failure does not end its transaction, which would end the snapshot.
    private func ask(_ sql: SQL, about stream: SourceStream) async throws -> [PGRow] {
        do {
            try await turn.take()
            defer { turn.give() }
            try await holder.script("SAVEPOINT question")
            do {
                let rows = try await holder.query(sql)
                try await holder.script("RELEASE question")
                return rows
            } catch {
                _ = try? await Task { [holder] in try await holder.script("ROLLBACK TO question") }.value
                throw error
            }
        } catch {
            throw SourceProblem.of(error, at: address, reading: stream.name)
        }
    }

    func parts(of stream: SourceStream) async throws -> [StreamPart] {
        try refuseChanged(stream)
        // A part is a range of row addresses (ctid), which grants on columns do not cover: such a table is one part.
        guard readsByPages, stream.kind == .table else { return [StreamPart(number: 0, of: 1, range: nil)] }
        let name = "\(SQL.quoted(stream.name.schema)).\(SQL.quoted(stream.name.table))"
        let pages =
            try await ask(
                """
                SELECT CASE WHEN has_table_privilege(oid, 'SELECT')
                  THEN pg_relation_size(oid) / current_setting('block_size')::int ELSE 0 END AS pages
                FROM pg_class WHERE oid = \(name)::regclass
                """, about: stream
            ).first?.int("pages") ?? 0
        // No relation has more (PostgreSQL documentation, appendix K, "PostgreSQL Limits"), whatever a server says.
        let count = Self.partCount(pages: min(max(pages, 0), 1 << 32), parallelism: readers.count)
        let step = pages / Int64(count)
        return (0..<count).map { number in
            let isLast = number == count - 1
            return StreamPart(
                number: number, of: count,
                range: count == 1 ? nil : Int64(number) * step..<(isLast ? .max : Int64(number + 1) * step))
        }
    }

    /// About 9,000 pages (72 MB) each, in a number that keeps all readers busy to the end.
    static func partCount(pages: Int64, parallelism: Int) -> Int {
        guard pages > 1024 else { return 1 }
        let wanted = Int((pages + 9_215) / 9_216)
        return (wanted + parallelism - 1) / parallelism * parallelism
    }

    func write(_ part: StreamPart, of stream: SourceStream, to file: ParquetTarget) async throws -> WrittenFile {
        let columns = stream.columns.enumerated().map { index, column in
            "\(column.sourceExpression(number: index + 1)) AS c\(index + 1)"
        }
        let select = "SELECT \(columns.joined(separator: ", ")) FROM \(relation(stream))\(condition(part))"
        let names = RawNaming.columns(of: stream)
        do {
            let statistics = try await copy(select, columns: names, to: file, of: stream)
            try await refuseWrapped(statistics, in: stream, names: names)
            return WrittenFile(
                rows: statistics.rows, bytes: statistics.bytes, footerBytes: statistics.footerBytes,
                statistics: zip(stream.columns, names).map { column, name in
                    statistics.columns[DuckSQL.quoted(name)].columnStatistics(carried: column.carried)
                })
        } catch {
            if let column = columnWithNaN(in: error, of: stream) { throw ColumnNeedsText(column: column) }
            throw SourceProblem.of(error, at: address, reading: stream.name)
        }
    }

    /// Rows that turn out too wide for the memory are read again in the smallest groups, while nobody else reads.
    private func copy(
        _ select: String, columns: [String], to file: ParquetTarget, of stream: SourceStream
    ) async throws -> CopyStatistics {
        do {
            return try await readers.copy(select, columns: columns, to: file, as: stream.isWide ? .wide : .narrow)
        } catch let error as DuckError where error.isOutOfMemory {
            try? FileManager.default.removeItem(atPath: file.path)
            return try await readers.copy(select, columns: columns, to: file, as: .widest)
        }
    }

    func close() async {
        await readers.close()
        await holder.close()
    }

    /// A partitioned table with its partitions; any other table without tables that inherit from it.
    private func relation(_ stream: SourceStream) -> String {
        let only = stream.kind == .table ? "ONLY " : ""
        return "\(only)\(SQL.quoted(stream.name.schema)).\(SQL.quoted(stream.name.table))"
    }

    private func condition(_ part: StreamPart) -> String {
        guard let range = part.range else { return "" }
        let upper = range.upperBound == .max ? "" : " AND ctid < '(\(range.upperBound),0)'"
        return " WHERE ctid >= '(\(range.lowerBound),0)'\(upper)"
    }

    private func columnWithNaN(in error: any Error, of stream: SourceStream) -> String? {
        guard let message = (error as? DuckError)?.message, let mark = message.range(of: StreamColumn.nanMark),
            let number = Int(message[mark.upperBound...].prefix { $0.isNumber }),
            stream.columns.indices.contains(number - 1)
        else { return nil }
        return stream.columns[number - 1].name
    }

    /// PostgreSQL's timestamps reach to the year 294276, DuckDB's to January of 294247: what lies between wraps round to
    /// before 4714 BC, where PostgreSQL has none, or onto DuckDB's infinities. Where those hide it, the source is asked.
    private func refuseWrapped(_ statistics: CopyStatistics, in stream: SourceStream, names: [String]) async throws {
        for (column, name) in zip(stream.columns, names)
        where column.carried == .timestamp || column.carried == .timestampWithTimeZone {
            let found = statistics.columns[DuckSQL.quoted(name)]
            if let minimum = found?["min"], minimum.contains("(BC)"), let year = Int(minimum.prefix { $0.isNumber }),
                year > 4714
            {
                throw Self.tooLate(column.name, in: stream)
            }
            guard found?["min"] == "-infinity" || found?["max"] == "infinity" else { continue }
            let expression = column.sourceExpression(number: 1)
            let late = try await ask(
                """
                SELECT FROM \(SQL(unsafe: relation(stream))) WHERE \(SQL(unsafe: expression)) >= \(Self.firstTooLate)
                  AND isfinite(\(SQL(unsafe: expression))) LIMIT 1
                """, about: stream)
            guard late.isEmpty else { throw Self.tooLate(column.name, in: stream) }
        }
    }

    /// The moment that has the bits of DuckDB's infinity.
    private static let firstTooLate: SQL = "'294247-01-10 04:00:54.775807+00'"

    private static func tooLate(_ column: String, in stream: SourceStream) -> Problem {
        Problem(
            .unsupported, "\(stream.name) holds a moment after the year 294246 in column \(column).",
            hint: "DuckDB cannot hold it: correct the value or leave the table out.")
    }

    private static func rfc3339(_ text: String) -> String {
        // `2026-11-21 07:30:00.123456+00`, as `timezone=UTC` makes it.
        text.replacing(" ", with: "T").replacing("+00", with: "Z")
    }
}

/// A lock that tasks wait for without blocking a thread.
private final class Turn: Sendable {
    private let state = Mutex((isTaken: false, waiting: [CheckedContinuation<Void, Never>]()))

    func take() async throws {
        await withCheckedContinuation { continuation in
            let mayGo = state.withLock { state in
                if state.isTaken {
                    state.waiting.append(continuation)
                    return false
                }
                state.isTaken = true
                return true
            }
            if mayGo { continuation.resume() }
        }
    }

    func give() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.isTaken = false
            return nil
        }
        next?.resume()
    }
}

extension SourceStream {
    /// Whether 122,880 of its rows, as the source estimates them, are more than some 60 MB.
    fileprivate var isWide: Bool {
        guard let estimatedBytes, let estimatedRows, estimatedRows > 0 else { return kind != .table }
        return estimatedBytes / estimatedRows > 500
    }
}

extension [String: String]? {
    /// Text and bytes show no values: the catalogue they go to is not encrypted.
    func columnStatistics(carried: CarriedType) -> ColumnStatistics {
        let hidesValues = carried == .text || carried == .bytes
        let isFloat = carried == .float32 || carried == .float64
        return ColumnStatistics(
            bytes: self?["column_size_bytes"].flatMap { Int64($0) } ?? 0,
            nulls: self?["null_count"].flatMap { Int64($0) } ?? 0,
            minimum: hidesValues ? nil : self?["min"], maximum: hidesValues ? nil : self?["max"],
            hasNaN: isFloat ? self?["has_nan"] != "false" : nil)
    }
}
