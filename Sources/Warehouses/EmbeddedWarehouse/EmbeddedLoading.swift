import Connecting
import DuckDB
import Foundation
package import Kernel
import Postgres
package import Warehousing

extension EmbeddedWarehouse {
    package func commit(
        _ batch: LoadBatch, to place: WarehousePlace, fence: FencingToken
    ) async throws -> [LoadID: Int64] {
        let key = try await lakeKey(of: place)
        do {
            try await withCatalogue(place) { connection in
                try await connection.transaction(organization: nil) {
                    try await refuseOldFence(fence, on: connection)
                    // Also a batch that was committed: its rows are not those in RAW any more if a later one came.
                    try await refuseOlder(batch, on: connection)
                    let new = try await leftToLoad(of: batch, on: connection)
                    guard let first = new.loads.first else { return }
                    // Only the holder of the fence's row touches files in RAW, so that tidying takes nobody's away.
                    let linked = try new.loads.map { load in (load, try link(load, in: place)) }
                    FaultPoint.pass("load.linked")
                    // Not named after the run, which may commit more than once: snapshots name the earlier file.
                    let register = try await writeRegister(of: new, as: "\(first.id).parquet", key: key, in: place)
                    try makeDurable(new, register, in: place)
                    var commit = try await LakeCommit(on: connection)
                    for (load, files) in linked {
                        try await commit.put(files, into: load.table, columns: load.columns, mode: .replace, key: key)
                    }
                    try await commit.put(
                        [register], into: LoadRegister.table, columns: LoadRegister.columns, mode: .append, key: key)
                    try await commit.finish(message: "Load of run \(batch.run)")
                    for load in new.loads { try await enter(load, of: new, at: commit.snapshotID, on: connection) }
                    try await removeOrphans(in: .raw, of: place, before: .distantFuture, on: connection)
                    FaultPoint.pass("load.committing")
                }
            }
        } catch let error as PGError {
            throw error.asMetadataProblem
        }
        return try await counts(of: batch, in: place)
    }

