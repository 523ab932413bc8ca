import Foundation
import Kernel

/// libFuzzer's entry (LLVM documentation, "libFuzzer", "Fuzz Target"): a cron expression and its firings.
@_cdecl("LLVMFuzzerTestOneInput")
public func tryCron(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let text = String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    guard let cron = try? CronExpression(text) else { return 0 }
    precondition((try? CronExpression(cron.description)) == cron, "it does not read itself back")
    if let zone = TimeZone(identifier: "Europe/Berlin") {
        let now = Date(timeIntervalSince1970: 1_795_000_000)
        if let next = cron.next(after: now, in: zone) { precondition(next > now, "it fires in the past") }
    }
    return 0
}
