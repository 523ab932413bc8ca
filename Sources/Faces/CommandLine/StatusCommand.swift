import ArgumentParser
import Wire

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the health of each part, and what to do where it is not well.",
        discussion: "Exit status: 0 if all is well, 1 if a part is not or Weirhouse is not running.")

    @Flag(help: "Print JSON.")
    var json = false
    @OptionGroup var data: DataOptions

    func run() async throws {
        let client = data.client
        let report: HealthReport = try await client.get("/api/v1/status")
        if json {
            try Output.standardOutput.write(String(decoding: try WireJSON.encode(report), as: UTF8.self) + "\n")
        } else {
            let address = try client.folder.server().address
            try Output.standardOutput.write(
                HealthText(style: Output.standardOutput.style).text(of: report, at: address))
        }
        guard report.healthy else { throw ExitCode.failure }
    }
}

/// A health report for people.
struct HealthText {
    let style: Style

    func text(of report: HealthReport, at address: String) -> String {
        let width = report.parts.map(\.name.columns).max() ?? 0
        var lines = ["Weirhouse \(report.version) at \(address): \(report.healthy ? "well" : "not well")"]
        for part in report.parts {
            let word = part.healthy ? style.green("well    ") : style.red("not well")
            lines.append("\(part.name.padded(to: width))  \(word)  \(part.detail.withoutControls)")
            if let hint = part.hint, !part.healthy {
                lines.append(String(repeating: " ", count: width + 12) + hint.withoutControls)
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }
}
