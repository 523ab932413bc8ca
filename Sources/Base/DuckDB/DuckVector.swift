internal import CDuckDB

/// One column of a chunk, valid as long as the chunk is.
struct DuckVector {
    let type: DuckType
    private let data: UnsafeMutableRawPointer?
    private let validity: UnsafeMutablePointer<UInt64>?
    /// Elements of a list or array, fields of a struct, key and value of a map, members of a union.
    private let children: [DuckVector]

    init(library: DuckDBLibrary, type: DuckType, handle: weir_handle?) {
        let api = library.api
        self.type = type
        data = api.vector_get_data(handle)
        validity = api.vector_get_validity(handle)
        func vector(_ type: DuckType, _ handle: weir_handle?) -> DuckVector {
            DuckVector(library: library, type: type, handle: handle)
        }
        switch type.kind {
        case .list(let child):
            children = [vector(child, api.list_vector_get_child(handle))]
        case .array(let child, _):
            children = [vector(child, api.array_vector_get_child(handle))]
        case .map(let key, let value):
            // A list of structs of two fields.
            let entries = api.list_vector_get_child(handle)
            children = [
                vector(key, api.struct_vector_get_child(entries, 0)),
                vector(value, api.struct_vector_get_child(entries, 1)),
            ]
        case .structure(let fields):
            children = fields.indices.map { index in
                vector(fields[index].type, api.struct_vector_get_child(handle, weir_idx(index)))
            }
        case .union(let fields):
            // A struct whose first field is the tag.
            children = fields.indices.map { index in
                vector(fields[index].type, api.struct_vector_get_child(handle, weir_idx(index + 1)))
            }
            tags = api.vector_get_data(api.struct_vector_get_child(handle, 0))
            return
        default:
            children = []
        }
        tags = nil
    }

    /// Which member each value of a union is.
    private let tags: UnsafeMutableRawPointer?

    func isNull(at row: Int) -> Bool {
        if case .nothing = type.kind { return true }
        guard let validity else { return false }
        return validity[row / 64] & (1 << UInt64(row % 64)) == 0
    }

    func value(at row: Int) -> DuckValue {
        if isNull(at: row) { return .null }
        switch type.kind {
        case .boolean: return .bool(load(row, UInt8.self) != 0)
        case .signed(1): return .integer(Int64(load(row, Int8.self)))
        case .signed(2): return .integer(Int64(load(row, Int16.self)))
        case .signed(4): return .integer(Int64(load(row, Int32.self)))
        case .signed(8): return .integer(load(row, Int64.self))
        case .unsigned(1): return .integer(Int64(load(row, UInt8.self)))
        case .unsigned(2): return .integer(Int64(load(row, UInt16.self)))
        case .unsigned(4): return .integer(Int64(load(row, UInt32.self)))
        case .float: return .double(DuckText.widened(load(row, Float.self)))
        case .double: return .double(load(row, Double.self))
        case .text: return .text(String(decoding: string(at: row), as: UTF8.self))
        default:
            var bytes: [UInt8] = []
            appendText(at: row, to: &bytes)
            return .text(String(decoding: bytes, as: UTF8.self))
        }
    }

    /// Appends what `CAST(value AS VARCHAR)` gives; `NULL` for a null.
    func appendText(at row: Int, to bytes: inout [UInt8]) {
        if isNull(at: row) { return bytes.append(contentsOf: DuckText.null) }
        switch type.kind {
        case .boolean: DuckText.append(load(row, UInt8.self) != 0 ? "true" : "false", to: &bytes)
        case .signed(16): DuckText.append(hugeint(at: row), to: &bytes)
        case .signed(let width): DuckText.append(signed(at: row, width), to: &bytes)
        case .unsigned(16): DuckText.append(UInt128(bitPattern: hugeint(at: row)), to: &bytes)
        case .unsigned(let width): DuckText.append(unsigned(at: row, width), to: &bytes)
        case .float: DuckText.append(DuckText.widened(load(row, Float.self)), to: &bytes)
        case .double: DuckText.append(load(row, Double.self), to: &bytes)
        case .decimal(let digits, let scale, let width):
            let unscaled = width == 16 ? hugeint(at: row) : Int128(signed(at: row, width))
            DuckText.appendDecimal(unscaled, width: digits, scale: scale, to: &bytes)
        case .text: bytes.append(contentsOf: string(at: row))
        case .blob: DuckText.appendBlob(string(at: row), to: &bytes)
        case .bit: DuckText.appendBits(string(at: row), to: &bytes)
        case .bignum: DuckText.appendBignum(string(at: row), to: &bytes)
        case .uuid: DuckText.appendUUID(hugeint(at: row), to: &bytes)
        case .enumeration(let width, let labels): bytes.append(contentsOf: labels[Int(unsigned(at: row, width))])
        case .nothing, .opaque: bytes.append(contentsOf: DuckText.null)
        case .list, .array, .structure, .map, .union: appendNested(at: row, to: &bytes)
        default: appendMoment(at: row, to: &bytes)
        }
    }

