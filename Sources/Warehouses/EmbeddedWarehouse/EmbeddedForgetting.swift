import Foundation
import Kernel
import Postgres
package import Warehousing

extension EmbeddedWarehouse {
    package func forget(keepDays: Int, of place: WarehousePlace) async throws -> Int {
        // Asked of the owner: no password is made for a warehouse that there is not.
        guard try await version(of: place) != nil else { return 0 }
        do {
            return try await withCatalogue(place) { connection in
                try await checkVersion(on: connection)
                try await expire(keepDays: keepDays, on: connection)
                return try await removeScheduled(of: place, on: connection)
            }
        } catch let error as PGError {
            throw error.asMetadataProblem
        }
    }

    /// What is not in our list of the catalogue's tables could still name files: a version that we have not held against
    /// DuckLake's own removes nothing.
    private func checkVersion(on connection: PGConnection) async throws {
        let found = try await connection.query(
            "SELECT left(value, 20) AS value FROM ducklake_metadata WHERE key = 'version'"
        ).first?.optional("value")
        guard found == "1.0" else {
            throw Problem(
                .unsupported, "Old states cannot be removed from a catalogue of version \(found ?? "unknown").",
                hint: "Weirhouse knows how to in version 1.0 of DuckLake.")
        }
    }

    // MARK: - Snapshots

    /// Snapshots in one transaction, so that commits need not wait for long.
    static let slice = 500

    private func expire(keepDays: Int, on connection: PGConnection) async throws {
        var isMore = true
        while isMore, !Task.isCancelled {
            do {
                isMore = try await connection.transaction(organization: nil) {
                    try await expireSlice(keepDays: keepDays, on: connection)
                }
            } catch let error as PGError where error.state == "55P03" {
                // Somebody has been committing for all that time. The next look comes soon enough.
                return
            }
        }
    }

    /// Removes the oldest of the snapshots that were superseded more than `keepDays` ago, with all that only they name,
    /// and schedules its files: what `ducklake_expire_snapshots` does (DuckLake 1.0), without DuckDB. Whoever read a state
    /// that goes would have begun before it was superseded.
    /// - Returns: whether there may be more of them.
    private func expireSlice(keepDays: Int, on connection: PGConnection) async throws -> Bool {
        // As loads do: commits wait for one another. Readers do not wait.
        try await connection.script(
            "SET LOCAL lock_timeout = '30s'; LOCK TABLE ducklake_snapshot IN SHARE ROW EXCLUSIVE MODE")
        guard let edge = try await edge(keepDays, on: connection) else { return false }
        let gone = try await connection.query("DELETE FROM ducklake_snapshot WHERE snapshot_id < \(edge) RETURNING 1")
        guard !gone.isEmpty else { return false }
        try await connection.query("DELETE FROM ducklake_snapshot_changes WHERE snapshot_id < \(edge)")
        // A table that was renamed has several rows.
        let tables = PGArray.text(
            try await connection.query(
                """
                SELECT table_id FROM ducklake_table GROUP BY table_id
                HAVING bool_and(coalesce(end_snapshot <= \(edge), false))
                """
            ).map { try String($0.int("table_id")) })
        try await scheduleFiles(of: tables, endedBy: edge, on: connection)
        for table in Self.ofTables {
            try await connection.query(
                "DELETE FROM \(.identifier(table)) WHERE table_id = ANY (\(tables)::bigint[])")
        }
        for table in ["ducklake_schema", "ducklake_view", "ducklake_tag", "ducklake_macro"] {
            try await connection.query("DELETE FROM \(.identifier(table)) WHERE end_snapshot <= \(edge)")
        }
        for table in ["ducklake_macro_impl", "ducklake_macro_parameters"] {
            try await connection.query(
                """
                DELETE FROM \(.identifier(table)) i
                WHERE NOT EXISTS (SELECT FROM ducklake_macro m WHERE m.macro_id = i.macro_id)
                """)
        }
        try await connection.query(
            """
            DELETE FROM ducklake_name_mapping n
            WHERE NOT EXISTS (SELECT FROM ducklake_column_mapping m WHERE m.mapping_id = n.mapping_id)
            """)
        return gone.count >= Self.slice
    }

