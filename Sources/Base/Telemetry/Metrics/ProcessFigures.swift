import Foundation

/// What the system knows of this process, under the names that all Prometheus clients use ("Writing client libraries",
/// "Process metrics"). Read from `/proc` (proc(5)).
package enum ProcessFigures {
    package static let cpu = MetricFamily(
        "process_cpu_seconds_total", .counter, "Total user and system CPU time spent in seconds.")
    package static let resident = MetricFamily(
        "process_resident_memory_bytes", .gauge, "Resident memory size in bytes.")
    package static let virtual = MetricFamily("process_virtual_memory_bytes", .gauge, "Virtual memory size in bytes.")
    package static let openFiles = MetricFamily("process_open_fds", .gauge, "Number of open file descriptors.")
    package static let mostFiles = MetricFamily("process_max_fds", .gauge, "Maximum number of open file descriptors.")
    package static let start = MetricFamily(
        "process_start_time_seconds", .gauge, "Start time of the process since unix epoch in seconds.")

    /// What can be read of them now.
    package static func snapshots() -> [MetricSnapshot] {
        var figures: [(MetricFamily, Double)] = []
        if let status = Status.read() {
            figures = [
                (cpu, status.cpuSeconds), (resident, status.residentBytes), (virtual, status.virtualBytes),
                (start, status.startSeconds),
            ]
        }
        if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count {
            // One of them is the listing's own.
            figures.append((openFiles, Double(open - 1)))
        }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            figures.append((mostFiles, Double(limit.rlim_cur)))
        }
        return figures.map { family, value in MetricSnapshot(family, [family.point([], value)]) }
    }

    private struct Status {
        let cpuSeconds: Double
        let residentBytes: Double
        let virtualBytes: Double
        let startSeconds: Double

        /// Fields of `/proc/self/stat`, counted from after the name in brackets, which may hold anything: 11 utime,
        /// 12 stime, 19 starttime, 20 vsize, 21 rss.
        static func read() -> Status? {
            guard let text = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
                let name = text.lastIndex(of: ")"), let boot = bootSeconds()
            else { return nil }
            let fields = text[text.index(after: name)...].split(whereSeparator: \.isWhitespace).map { Double($0) ?? 0 }
            guard fields.count > 21 else { return nil }
            let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
            return Status(
                cpuSeconds: (fields[11] + fields[12]) / ticks,
                residentBytes: fields[21] * Double(sysconf(Int32(_SC_PAGESIZE))),
                virtualBytes: fields[20], startSeconds: boot + fields[19] / ticks)
        }

        private static func bootSeconds() -> Double? {
            guard let text = try? String(contentsOfFile: "/proc/stat", encoding: .utf8) else { return nil }
            return text.split(separator: "\n").first { $0.hasPrefix("btime ") }.flatMap { Double($0.dropFirst(6)) }
        }
    }
}
