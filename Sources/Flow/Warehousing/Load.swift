package import Connecting
package import Kernel

/// Loads that become visible together.
package struct LoadBatch: Sendable, Codable {
    package var run: RunID
    package var loads: [Load]

    package init(run: RunID, loads: [Load]) {
        self.run = run
        self.loads = loads
    }
}

/// One batch of one stream, validated and ready for RAW. It replaces what the table held.
package struct Load: Sendable, Codable, Hashable {
    package var id: LoadID
    package var source: String
    /// The table in RAW, and its columns there.
    package var table: String
    package var columns: [Column]
    package var files: [File]
    package var position: SourcePosition
    /// Rows in all files together.
    package var rows: Int64

    package init(
        id: LoadID, source: String, table: String, columns: [Column], files: [File], position: SourcePosition,
        rows: Int64
    ) {
        self.id = id
        self.source = source
        self.table = table
        self.columns = columns
        self.files = files
        self.position = position
        self.rows = rows
    }

    package struct Column: Sendable, Codable, Hashable {
        package var name: String
        package var type: CarriedType

        package init(name: String, type: CarriedType) {
            self.name = name
            self.type = type
        }
    }

    /// A Parquet file of the bronze zone, encrypted with the warehouse's lake key, with field ids 1, 2, 3…
    package struct File: Sendable, Codable, Hashable {
        /// Absolute.
        package var path: String
        package var written: WrittenFile

        package init(path: String, written: WrittenFile) {
            self.path = path
            self.written = written
        }
    }
}

/// What dbt needs to work in one warehouse.
package struct ModelingTarget: Sendable {
    /// The outputs entry of `profiles.yml` as YAML, two spaces per level, not indented; secrets only as
    /// `{{ env_var('…') }}`.
    package var profile: String
    /// The environment variables that `profile` names.
    package var environment: [String: Secret<String>]
    /// The database that holds the schemas, `lake`.
    package var database: String

    package init(profile: String, environment: [String: Secret<String>], database: String) {
        self.profile = profile
        self.environment = environment
        self.database = database
    }
}

/// What a query engine needs to read one warehouse.
package struct ReadingTarget: Sendable {
    /// Statements for a new DuckDB instance, in order: they load extensions and attach the warehouse read-only.
    package var attach: [Secret<String>]
    /// The only folders whose files the instance may open afterwards.
    package var folders: [String]
    /// The database that holds the schemas, `lake`.
    package var database: String

    package init(attach: [Secret<String>], folders: [String], database: String) {
        self.attach = attach
        self.folders = folders
        self.database = database
    }
}
