import Foundation

/// dbt's structured log (`--log-format json`: one event per line, `info` and `data`) and its `run_results.json`.
struct DbtLog {
    private(set) var warnings: [String] = []
    private(set) var errors: [String] = []
    let redaction: Redaction

    init(redaction: Redaction) { self.redaction = redaction }

    private struct Event: Decodable {
        struct Info: Decodable {
            var level: String
            var msg: String
            var name: String
        }
        struct Node: Decodable {
            var nodeName: String
            var resourceType: String
            var nodeStatus: String
        }
        struct Data: Decodable {
            var nodeInfo: Node?
            var index: Int?
            var total: Int?
            var numModels: Int?
            var status: String?
        }
        var info: Info
        var data: Data?
    }

    /// Takes one line in.
    /// - Returns: the node that it says is done, if it says so.
    mutating func take(_ line: String) -> BuildProgress? {
        guard let event = try? DbtJSON.decoder.decode(Event.self, from: Data(line.utf8)) else {
            // What Python itself prints, a traceback for one.
            let text = redaction.line(line)
            if !text.isEmpty { errors.append(text) }
            return nil
        }
        switch event.info.level {
        // What a node's end says, in three lines, stands in the run's results in one.
        case "warn" where event.info.name != "LogTestResult" && !event.info.name.hasPrefix("RunResult"):
            warnings.append(redaction.line(event.info.msg))
        case "error": errors.append(redaction.line(event.info.msg))
        default: break
        }
        guard let data = event.data, let node = data.nodeInfo, let index = data.index,
            let total = data.total ?? data.numModels, event.info.name != "LogStartLine"
        else { return nil }
        return BuildProgress(
            finished: index, of: total, node: node.nodeName, kind: node.resourceType,
            status: data.status?.lowercased() ?? node.nodeStatus)
    }
}

/// dbt's JSON has names in snake_case.
enum DbtJSON {
    static var decoder: JSONDecoder {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return decoder
    }
}

/// `target/run_results.json`, <https://schemas.getdbt.com/dbt/run-results/v6.json>.
struct RunResults: Decodable {
    struct Result: Decodable {
        var uniqueId: String
        var status: String
        var message: String?
    }

    var results: [Result]
    var elapsedTime: Double

    func buildResult(warnings: [String], redaction: Redaction) -> BuildResult {
        var build = BuildResult(
            modelsBuilt: 0, testsPassed: 0, testsFailed: 0, failures: [], skipped: 0, warnings: warnings,
            seconds: elapsedTime)
        for result in results {
            let parts = result.uniqueId.split(separator: ".")
            let kind = parts.first.map(String.init) ?? "node"
            let isTest = kind == "test" || kind == "unit_test"
            let node = parts.count > 2 ? String(parts[2]) : result.uniqueId
            switch result.status {
            case "success", "pass", "warn":
                if result.status == "warn" {
                    build.warnings.append("\(node): \(redaction.line(result.message ?? result.status))")
                }
                if isTest { build.testsPassed += 1 } else if kind == "model" { build.modelsBuilt += 1 }
            case "skipped", "no-op": build.skipped += result.status == "skipped" ? 1 : 0
            default:
                if isTest { build.testsFailed += 1 }
                build.failures.append(
                    .init(
                        node: node, kind: kind, message: redaction.line(result.message ?? result.status)))
            }
        }
        return build
    }
}

/// Takes secrets out of what a child process says and puts it in one line.
struct Redaction: Sendable {
    private let secrets: [String]

    /// Values that are too short to be secrets (a port, a database's name) stay.
    init(_ values: [String]) {
        secrets = values.filter { $0.count >= 6 }.sorted { $0.count > $1.count }
    }

    func line(_ text: String) -> String {
        var clean = text.replacing(/\u{1B}\[[0-9;]*m/, with: "")
        for secret in secrets { clean = clean.replacing(secret, with: "•••") }
        clean = clean.replacing(
            /(password|passwd|secret|token|encryption_key)\s*[=:]\s*('[^']*'|"[^"]*"|[^\s,;)]+)/.ignoresCase()
        ) {
            "\($0.output.1)=•••"
        }
        clean = clean.replacing(/(\w+:\/\/[^\s:\/@]+):[^\s@]+@/) { "\($0.output.1):•••@" }
        let line = clean.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return line.count > 600 ? line.prefix(600) + "…" : line
    }
}
