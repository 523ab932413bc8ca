import DuckDB
import Kernel

/// Cells in bytes between engine and server: a tag, then the value; little-endian.
enum CellCoding {
    private static let null: UInt8 = 0
    private static let no: UInt8 = 1
    private static let yes: UInt8 = 2
    private static let integer: UInt8 = 3
    private static let number: UInt8 = 4
    private static let text: UInt8 = 5

    /// The largest integer up to which a double, and so a reader of JSON, tells all integers apart.
    private static let exact: Int64 = 1 << 53

    static func append(_ batch: DuckBatch, row: Int, columns: Int, to bytes: inout [UInt8]) {
        for column in 0..<columns {
            switch batch.value(row: row, column: column) {
            case .null: bytes.append(null)
            case .bool(let value): bytes.append(value ? yes : no)
            case .integer(let value) where value.magnitude <= exact.magnitude:
                bytes.append(integer)
                withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
            case .double(let value) where value.isFinite:
                bytes.append(number)
                withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
            case let value:
                bytes.append(text)
                var content = value.string ?? ""
                content.withUTF8 { utf8 in
                    withUnsafeBytes(of: UInt32(utf8.count).littleEndian) { bytes.append(contentsOf: $0) }
                    bytes.append(contentsOf: utf8)
                }
            }
        }
    }

    /// All rows of one frame.
    /// - Throws: `internal` if the bytes end early.
    static func rows(in bytes: [UInt8], columns: Int) throws(Problem) -> [[EngineCell]] {
        var reader = Reader(bytes: bytes)
        var rows: [[EngineCell]] = []
        while !reader.isAtEnd, columns > 0 {
            var row: [EngineCell] = []
            row.reserveCapacity(columns)
            for _ in 0..<columns { row.append(try reader.cell()) }
            rows.append(row)
        }
        return rows
    }

    private struct Reader {
        let bytes: [UInt8]
        var position = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool { position >= bytes.count }

        mutating func cell() throws(Problem) -> EngineCell {
            switch try integer(UInt8.self) {
            case CellCoding.null: return .null
            case CellCoding.no: return .bool(false)
            case CellCoding.yes: return .bool(true)
            case CellCoding.integer: return .integer(try integer(Int64.self))
            case CellCoding.number: return .number(Double(bitPattern: try integer(UInt64.self)))
            default:
                let length = Int(try integer(UInt32.self))
                guard position + length <= bytes.count else { throw early }
                defer { position += length }
                return .text(String(decoding: bytes[position..<(position + length)], as: UTF8.self))
            }
        }

        private mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
            _: Value.Type
        ) throws(Problem) -> Value {
            let size = MemoryLayout<Value>.size
            guard position + size <= bytes.count else { throw early }
            defer { position += size }
            return Value(
                littleEndian: bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: Value.self) })
        }

        private var early: Problem { Problem(.internal, "The query engine gave an answer that ends early.") }
    }
}

/// Rows as RFC 4180 CSV: null is empty, an empty text is `""`.
enum CSVWriting {
    static func appendHeader(_ names: [String], to bytes: inout [UInt8]) {
        for (index, name) in names.enumerated() {
            if index > 0 { bytes.append(0x2C) }
            let start = bytes.count
            bytes.append(contentsOf: name.utf8)
            quoteIfNeeded(from: start, in: &bytes)
        }
        endLine(&bytes)
    }

    static func append(_ batch: DuckBatch, row: Int, columns: Int, to bytes: inout [UInt8]) {
        for column in 0..<columns {
            if column > 0 { bytes.append(0x2C) }
            guard !batch.isNull(row: row, column: column) else { continue }
            let start = bytes.count
            batch.appendText(row: row, column: column, to: &bytes)
            quoteIfNeeded(from: start, in: &bytes)
        }
        endLine(&bytes)
    }

    private static func endLine(_ bytes: inout [UInt8]) {
        bytes.append(0x0D)
        bytes.append(0x0A)
    }

    private static func quoteIfNeeded(from start: Int, in bytes: inout [UInt8]) {
        let field = bytes[start...]
        guard field.isEmpty || field.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) else {
            return
        }
        let content = Array(field)
        bytes.removeSubrange(start...)
        bytes.append(0x22)
        for byte in content {
            if byte == 0x22 { bytes.append(0x22) }
            bytes.append(byte)
        }
        bytes.append(0x22)
    }
}
