internal import CDuckDB
import Kernel

/// One DuckDB instance that all work of a kind in a process shares, opened at its first use: loading the extensions takes
/// its time, and one instance has one limit of memory.
///
/// Whoever attaches something to it uses a name of its own (`DuckAlias`) and detaches it.
package actor SharedDuckDB {
    private let open: @Sendable () async throws -> DuckDatabase
    private var opening: Task<DuckDatabase, any Error>?

    /// - Parameter open: makes an instance.
    package init(_ open: @escaping @Sendable () async throws -> DuckDatabase) { self.open = open }

    /// The instance; a new one if the last was invalidated by a fatal error.
    /// - Throws: `missingDependency`.
    package func database() async throws -> DuckDatabase {
        if let opening, let database = try? await opening.value, await isAlive(database) { return database }
        let task = Task { [open] in try await open() }
        opening = task
        return try await task.value
    }

    /// Lets go of the instance, and with it of all its memory once nobody works on it; the next use opens a new one.
    package func rest() {
        opening = nil
        weir_release_freed_memory()
    }

    private func isAlive(_ database: DuckDatabase) async -> Bool {
        // In a task of its own: a caller that is cancelled says nothing about the instance.
        await Task { (try? await database.connect().execute("SELECT 1")) != nil }.value
    }
}

/// Opens DuckDB when it is needed; a process without DuckDB throws here.
package typealias DuckOpener = @Sendable () async throws -> DuckDatabase

/// Names for attached databases that no other work of the process has.
package enum DuckAlias {
    package static func unique(_ purpose: String) -> String {
        var generator = SystemRandomNumberGenerator()
        return "\(purpose)_\(String(generator.next(), radix: 36))"
    }
}
