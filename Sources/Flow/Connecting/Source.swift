package import Kernel

/// A system to read from. One value stands for one configured source; it holds no open connection.
package protocol Source: Sendable {
    /// Signs in and says what is there. Reads nothing of the data.
    /// - Throws: `Problem` with `sourceUnreachable`, `sourceCredentials`, `sourceMissing`.
    func check() async throws -> SourceIdentity

    /// All streams that this sign-in can see, sorted by name, also those it may not read.
    /// - Throws: as `check`, and `sourceInterrupted`.
    func discover() async throws -> [DiscoveredStream]

    /// Opens one consistent snapshot of the source: every read through it sees the same moment.
    /// Close it in every case. It does not outlive this process.
    /// - Parameters:
    ///   - streams: those that will be read. Where the source can, it keeps them as they are until the snapshot closes.
    ///   - parallelism: how many reads may go on at once.
    /// - Throws: as `discover`.
    func openSnapshot(of streams: [SourceStream], parallelism: Int) async throws -> any SourceSnapshot
}

extension Source {
    /// A snapshot in which no stream is held as it is.
    package func openSnapshot(parallelism: Int) async throws -> any SourceSnapshot {
        try await openSnapshot(of: [], parallelism: parallelism)
    }
}

package struct SourceIdentity: Sendable, Codable {
    /// `PostgreSQL 15.18`.
    package var product: String
    /// The database's name: the default name of the source.
    package var database: String

    package init(product: String, database: String) {
        self.product = product
        self.database = database
    }
}

/// A stream and whether it can be cloned.
package struct DiscoveredStream: Sendable, Codable {
    package var stream: SourceStream
    /// Why it cannot be read: no permission, row-level security, a type that is refused. Nil if it can.
    package var refusal: StreamFailure?

    package init(stream: SourceStream, refusal: StreamFailure? = nil) {
        self.stream = stream
        self.refusal = refusal
    }
}

/// Why one stream failed, in a form that can be stored.
package struct StreamFailure: Sendable, Codable, Hashable {
    package var code: Problem.Code
    package var detail: String
    package var hint: String?

    package init(_ problem: Problem) {
        code = problem.code
        detail = problem.detail
        hint = problem.hint
    }

    package var problem: Problem { Problem(code, detail, hint: hint) }
}

/// One moment of a source. Methods may be called at once from several tasks, up to the `parallelism` it was opened with.
package protocol SourceSnapshot: Sendable {
    /// Where in the source's history this moment is, as the source says it (for PostgreSQL its WAL position).
    var position: SourcePosition { get }

    /// Counts the rows of a stream at this moment, apart from how they are read.
    /// - Throws: `sourcePermission`, `sourceInterrupted`, `cancelled`.
    func count(_ stream: SourceStream) async throws -> Int64

    /// Divides a stream into parts that can be read apart from each other and together hold every row once.
    func parts(of stream: SourceStream) async throws -> [StreamPart]

    /// Reads one part into one new Parquet file, with field ids 1, 2, 3… in the order of `stream.columns`.
    /// Memory stays bounded whatever the part's size. A part without rows still makes a file.
    /// - Throws: as `count`, and `diskFull`, `sourceChanged`; `ColumnNeedsText` when a column's values do not fit its
    ///   carried type. What was written by then is left for the caller to remove.
    func write(_ part: StreamPart, of stream: SourceStream, to file: ParquetTarget) async throws -> WrittenFile

    /// Ends it and closes its connections. Never fails; a second call does nothing.
    func close() async
}

package struct SourcePosition: Sendable, Codable, Hashable {
    /// `0/16B3748`.
    package var position: String
    /// RFC 3339, the source's clock.
    package var takenAt: String

    package init(position: String, takenAt: String) {
        self.position = position
        self.takenAt = takenAt
    }
}

/// A value such as `NaN` in a `numeric(10,2)`: read the stream again with this column carried as text.
package struct ColumnNeedsText: Error, Sendable {
    package let column: String

    package init(column: String) { self.column = column }
}

/// A part of a stream. The connector that made it knows what `range` means.
package struct StreamPart: Sendable, Hashable {
    package var number: Int
    package var range: Range<Int64>?
    /// How many parts there are.
    package var of: Int

    package init(number: Int, of: Int, range: Range<Int64>?) {
        self.number = number
        self.of = of
        self.range = range
    }
}

/// Where and how a Parquet file is written.
package struct ParquetTarget: Sendable {
    /// An absolute path in an existing folder; no file is there.
    package var path: String
    /// 16, 24 or 32 bytes.
    package var key: Secret<[UInt8]>

    package init(path: String, key: Secret<[UInt8]>) {
        self.path = path
        self.key = key
    }
}

/// A Parquet file as its writer knows it.
package struct WrittenFile: Sendable, Codable, Hashable {
    package var rows: Int64
    /// Size of the whole file and of its footer, in bytes.
    package var bytes: Int64
    package var footerBytes: Int64
    /// By column, in the order of the stream's columns.
    package var statistics: [ColumnStatistics]

    package init(rows: Int64, bytes: Int64, footerBytes: Int64, statistics: [ColumnStatistics]) {
        self.rows = rows
        self.bytes = bytes
        self.footerBytes = footerBytes
        self.statistics = statistics
    }
}

package struct ColumnStatistics: Sendable, Codable, Hashable {
    /// Bytes of the column in the file.
    package var bytes: Int64
    package var nulls: Int64
    /// Smallest and largest value as DuckDB prints them; nil where there is none, or where it would show a person's data
    /// (text and bytes) in the catalogue, which is not encrypted.
    package var minimum: String?
    package var maximum: String?
    /// For floating-point columns only.
    package var hasNaN: Bool?

    package init(bytes: Int64, nulls: Int64, minimum: String?, maximum: String?, hasNaN: Bool?) {
        self.bytes = bytes
        self.nulls = nulls
        self.minimum = minimum
        self.maximum = maximum
        self.hasNaN = hasNaN
    }
}
