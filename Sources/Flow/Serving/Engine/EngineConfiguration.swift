package import DuckDB

/// How a query engine's process is set up.
package struct EngineConfiguration: Sendable {
    /// The unix socket it listens on; readable by its own user alone.
    package var socket: String
    /// A folder of its own for spilled rows (encrypted) and Parquet pipes. It is emptied at the start.
    package var folder: String
    package var duckDB: DuckEnvironment
    /// DuckDB's own limit per warehouse, mebibytes.
    package var memory = 512
    /// What the process may take beyond what it has at its start and `memory`, mebibytes, before allocations fail.
    package var headroom = 768
    /// Most bytes of spilled rows per warehouse, mebibytes; 0 turns spilling off.
    package var spill = 4096
    package var threads = 2
    /// Queries that run at once, in all and per warehouse.
    package var concurrent = 4
    package var concurrentPerWarehouse = 2
    /// Queries that may wait.
    package var waiting = 64
    /// Warehouses that are kept open, and for how many seconds without a query.
    package var warehouses = 4
    package var idle: Double = 600
    /// Seconds that a query has to stop once it was told to, before the process gives up.
    package var grace: Double = 5

    package init(socket: String, folder: String, duckDB: DuckEnvironment) {
        self.socket = socket
        self.folder = folder
        self.duckDB = duckDB
    }
}
