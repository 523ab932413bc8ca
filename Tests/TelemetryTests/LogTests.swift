import Foundation
import Kernel
import Logging
import Synchronization
import Testing

@testable import Telemetry

/// Keeps the lines that a logger writes.
final class Paper: Sendable {
    private let written = Mutex<[String]>([])

    var lines: [String] { written.withLock { $0 } }

    func logger(_ format: LogSettings.Format, label: String = "weir.worker") -> Logger {
        Logger(label: label) { [self] label in
            LogSettings(format: format, level: .info).handler(label: label) { line in
                self.written.withLock { $0.append(line) }
            }
        }
    }

    func object() throws -> [String: Any] {
        let line = try #require(lines.last)
        #expect(line.hasSuffix("\n"))
        return try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
}

@Suite("Log lines")
struct LogTests {
    private let paper = Paper()
    private let job = TimeSource.system.makeID(JobTag.self)

    @Test("a JSON line holds time, level, part, message and the ids of its trace")
    func members() throws {
        let context = TraceContext.begin()
        TraceContext.$current.withValue(context) {
            ObservationLog(logger: paper.logger(.json)).observe(
                .jobClaimed(job: job, kind: "load", attempt: 2, waited: 0.0126))
        }
        let object = try paper.object()
        #expect(object["level"] as? String == "info")
        #expect(object["part"] as? String == "worker")
        #expect(object["message"] as? String == "job \(job) (load) claimed, attempt 2")
        #expect(object["correlation_id"] as? String == context.correlation)
        #expect(object["span_id"] as? String == TraceContext.hex(context.span))
        #expect(object["job_id"] as? String == job.description)
        #expect(object["attempt"] as? Int == 2)
        #expect(object["waited_seconds"] as? Double == 0.013)
        let time = try #require(object["time"] as? String)
        #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil)
    }

    @Test("any text is one line of valid JSON")
    func escaping() throws {
        let text = "a\"b\\c\nd\re\tf\u{0}g\u{1F}h\u{2028}\"\u{301}ü😀"
        paper.logger(.json).info("\(text)", metadata: ["list": ["\(text)", .dictionary(["inner": "\(text)"])]])
        #expect(paper.lines[0].unicodeScalars.count { $0 == "\n" } == 1)
        let object = try paper.object()
        #expect(object["message"] as? String == text)
        let list = try #require(object["list"] as? [Any])
        #expect(list[0] as? String == text)
        #expect((list[1] as? [String: Any])?["inner"] as? String == text)
    }

    @Test("a line's metadata cannot take the place of what every line has")
    func shadowing() throws {
        paper.logger(.json).info("real", metadata: ["message": "other", "level": "none"])
        let object = try paper.object()
        #expect(object["message"] as? String == "real")
        #expect(object["level"] as? String == "info")
    }

    @Test("causes are redacted, in both formats", arguments: LogSettings.Format.allCases)
    func redaction(format: LogSettings.Format) {
        struct Cause: Error, CustomStringConvertible {
            let description = "connect to postgresql://admin:hunter2@db:5432/shop failed; password='hun\\'ter3' x"
        }
        let problem = Problem(.internal, "Something broke.", cause: Cause())
        ObservationLog(logger: paper.logger(format)).observe(.partFailed(part: "worker", problem: problem))
        #expect(paper.lines[0].contains("postgresql://admin:•••@db"))
        #expect(!paper.lines[0].contains("hunter2") && !paper.lines[0].contains("ter3"))
    }

    @Test("a line for people says nothing twice")
    func text() {
        let log = ObservationLog(logger: paper.logger(.text))
        log.observe(.jobClaimed(job: job, kind: "load", attempt: 1, waited: 0.3))
        #expect(paper.lines[0].hasSuffix(" info weir.worker: job \(job) (load) claimed, attempt 1\n"))
        log.observe(.jobFinished(job: job, kind: "load", seconds: 1.25))
        #expect(paper.lines[1].hasSuffix(" info weir.worker: job \(job) (load) done in 1.25 s\n"))
    }

    @Test("only slow requests are worth a line")
    func slow() throws {
        let log = ObservationLog(logger: paper.logger(.json))
        log.observe(.requestServed(method: "GET", route: "/runs", status: 200, seconds: 4.9))
        #expect(paper.lines.isEmpty)
        log.observe(.requestServed(method: "GET", route: "/runs", status: 200, seconds: 5.1))
        #expect(try paper.object()["route"] as? String == "/runs")
    }

    @Test("settings are read, and what they do not know is refused")
    func settings() throws {
        #expect(try LogSettings(format: nil, level: nil) == LogSettings(format: .text, level: .info))
        #expect(try LogSettings(format: "JSON", level: "debug") == LogSettings(format: .json, level: .debug))
        #expect(throws: Problem.self) { try LogSettings(format: "xml", level: nil) }
        #expect(throws: Problem.self) { try LogSettings(format: nil, level: "loud") }
    }
}
