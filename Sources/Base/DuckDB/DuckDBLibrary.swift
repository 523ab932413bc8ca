internal import CDuckDB
import Foundation
package import Kernel

/// DuckDB's shared object, loaded once per process.
package final class DuckDBLibrary: @unchecked Sendable {
    // Immutable after init, but for the keywords under their lock; DuckDB's functions may be called from any thread.
    let api: weir_duckdb_api
    /// `v1.5.5`.
    package let version: String
    private let keywordLock = NSLock()
    private var knownKeywords: Set<String>?

    /// The words of the dialect, read once.
    var keywords: Set<String> {
        if let known = keywordLock.withLock({ knownKeywords }) { return known }
        let read = readKeywords()
        keywordLock.withLock { knownKeywords = read }
        return read
    }

    /// Opens the library at `location`.
    /// - Throws: `missingDependency`, which says what to install.
    package init(at location: Location) throws(Problem) {
        var api = weir_duckdb_api()
        if let message = weir_duckdb_load(location.pythonRuntime, location.library, &api) {
            throw Problem(
                .missingDependency, "DuckDB's library cannot be loaded (\(String(cString: message))).",
                hint: "Run `make bootstrap`, or set WEIR_DUCKDB_LIBRARY to a libduckdb.so of version 1.5.5.")
        }
        self.api = api
        version = api.library_version().map { String(cString: $0) } ?? "unknown"
    }

    /// Where the library is.
    package struct Location: Sendable, Equatable {
        package var library: String
        /// The Python library that DuckDB's Python module needs in the same process; nil for a plain `libduckdb.so`.
        package var pythonRuntime: String?

        package init(library: String, pythonRuntime: String?) {
            self.library = library
            self.pythonRuntime = pythonRuntime
        }

        /// Looks in this order: `override` (from `WEIR_DUCKDB_LIBRARY`), a system `libduckdb.so`, the wheel in
        /// Weirhouse's Python environment at `pythonHome`.
        /// - Throws: `missingDependency`.
        package static func find(override: String?, pythonHome: String) throws(Problem) -> Location {
            if let override, !override.isEmpty {
                guard FileManager.default.fileExists(atPath: override) else {
                    throw Problem(
                        .missingDependency, "WEIR_DUCKDB_LIBRARY names \(override), which is not there.",
                        hint: "Correct it or unset it.")
                }
                return Location(library: override, pythonRuntime: runtime(for: override))
            }
            for folder in ["/usr/local/lib", "/usr/lib", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu"] {
                let path = "\(folder)/libduckdb.so"
                if FileManager.default.fileExists(atPath: path) { return Location(library: path, pythonRuntime: nil) }
            }
            if let wheel = wheelLibrary(in: pythonHome) {
                return Location(library: wheel, pythonRuntime: runtime(for: wheel))
            }
            throw Problem(
                .missingDependency, "DuckDB is not installed in \(pythonHome).",
                hint: "Run `make bootstrap`, which installs it.")
        }

        private static func wheelLibrary(in pythonHome: String) -> String? {
            let lib = "\(pythonHome)/lib"
            let versions = (try? FileManager.default.contentsOfDirectory(atPath: lib)) ?? []
            for version in versions.sorted() where version.hasPrefix("python3") {
                let packages = "\(lib)/\(version)/site-packages"
                let names = (try? FileManager.default.contentsOfDirectory(atPath: packages)) ?? []
                if let name = names.first(where: { $0.hasPrefix("_duckdb.") && $0.hasSuffix(".so") }) {
                    return "\(packages)/\(name)"
                }
            }
            return nil
        }

        /// `_duckdb.cpython-311-….so` needs `libpython3.11.so.1.0`; a plain library needs nothing.
        private static func runtime(for library: String) -> String? {
            guard let mark = library.range(of: "cpython-3") else { return nil }
            let minor = library[mark.upperBound...].prefix { $0.isNumber }
            return "libpython3.\(minor).so.1.0"
        }
    }
}
