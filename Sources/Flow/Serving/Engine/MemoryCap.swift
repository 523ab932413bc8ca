import Foundation
import Glibc

/// The hard limit of the process's memory, for allocations that DuckDB does not count.
///
/// RLIMIT_DATA rather than RLIMIT_AS: it counts private writable memory alone, not DuckDB's mapped code and files and
/// not the address space that allocators merely reserve. An allocation beyond it fails, which DuckDB reports as out of
/// memory. What an allocator once took it keeps, so a process that came near the limit is to be replaced.
struct MemoryCap: Sendable {
    /// Bytes that count now; 0 if unknown.
    static var used: Int {
        guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmData:") }),
            let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Int($0) })
        else { return 0 }
        return kilobytes * 1024
    }

    /// Bytes; 0 if there is none.
    let limit: Int
    private let base: Int

    /// Lets the process take so many bytes more than it has.
    /// - Parameter bytes: 0 sets no limit.
    init(allowing bytes: Int) {
        base = MemoryCap.used
        guard bytes > 0, base > 0 else {
            limit = 0
            return
        }
        limit = base + bytes
        var limits = rlimit(rlim_cur: rlim_t(limit), rlim_max: rlim_t(limit))
        setrlimit(__rlimit_resource_t(RLIMIT_DATA.rawValue), &limits)
    }

    /// Whether so little is left that the process should be replaced before the next query.
    var isNearlyReached: Bool {
        limit > 0 && MemoryCap.used - base > (limit - base) / 5 * 4
    }
}
