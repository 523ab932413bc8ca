import Foundation
import Glibc
import Kernel
import Synchronization

/// Random ids for requests, from a supply that the kernel fills for ten at a time: asking it for each of them was a part
/// of what a request costs that could be measured. No byte is used twice.
final class TraceIDs: Sendable {
    private struct Supply {
        /// `getentropy(3)` gives at most 256 at once.
        var bytes = [UInt8](repeating: 0, count: 240)
        var used = 240
    }

    private let supply = Mutex(Supply())

    /// A trace that begins, whose id is a UUID of version 4 (RFC 9562, section 5.4).
    func begin() -> TraceContext {
        var (trace, span): (uuid_t, UInt64) = take()
        withUnsafeMutableBytes(of: &trace) { bytes in
            bytes[6] = bytes[6] & 0x0F | 0x40
            bytes[8] = bytes[8] & 0x3F | 0x80
        }
        return TraceContext(trace: UUID(uuid: trace), span: span)
    }

    private func take() -> (uuid_t, UInt64) {
        supply.withLock { supply in
            if supply.used + 24 > supply.bytes.count {
                let status = supply.bytes.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) }
                precondition(status == 0, "The kernel gives no random bytes: \(errno)")
                supply.used = 0
            }
            defer { supply.used += 24 }
            return supply.bytes.withUnsafeBytes { bytes in
                (
                    bytes.loadUnaligned(fromByteOffset: supply.used, as: uuid_t.self),
                    bytes.loadUnaligned(fromByteOffset: supply.used + 16, as: UInt64.self)
                )
            }
        }
    }
}
