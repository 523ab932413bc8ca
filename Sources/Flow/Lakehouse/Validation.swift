import Connecting
package import DuckDB
import Foundation
package import Kernel

/// Checks a raw load before anything else may use it.
package struct Validation: Sendable {
    private let layout: LakeLayout
    private let connection: DuckConnection

    /// - Parameter database: an instance of its own for this; it may spill into `layout.spill`.
    package init(layout: LakeLayout, database: DuckDatabase) throws {
        self.layout = layout
        connection = try database.connect()
    }

    /// Manifest complete, checksums, schema, row counts, declared keys unique and not null.
    /// - Returns: the manifest.
    /// - Throws: `dataInvalid` with the reason.
    package func check(_ place: LakeLayout.Place, key: Secret<[UInt8]>) async throws -> Manifest {
        do {
            return try await checked(place, key: key)
        } catch let error as DuckError {
            throw error.asLakeProblem
        }
    }

    private func checked(_ place: LakeLayout.Place, key: Secret<[UInt8]>) async throws -> Manifest {
        let folder = layout.raw(place)
        guard FileManager.default.fileExists(atPath: "\(folder)/_SUCCESS") else {
            throw Problem(.dataInvalid, "The load of \(place.table) was never finished: _SUCCESS is missing.")
        }
        let manifest = try Manifest.read(in: folder)
        guard manifest.load == place.load else {
            throw Problem(.dataInvalid, "The manifest of \(place.table) belongs to another load.")
        }
        try checkFiles(of: manifest, in: folder)
        try checkNulls(in: manifest)
        let files = ParquetFiles(paths: manifest.files.map { "\(folder)/\($0.name)" }, key: key)
        try await checkSchema(of: manifest, in: files)
        try await checkKeys(of: manifest, in: files)
        return manifest
    }

    private func checkFiles(of manifest: Manifest, in folder: String) throws {
        let listed = Set(manifest.files.map(\.name))
        let found = Set(try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".parquet") })
        guard listed == found, listed.count == manifest.files.count else {
            throw Problem(.dataInvalid, "The files of \(manifest.table) are not those that its manifest lists.")
        }
        for file in manifest.files where try LakeFiles.sha256("\(folder)/\(file.name)") != file.sha256 {
            throw Problem(.dataInvalid, "The checksum of \(file.name) of \(manifest.table) is wrong.")
        }
        guard manifest.rows == manifest.sourceRows else {
            throw Problem(
                .dataInvalid,
                "\(manifest.stream.name) has \(manifest.sourceRows) rows at the source, but \(manifest.rows) were read."
            )
        }
    }

    private func checkNulls(in manifest: Manifest) throws {
        let width = manifest.stream.columns.count
        guard manifest.columns.count == width, manifest.files.allSatisfy({ $0.written.statistics.count == width })
        else {
            throw Problem(.dataInvalid, "The manifest of \(manifest.table) does not describe all of its columns.")
        }
        for (index, column) in manifest.stream.columns.enumerated() where !column.nullable {
            let nulls = manifest.files.reduce(0) { $0 + $1.written.statistics[index].nulls }
            guard nulls == 0 else {
                throw Problem(
                    .dataInvalid,
                    "\(manifest.stream.name) has \(nulls) nulls in \(column.name), which is declared not null.")
            }
        }
    }

    private func checkSchema(of manifest: Manifest, in files: ParquetFiles) async throws {
        let found = try await connection.rows("DESCRIBE SELECT * FROM \(files.scan)").map { row in
            Described(name: row[0].string ?? "", type: row[1].string ?? "")
        }
        let declared = zip(manifest.columns, manifest.stream.columns).map { name, column in
            Described(name: name, type: column.carried.duckDB)
        }
        guard found == declared else {
            let differing = zip(found, declared).first { $0 != $1 }?.1.name ?? "the number of columns"
            throw Problem(
                .dataInvalid, "The files of \(manifest.table) have another schema than declared: \(differing).")
        }
    }

    private struct Described: Equatable {
        let name: String
        let type: String
    }

    private func checkKeys(of manifest: Manifest, in files: ParquetFiles) async throws {
        let names = Dictionary(
            zip(manifest.stream.columns.map(\.name), manifest.columns), uniquingKeysWith: { first, _ in first })
        let keys = [manifest.stream.primaryKey].filter { !$0.isEmpty } + manifest.stream.uniqueKeys
        for key in keys {
            let columns = key.compactMap { names[$0] }.map(DuckSQL.quoted).joined(separator: ", ")
            let twice = try await connection.rows(
                "SELECT count(*) FROM (SELECT \(columns) FROM \(files.scan) GROUP BY ALL HAVING count(*) > 1)")
            guard twice.first?[0].int == 0 else {
                throw Problem(
                    .dataInvalid,
                    "\(manifest.stream.name) holds some keys (\(key.joined(separator: ", "))) more than once.")
            }
        }
    }
}

/// Encrypted Parquet files as one relation.
package struct ParquetFiles: Sendable {
    private let paths: [String]
    private let key: Secret<[UInt8]>

    package init(paths: [String], key: Secret<[UInt8]>) {
        self.paths = paths
        self.key = key
    }

    /// For a FROM clause. It holds the key: never log it.
    package var scan: String {
        let list = paths.map(DuckSQL.literal).joined(separator: ", ")
        let base64 = Data(key.reveal()).base64EncodedString()
        return
            "read_parquet([\(list)], hive_partitioning = false, encryption_config = {footer_key_value: from_base64('\(base64)')})"
    }
}
