import Kernel

/// DuckDB with the extensions that Weirhouse ships, found once per process.
package struct DuckEnvironment: Sendable {
    package let library: DuckDBLibrary
    /// Holds `v1.5.5/linux_amd64/*.duckdb_extension`; nothing is ever downloaded.
    package let extensionFolder: String

    package init(library: DuckDBLibrary, extensionFolder: String) {
        self.library = library
        self.extensionFolder = extensionFolder
    }

    /// An extension that Weirhouse ships.
    package enum Extension: String, Sendable {
        /// Its OpenSSL encrypts Parquet files.
        case httpfs
        case postgresScanner = "postgres_scanner"
        /// Needs `postgresScanner` for its catalogue.
        case ducklake
    }

    /// A new in-memory instance with fixed limits.
    /// - Parameters:
    ///   - memory: DuckDB's own limit, such as `256MB`.
    ///   - threads: with 1, a statement runs on its connection's thread alone. With more, a connection whose statement
    ///     has one task only (reading another database is one) spins while a thread of DuckDB's own performs it.
    ///   - spill: a folder for what does not fit into memory, encrypted; nil for none.
    ///   - extensions: to be loaded; each takes some 50 to 100 ms.
    /// - Throws: `missingDependency` if an extension is missing.
    package func open(
        memory: String, threads: Int, spill: String? = nil,
        extensions: [Extension] = [.httpfs, .postgresScanner, .ducklake]
    ) async throws -> DuckDatabase {
        let database = try DuckDatabase(
            library,
            settings: [
                "memory_limit": memory, "threads": String(threads), "extension_directory": extensionFolder,
                "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
                "temp_directory": spill ?? "", "temp_file_encryption": "true", "preserve_insertion_order": "false",
            ])
        let connection = try database.connect()
        do {
            let loading = extensions.map { "LOAD \($0.rawValue); " }.joined()
            try await connection.execute("\(loading)SET GLOBAL TimeZone = 'UTC'")
        } catch let error as DuckError {
            throw Problem(
                .missingDependency, "DuckDB's extensions cannot be loaded from \(extensionFolder).",
                hint: "Run `make bootstrap`, which installs them.", cause: error)
        }
        return database
    }
}

/// Text as it stands in DuckDB's SQL.
package enum DuckSQL {
    package static func quoted(_ name: String) -> String { "\"\(name.replacingScalar("\"", with: "\"\""))\"" }

    package static func literal(_ text: String) -> String { "'\(text.replacingScalar("'", with: "''"))'" }
}