    /// Makes each file of a load a file of its table's folder, under a name that the load alone has.
    private func link(_ load: Load, in place: WarehousePlace) throws -> [LakeCommit.LinkedFile] {
        let folder = "\(dataPath(of: place))RAW/\(load.table)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        return try load.files.enumerated().compactMap { index, file in
            guard file.written.rows > 0 else { return nil }
            let name = "\(load.id)-\(index).parquet"
            try hardLink(file.path, as: "\(folder)/\(name)")
            return LakeCommit.LinkedFile(name: name, written: file.written)
        }
    }

    /// The names of the new files, and the register's bytes, must survive a power cut before the catalogue names them.
    private func makeDurable(_ batch: LoadBatch, _ register: LakeCommit.LinkedFile, in place: WarehousePlace) throws {
        let raw = "\(dataPath(of: place))RAW"
        let folders = Set(batch.loads.map(\.table) + [LoadRegister.table]).map { "\(raw)/\($0)" }
        for path in ["\(raw)/\(LoadRegister.table)/\(register.name)"] + folders + [raw, dataPath(of: place)] {
            let descriptor = open(path, O_RDONLY)
            defer { if descriptor >= 0 { close(descriptor) } }
            guard descriptor >= 0, fsync(descriptor) == 0 else {
                throw Problem(
                    .diskFull, "The warehouse's files cannot be made durable.",
                    hint: "Check the disk, then clone again.")
            }
        }
    }

    /// Two runs of one source may arrive in the other order, and a person may take an old one up again: the later
    /// snapshot stays.
    private func refuseOlder(_ batch: LoadBatch, on connection: PGConnection) async throws {
        for load in batch.loads {
            let later = try await connection.query(
                """
                SELECT FROM _weir_loads
                WHERE table_name = \(load.table) AND taken_at > \(load.position.takenAt)::timestamptz LIMIT 1
                """)
            guard later.isEmpty else {
                throw Problem(
                    .conflict, "A later snapshot of \(load.table) has been loaded already.",
                    hint: "Nothing needs to be done.")
            }
        }
    }

    private func hardLink(_ path: String, as new: String) throws {
        if Foundation.link(path, new) == 0 || errno == EEXIST { return }
        do {
            // Another file system: a copy, complete or not there.
            let partial = "\(new).partial"
            try? FileManager.default.removeItem(atPath: partial)
            try FileManager.default.copyItem(atPath: path, toPath: partial)
            try FileManager.default.moveItem(atPath: partial, toPath: new)
        } catch {
            throw Problem(
                .diskFull, "A file cannot be put into the warehouse.", hint: "Free space, then clone again.",
                cause: error)
        }
    }

    /// The rows of `RAW._weir_loads` for this batch, as a Parquet file of their own.
    private func writeRegister(
        of batch: LoadBatch, as name: String, key: Secret<[UInt8]>, in place: WarehousePlace
    ) async throws -> LakeCommit.LinkedFile {
        let folder = "\(dataPath(of: place))RAW/\(LoadRegister.table)"
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let path = "\(folder)/\(name)"
        do {
            let statistics = try await duckDB().connect().perform { session in
                try session.copy(LoadRegister.copy(batch, to: path, key: key))
            }
            return LakeCommit.LinkedFile(name: name, written: LoadRegister.written(statistics))
        } catch let error as DuckError {
            throw error.asLakeProblem
        }
    }

    private func refuseOldFence(_ fence: FencingToken, on connection: PGConnection) async throws {
        let accepted = try await connection.query(
            "UPDATE _weir_fence SET value = \(fence.value) WHERE value <= \(fence.value) RETURNING value")
        guard !accepted.isEmpty else {
            throw Problem(.leaseLost, "A later worker has loaded into this warehouse already.")
        }
    }

    /// Without the loads that were committed already, by an attempt before this one.
    private func leftToLoad(of batch: LoadBatch, on connection: PGConnection) async throws -> LoadBatch {
        let ids = PGArray.text(batch.loads.map(\.id.description))
        let rows = try await connection.query("SELECT load_id FROM _weir_loads WHERE load_id = ANY (\(ids)::uuid[])")
        let committed = Set(try rows.map { try $0.id("load_id", LoadTag.self) })
        return LoadBatch(run: batch.run, loads: batch.loads.filter { !committed.contains($0.id) })
    }

    private func enter(_ load: Load, of batch: LoadBatch, at snapshot: Int64, on connection: PGConnection) async throws
    {
        try await connection.query(
            """
            INSERT INTO _weir_loads (load_id, run_id, source, table_name, rows, position, taken_at, snapshot_id)
            VALUES (\(load.id), \(batch.run), \(load.source), \(load.table), \(load.rows), \(load.position.position),
              \(load.position.takenAt)::timestamptz, \(snapshot))
            """)
    }

    /// Counts as a reader sees it, through DuckDB.
    private func counts(of batch: LoadBatch, in place: WarehousePlace) async throws -> [LoadID: Int64] {
        let connection = try await duckDB().connect()
        let lake = DuckAlias.unique("lake")
        try await connection.execute(try await attach(place, as: lake, readOnly: true).reveal())
        let result = await Result {
            var counts: [LoadID: Int64] = [:]
            for load in batch.loads {
                // A column's rows, not count(*) alone, which DuckLake may answer from its statistics.
                let column = DuckSQL.quoted(load.columns.first?.name ?? "")
                let table = "\(lake).RAW.\(DuckSQL.quoted(load.table))"
                let rows = try await connection.rows(
                    "SELECT count(*) FILTER (\(column) IS NULL) + count(\(column)) FROM \(table)")
                counts[load.id] = rows.first?[0].int
            }
            return counts
        }
        _ = try? await connection.execute("DETACH \(lake)")
        return try result.get()
    }

    package func checkCatalogue(of place: WarehousePlace) async throws {
        let faults = try await withCatalogue(place) { connection in
            try await connection.query(
                """
                SELECT 'table ' || t.table_name AS name FROM ducklake_table t
                WHERE t.end_snapshot IS NULL AND NOT EXISTS (SELECT FROM ducklake_schema s
                  WHERE s.schema_id = t.schema_id AND s.end_snapshot IS NULL)
                UNION ALL
                SELECT 'view ' || v.view_name FROM ducklake_view v
                WHERE v.end_snapshot IS NULL AND NOT EXISTS (SELECT FROM ducklake_schema s
                  WHERE s.schema_id = v.schema_id AND s.end_snapshot IS NULL)
                """)
        }
        guard let first = faults.first else { return }
        throw Problem(
            .internal, "The warehouse's catalogue is damaged: \(try first.string("name")) belongs to no schema.",
            hint: "Restore the last good snapshot.")
    }
}

extension Result where Failure == any Error {
    /// What `work` returns or throws.
    init(_ work: () async throws -> Success) async {
        do {
            self = .success(try await work())
        } catch {
            self = .failure(error)
        }
    }
}
