import Foundation
import Kernel
import Testing

@testable import Telemetry

@Suite("Protobuf and trace messages")
struct ProtobufTests {
    private func bytes(_ write: (inout ProtobufWriter) -> Void) -> [UInt8] {
        var writer = ProtobufWriter()
        write(&writer)
        return writer.bytes
    }

    @Test("values have the bytes that protobuf's documentation gives for them")
    func documented() {
        #expect(bytes { $0.varint(1, 150) } == [0x08, 0x96, 0x01])
        #expect(bytes { $0.text(2, "testing") } == [0x12, 0x07] + Array("testing".utf8))
        #expect(bytes { $0.message(3) { $0.varint(1, 150) } } == [0x1A, 0x03, 0x08, 0x96, 0x01])
        #expect(bytes { $0.varint(1, -2) } == [0x08, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01])
    }

    @Test("fixed numbers are little-endian, and field numbers above 15 take two bytes")
    func fixed() {
        #expect(bytes { $0.fixed64(1, 0x0102_0304_0506_0708) } == [0x09, 8, 7, 6, 5, 4, 3, 2, 1])
        #expect(bytes { $0.fixed32(16, 1) } == [0x85, 0x01, 1, 0, 0, 0])
    }

    @Test("defaults are left out, but not messages")
    func defaults() {
        #expect(
            bytes { writer in
                writer.varint(1, 0)
                writer.text(2, "")
                writer.fixed64(3, 0)
                writer.message(4) { _ in }
            } == [0x22, 0x00])
    }

    @Test("the largest number takes ten bytes")
    func largest() {
        #expect(bytes { $0.varint(1, UInt64.max) } == [0x08] + Array(repeating: 0xFF, count: 9) + [0x01])
    }

    @Test("a span carries its ids as bytes, the higher ones first")
    func ids() throws {
        let trace = try #require(UUID(uuidString: "0af76519-16cd-43dd-8448-eb211c80319c"))
        let span = Span(
            name: "job load", role: .consumer, context: TraceContext(trace: trace, span: 0xB7AD_6B71_6920_3331),
            parent: 1, began: Date(timeIntervalSince1970: 1), ended: Date(timeIntervalSince1970: 2),
            attributes: ["kind": "load"], problem: .busy)
        let message = TraceMessage.encode([span], resource: [:], version: "1")
        let traceField: [UInt8] = [
            0x0A, 16, 0x0A, 0xF7, 0x65, 0x19, 0x16, 0xCD, 0x43, 0xDD, 0x84, 0x48, 0xEB, 0x21, 0x1C, 0x80, 0x31, 0x9C,
        ]
        let spanField: [UInt8] = [0x12, 8, 0xB7, 0xAD, 0x6B, 0x71, 0x69, 0x20, 0x33, 0x31]
        #expect(contains(message, traceField + spanField + [0x22, 8, 0, 0, 0, 0, 0, 0, 0, 1]))
        #expect(contains(message, Array("error.type".utf8)))
        // kind = SPAN_KIND_CONSUMER; status.code = STATUS_CODE_ERROR
        #expect(contains(message, [0x30, 5]))
        #expect(contains(message, [0x18, 2]))
    }

    private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        bytes.indices.contains { bytes[$0...].starts(with: part) }
    }
}