    /// Those of the catalogue's tables whose rows go with their table.
    private static let ofTables = [
        "ducklake_table", "ducklake_table_stats", "ducklake_table_column_stats", "ducklake_partition_info",
        "ducklake_partition_column", "ducklake_column", "ducklake_column_tag", "ducklake_sort_info",
        "ducklake_sort_expression", "ducklake_schema_versions", "ducklake_inlined_data_tables",
        "ducklake_column_mapping",
    ]

    /// Snapshots before this one go now: it was the newest `keepDays` ago, or so many come before it that they are enough
    /// for once. Nil if there was none then. By the database's clock; if that was ever set back, rather an older one than
    /// a younger.
    private func edge(_ keepDays: Int, on connection: PGConnection) async throws -> Int64? {
        try await connection.query(
            """
            WITH kept AS (
              SELECT max(snapshot_id) AS id FROM ducklake_snapshot WHERE snapshot_id < coalesce(
                (SELECT min(snapshot_id) FROM ducklake_snapshot
                  WHERE snapshot_time > now() - make_interval(days => \(keepDays)::int)), 9223372036854775807))
            SELECT least(id, (SELECT snapshot_id FROM ducklake_snapshot
              ORDER BY snapshot_id OFFSET \(Self.slice)::bigint LIMIT 1)) AS id
            FROM kept WHERE id IS NOT NULL
            """
        ).first?.optionalInt("id")
    }

    /// Data files, and delete files with those that they belong to, under paths from the warehouse's folder on (DuckLake
    /// 1.0 specification, "Paths").
    private func scheduleFiles(of tables: String, endedBy edge: Int64, on connection: PGConnection) async throws {
        try await connection.query(
            """
            WITH files AS (
              DELETE FROM ducklake_data_file WHERE table_id = ANY (\(tables)::bigint[]) OR end_snapshot <= \(edge)
              RETURNING data_file_id AS id, table_id, path, path_is_relative
            ), deletes AS (
              DELETE FROM ducklake_delete_file WHERE table_id = ANY (\(tables)::bigint[]) OR end_snapshot <= \(edge)
                OR data_file_id IN (SELECT id FROM files)
              RETURNING delete_file_id AS id, table_id, path, path_is_relative
            ), columns AS (
              DELETE FROM ducklake_file_column_stats WHERE data_file_id IN (SELECT id FROM files)
            ), variants AS (
              DELETE FROM ducklake_file_variant_stats WHERE data_file_id IN (SELECT id FROM files)
            ), partitions AS (
              DELETE FROM ducklake_file_partition_value WHERE data_file_id IN (SELECT id FROM files)
            )
            INSERT INTO ducklake_files_scheduled_for_deletion (data_file_id, path, path_is_relative, schedule_start)
            SELECT f.id,
              CASE WHEN f.path_is_relative THEN CASE WHEN t.path_is_relative THEN s.path ELSE '' END || t.path ELSE '' END
                || f.path,
              f.path_is_relative AND t.path_is_relative AND s.path_is_relative, now()
            FROM (SELECT * FROM files UNION ALL SELECT * FROM deletes) f
              JOIN (SELECT DISTINCT table_id, schema_id, path, path_is_relative FROM ducklake_table) t USING (table_id)
              JOIN (SELECT DISTINCT schema_id, path, path_is_relative FROM ducklake_schema) s USING (schema_id)
            """)
    }

    // MARK: - Files

