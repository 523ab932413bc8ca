/// Writes messages in protobuf's binary form ("Encoding", protobuf.dev): a key (field number and wire type) before each
/// value. As proto3 wants it, a value that is the type's default is left out.
struct ProtobufWriter {
    private(set) var bytes: [UInt8] = []

    private enum WireType: UInt64 {
        case varint = 0
        case fixed64 = 1
        case lengthDelimited = 2
        case fixed32 = 5
    }

    /// `uint32`, `uint64`, `int64`, `bool` and enumerations.
    mutating func varint(_ field: UInt64, _ value: UInt64) {
        guard value != 0 else { return }
        key(field, .varint)
        raw(value)
    }

    /// `int64`: a negative number takes ten bytes.
    mutating func varint(_ field: UInt64, _ value: Int) {
        varint(field, UInt64(bitPattern: Int64(value)))
    }

    mutating func fixed64(_ field: UInt64, _ value: UInt64) {
        guard value != 0 else { return }
        key(field, .fixed64)
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }

    mutating func fixed32(_ field: UInt64, _ value: UInt32) {
        guard value != 0 else { return }
        key(field, .fixed32)
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }

    mutating func text(_ field: UInt64, _ value: String) { data(field, Array(value.utf8)) }

    mutating func data(_ field: UInt64, _ value: [UInt8]) {
        guard !value.isEmpty else { return }
        delimited(field, value)
    }

    /// A message inside this one; it is written even if it is empty.
    mutating func message(_ field: UInt64, _ body: (inout ProtobufWriter) -> Void) {
        var inner = ProtobufWriter()
        body(&inner)
        delimited(field, inner.bytes)
    }

    private mutating func delimited(_ field: UInt64, _ value: [UInt8]) {
        key(field, .lengthDelimited)
        raw(UInt64(value.count))
        bytes += value
    }

    private mutating func key(_ field: UInt64, _ type: WireType) { raw(field << 3 | type.rawValue) }

    /// Seven bits per byte, the lowest first; the eighth says that more follow.
    private mutating func raw(_ value: UInt64) {
        var rest = value
        while rest > 0x7F {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }
}