    private func appendMoment(at row: Int, to bytes: inout [UInt8]) {
        switch type.kind {
        case .date:
            let days = load(row, Int32.self)
            if days == .max { return DuckText.append("infinity", to: &bytes) }
            if days == -.max { return DuckText.append("-infinity", to: &bytes) }
            DuckText.appendDate(Int64(days), to: &bytes)
        case .time: DuckText.appendTime(load(row, UInt64.self), ticks: 1_000_000, to: &bytes)
        case .timeNanoseconds: DuckText.appendTime(load(row, UInt64.self), ticks: 1_000_000_000, to: &bytes)
        case .timeWithZone: DuckText.appendTimeWithZone(load(row, UInt64.self), to: &bytes)
        case .timestamp(let ticks, let zoned):
            DuckText.appendTimestamp(load(row, Int64.self), ticks: ticks, zoned: zoned, to: &bytes)
        case .interval:
            let interval = load(row, weir_interval.self)
            DuckText.appendInterval(
                months: interval.months, days: interval.days, micros: interval.micros, to: &bytes)
        default: break
        }
    }

    private func appendNested(at row: Int, to bytes: inout [UInt8]) {
        switch type.kind {
        case .list:
            let entry = load(row, weir_list_entry.self)
            appendElements(Int(entry.offset)..<Int(entry.offset + entry.length), to: &bytes)
        case .array(_, let size):
            appendElements(row * size..<(row + 1) * size, to: &bytes)
        case .map:
            let entry = load(row, weir_list_entry.self)
            bytes.append(0x7B)
            for index in Int(entry.offset)..<Int(entry.offset + entry.length) {
                if index > Int(entry.offset) { DuckText.append(", ", to: &bytes) }
                children[0].appendInside(at: index, to: &bytes)
                bytes.append(0x3D)
                children[1].appendInside(at: index, to: &bytes)
            }
            bytes.append(0x7D)
        case .structure(let fields):
            let named = fields.contains { !$0.name.isEmpty }
            bytes.append(named ? 0x7B : 0x28)
            for (index, field) in fields.enumerated() {
                if index > 0 { DuckText.append(", ", to: &bytes) }
                if named {
                    DuckText.appendQuoted(Array(field.name.utf8), to: &bytes)
                    DuckText.append(": ", to: &bytes)
                }
                children[index].appendInside(at: row, to: &bytes)
            }
            bytes.append(named ? 0x7D : 0x29)
        case .union:
            let tag = Int(tags?.load(fromByteOffset: row, as: UInt8.self) ?? 0)
            if children.indices.contains(tag) { children[tag].appendText(at: row, to: &bytes) }
        default: break
        }
    }

    private func appendElements(_ range: Range<Int>, to bytes: inout [UInt8]) {
        bytes.append(0x5B)
        for index in range {
            if index > range.lowerBound { DuckText.append(", ", to: &bytes) }
            children[0].appendInside(at: index, to: &bytes)
        }
        bytes.append(0x5D)
    }

    /// Appends a value as it stands inside a list, struct or map: in quotes where it could be misread.
    private func appendInside(at row: Int, to bytes: inout [UInt8]) {
        let start = bytes.count
        appendText(at: row, to: &bytes)
        if !type.isNested, !isNull(at: row) { DuckText.quoteIfNeeded(from: start, in: &bytes) }
    }

    // Reading ---------------------------------------------------------------------------------------------------------

    @inline(__always)
    private func load<Value: BitwiseCopyable>(_ row: Int, _: Value.Type) -> Value {
        guard let data else { return Self.zeros.load(as: Value.self) }
        return data.load(fromByteOffset: row * MemoryLayout<Value>.stride, as: Value.self)
    }

    /// What a vector without data reads as: DuckDB gives none only where there are no values. Never written to.
    nonisolated(unsafe) private static let zeros: UnsafeRawPointer = {
        let bytes = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 16)
        bytes.initializeMemory(as: UInt8.self, repeating: 0, count: 16)
        return UnsafeRawPointer(bytes)
    }()

    private func signed(at row: Int, _ bytes: Int) -> Int64 {
        switch bytes {
        case 1: Int64(load(row, Int8.self))
        case 2: Int64(load(row, Int16.self))
        case 4: Int64(load(row, Int32.self))
        default: load(row, Int64.self)
        }
    }

    private func unsigned(at row: Int, _ bytes: Int) -> UInt64 {
        switch bytes {
        case 1: UInt64(load(row, UInt8.self))
        case 2: UInt64(load(row, UInt16.self))
        case 4: UInt64(load(row, UInt32.self))
        default: load(row, UInt64.self)
        }
    }

    /// DuckDB aligns 128-bit integers to 8 bytes only, so the halves are read one by one.
    private func hugeint(at row: Int) -> Int128 {
        let halves = load(row, weir_hugeint.self)
        return Int128(halves.upper) << 64 | Int128(halves.lower)
    }

    private func string(at row: Int) -> UnsafeRawBufferPointer {
        guard let data else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let entry = data.advanced(by: row * 16)
        let length = Int(entry.load(as: UInt32.self))
        let start =
            length <= 12
            ? UnsafeRawPointer(entry.advanced(by: 4))
            : UnsafeRawPointer(entry.load(fromByteOffset: 8, as: UnsafeMutableRawPointer.self))
        return UnsafeRawBufferPointer(start: start, count: length)
    }
}
