import Foundation
import Kernel
package import Warehousing

/// What the server asks of a query engine, as JSON over its unix socket. It carries secrets and stays on the machine.
package struct EngineRequest: Sendable, Codable {
    /// One DuckDB instance is kept per name; it is made anew when `attach` or `folders` change.
    package var warehouse: String
    package var attach: [String]
    package var folders: [String]
    package var database: String
    package var sql: String
    package var format: EngineFormat
    /// Most rows of a `rows` answer; the others give all.
    package var limit: Int
    /// Seconds until the query is stopped, queueing included.
    package var deadline: Double

    package init(
        warehouse: String, target: ReadingTarget, sql: String, format: EngineFormat, limit: Int, deadline: Double
    ) {
        self.warehouse = warehouse
        attach = target.attach.map { $0.reveal() }
        folders = target.folders
        database = target.database
        self.sql = sql
        self.format = format
        self.limit = limit
        self.deadline = deadline
    }
}

package enum EngineFormat: String, Sendable, Codable {
    /// Columns and cells.
    case json
    /// RFC 4180 with a header; null is empty, an empty text is `""`.
    case csv
    case parquet
}

package struct EngineColumn: Sendable, Codable, Hashable {
    package var name: String
    /// DuckDB's name of the type.
    package var type: String

    package init(name: String, type: String) {
        self.name = name
        self.type = type
    }
}

/// A value that JSON carries without loss: integers beyond 2^53, decimals and what is no finite number are texts.
package enum EngineCell: Sendable, Hashable {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case text(String)
}

/// Columns and rows of a query.
package struct EngineTable: Sendable {
    package var columns: [EngineColumn]
    package var rows: [[EngineCell]]
    /// Whether there were more rows than the limit.
    package var truncated: Bool
    /// From the engine's start of the query to its last row.
    package var seconds: Double

    package init(columns: [EngineColumn], rows: [[EngineCell]], truncated: Bool, seconds: Double) {
        self.columns = columns
        self.rows = rows
        self.truncated = truncated
        self.seconds = seconds
    }
}

/// How a query engine is.
package struct EngineHealth: Sendable, Codable {
    package var version: String
    package var running: Int
    package var waiting: Int
    package var warehouses: Int
    /// Bytes that count against the process's hard limit, and that limit; 0 where there is none.
    package var memory: Int
    package var memoryLimit: Int

    package init(version: String, running: Int, waiting: Int, warehouses: Int, memory: Int, memoryLimit: Int) {
        self.version = version
        self.running = running
        self.waiting = waiting
        self.warehouses = warehouses
        self.memory = memory
        self.memoryLimit = memoryLimit
    }
}

/// One piece of an answer: a byte for its kind, four for its length (big-endian), then its content. An answer is
/// `columns`, then `rows` or `bytes`, then `end`; a `problem` may come instead of any of them and is the last.
enum EngineFrame: Sendable {
    case columns([EngineColumn])
    /// Rows as `CellCoding` writes them.
    case rows([UInt8])
    /// A piece of CSV or Parquet.
    case bytes([UInt8])
    case end(End)
    case problem(Problem)

    struct End: Sendable, Codable {
        var truncated: Bool
        var seconds: Double
    }

    private struct Trouble: Codable {
        var code: Problem.Code
        var detail: String
        var hint: String?
    }

    /// A frame is never longer; the reader refuses what claims to be.
    static let longest = 64 << 20

    func encoded() -> [UInt8] {
        switch self {
        case .columns(let columns): framed(0x43, json(columns))
        case .rows(let content): framed(0x52, content)
        case .bytes(let content): framed(0x42, content)
        case .end(let end): framed(0x45, json(end))
        case .problem(let problem):
            framed(0x50, json(Trouble(code: problem.code, detail: problem.detail, hint: problem.hint)))
        }
    }

    private func framed(_ kind: UInt8, _ content: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(content.count + 5)
        bytes.append(kind)
        withUnsafeBytes(of: UInt32(content.count).bigEndian) { bytes.append(contentsOf: $0) }
        bytes += content
        return bytes
    }

    private func json(_ value: some Encodable) -> [UInt8] {
        // Strings and finite numbers always encode.
        (try? JSONEncoder().encode(value)).map { Array($0) } ?? []
    }

    /// Takes the first whole frame off `buffer`; nil if there is none yet.
    /// - Throws: `internal` if it is no frame.
    static func take(from buffer: inout ArraySlice<UInt8>) throws -> EngineFrame? {
        guard buffer.count >= 5 else { return nil }
        let start = buffer.startIndex
        let length = buffer[(start + 1)..<(start + 5)].reduce(0) { $0 << 8 | Int($1) }
        guard length <= longest else { throw unreadable }
        guard buffer.count >= 5 + length else { return nil }
        let kind = buffer[start]
        let content = Array(buffer[(start + 5)..<(start + 5 + length)])
        buffer = buffer[(start + 5 + length)...]
        let decoder = JSONDecoder()
        switch kind {
        case 0x43: return .columns(try decoder.decode([EngineColumn].self, from: Data(content)))
        case 0x52: return .rows(content)
        case 0x42: return .bytes(content)
        case 0x45: return .end(try decoder.decode(End.self, from: Data(content)))
        case 0x50:
            let trouble = try decoder.decode(Trouble.self, from: Data(content))
            return .problem(Problem(trouble.code, trouble.detail, hint: trouble.hint))
        default: throw unreadable
        }
    }

    private static let unreadable = Problem(.internal, "The query engine gave an answer that cannot be read.")
}
