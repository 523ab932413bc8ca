package import Foundation
import Kernel
import Postgres
package import Warehousing

extension EmbeddedWarehouse {
    package func removeOrphans(of place: WarehousePlace, before moment: Date) async throws {
        try await withCatalogue(place) { connection in
            // RAW is tidied by each load.
            for schema in WarehouseSchema.allCases where schema != .raw {
                try await removeOrphans(in: schema, of: place, before: moment, on: connection)
            }
        }
    }

    /// Removes the files in a schema's folder that no snapshot names and that were last written before `moment`.
    /// The caller sees to it that no writer from before then is still alive.
    func removeOrphans(
        in schema: WarehouseSchema, of place: WarehousePlace, before moment: Date, on connection: PGConnection
    ) async throws {
        let root = dataPath(of: place)
        // Listed before the catalogue is read: what is committed in between is named there.
        let found = filesAndTimes(in: schema, under: root).filter { $0.time < moment }.map(\.path)
        guard !found.isEmpty else { return }
        let named = Set(
            try await connection.query(Self.named).map { row in
                let path = try row.string("path")
                return path.hasPrefix("/") ? path : root + path
            })
        for path in found where !named.contains(path) {
            try? FileManager.default.removeItem(atPath: path)
            rmdir((path as NSString).deletingLastPathComponent)  // if that was the last one
        }
    }

    private func filesAndTimes(in schema: WarehouseSchema, under root: String) -> [(path: String, time: Date)] {
        let folder = "\(root)\(schema.rawValue)"
        let names = (try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []
        return names.compactMap { name in
            // In RAW only what loads make: a person's model there may be writing files of DuckLake's at this moment.
            if schema == .raw, (name as NSString).lastPathComponent.hasPrefix("ducklake-") { return nil }
            let path = "\(folder)/\(name)"
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            guard let attributes, attributes[.type] as? FileAttributeType == .typeRegular,
                let time = attributes[.modificationDate] as? Date
            else { return nil }
            return (path, time)
        }
    }

    /// Every file of every snapshot (DuckLake 1.0 specification, "Paths": each is relative to its table's, that to its
    /// schema's, that to the data path), and those that DuckLake itself will delete.
    private static let named: SQL = """
        SELECT CASE WHEN f.path_is_relative THEN CASE WHEN t.path_is_relative THEN s.path ELSE '' END || t.path ELSE '' END
          || f.path AS path
        FROM (SELECT table_id, path, path_is_relative FROM ducklake_data_file
              UNION ALL SELECT table_id, path, path_is_relative FROM ducklake_delete_file) f
          JOIN (SELECT DISTINCT table_id, schema_id, path, path_is_relative FROM ducklake_table) t USING (table_id)
          JOIN (SELECT DISTINCT schema_id, path FROM ducklake_schema) s USING (schema_id)
        UNION ALL SELECT path FROM ducklake_files_scheduled_for_deletion
        """
}