    /// Removes the files that were scheduled more than a day ago: by `expireSlice`, or by DuckLake itself, which does that
    /// at once with delete files that it merges, while a reader may still be at them. Folders stay: somebody may be about
    /// to write there. What it cannot finish, the next look does.
    private func removeScheduled(of place: WarehousePlace, on connection: PGConnection) async throws -> Int {
        // A disk that is not there at this moment tells nothing about its files.
        guard let home = Self.realPath(dataPath(of: place)) else { return 0 }
        var removed = 0
        do {
            try await removeScheduled(of: place, home: home, on: connection) { removed += $0 }
        } catch {
            // What has gone counts. What keeps the others from going is met again at once the next time.
            guard removed > 0 else { throw error }
        }
        return removed
    }

    /// Pages of a look, 1000 files each.
    private static let pages = 100

    private func removeScheduled(
        of place: WarehousePlace, home: String, on connection: PGConnection, counted: (Int) -> Void
    ) async throws {
        // Longer than any file system takes, and so none of ours; and whoever writes models could write gigabytes there.
        try await connection.query(
            "DELETE FROM ducklake_files_scheduled_for_deletion WHERE octet_length(path) > \(Self.longestPath)::int")
        var last: Int64 = -1
        for _ in 0..<Self.pages where !Task.isCancelled {
            let due = try await connection.query(
                """
                SELECT data_file_id, path FROM ducklake_files_scheduled_for_deletion x
                WHERE data_file_id > \(last) AND octet_length(path) <= \(Self.longestPath)::int
                  AND schedule_start < now() - interval '1 day'
                  AND NOT EXISTS (SELECT FROM ducklake_data_file d WHERE d.data_file_id = x.data_file_id)
                  AND NOT EXISTS (SELECT FROM ducklake_delete_file d WHERE d.delete_file_id = x.data_file_id)
                ORDER BY data_file_id LIMIT 1000
                """
            ).map { (id: try $0.int("data_file_id"), path: try $0.string("path")) }
            guard let end = due.last else { break }
            last = end.id
            // First the files: what a crash leaves is found again.
            let fates = due.map { (file: $0, fate: remove($0.path, of: place, home: home)) }
            counted(fates.count(where: { $0.fate == .removed }))
            let done = fates.filter { $0.fate != .kept }.map(\.file)
            try await connection.query(
                """
                DELETE FROM ducklake_files_scheduled_for_deletion x
                USING unnest(\(PGArray.text(done.map { String($0.id) }))::bigint[],
                  \(PGArray.text(done.map(\.path)))::text[]) AS done (id, path)
                WHERE x.data_file_id = done.id AND x.path = done.path
                """)
        }
    }

    private static let longestPath = 4096

    private enum Fate {
        case removed
        /// There is no such file, or it is none of the warehouse's.
        case absent
        /// It could not be removed.
        case kept
    }

    /// Whoever writes models can write to the catalogue too: what lies outside of the warehouse's folder is left alone,
    /// whatever a row says, and wherever links lead.
    private func remove(_ path: String, of place: WarehousePlace, home: String) -> Fate {
        let root = dataPath(of: place)
        let own = path.hasPrefix(root) ? String(path.dropFirst(root.count)) : path
        // By bytes, as the system reads it: a letter may be more than one.
        let parts = own.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard let name = parts.last, parts.count > 1, parts.allSatisfy({ !["", ".", ".."].contains($0) }) else {
            return .absent
        }
        guard let folder = Self.realPath("\(home)/\(parts.dropLast().joined(separator: "/"))") else {
            return Self.isMissing(errno) ? .absent : .kept
        }
        guard folder.utf8.starts(with: "\(home)/".utf8) else { return .absent }
        if unlink("\(folder)/\(name)") == 0 { return .removed }
        return Self.isMissing(errno) ? .absent : .kept
    }

    /// Also what cannot be a file of a warehouse.
    private static func isMissing(_ number: Int32) -> Bool {
        [ENOENT, ENOTDIR, EISDIR, EPERM, ENAMETOOLONG, ELOOP].contains(number)
    }

    /// Without links (realpath(3)); nil, with `errno`, if there is nothing.
    private static func realPath(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}
