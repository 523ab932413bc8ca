import Foundation
import Jobs
import Kernel
import Wire

/// A notice as people and programs read it.
struct NoticeText: Sendable {
    private let notice: Notice
    private let organization: String
    /// Where the run's page is; nil if there is none, or nobody knows where the server is.
    private let link: String?

    /// - Parameter server: the address that people reach the server at.
    init(_ notice: Notice, organization: String, server: String?) {
        self.notice = notice
        self.organization = organization
        link = server.flatMap { server in notice.run.map { "\(server)/runs/\($0)" } }
    }

    var subject: String { "[\(organization)] \(notice.title)" }

    var plain: String {
        let body = notice.body
        var lines = ["\(notice.title).", ""]
        if let problem = body.problem, notice.event == .failure {
            lines += [problem.detail]
            if let hint = problem.hint { lines += [hint] }
            lines += [""]
        }
        if let note = body.note { lines += [note, ""] }
        if let minutes = body.freshWithinMinutes {
            let wanted = ScheduleTrigger.every(minutes: minutes).words.replacing("every ", with: "")
            lines += [
                "What is in the warehouse is to be at most \(wanted) old.",
                body.freshAt.map { "It was taken from the source at \($0)." } ?? "Nothing has been loaded yet.", "",
            ]
        }
        if let state = body.state { lines += ["State: \(state)"] }
        lines += ["When: \(notice.at.rfc3339)"]
        if let link { lines += ["Run: \(link)"] }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Standard Webhooks, "Payload structure": type, timestamp, data.
    func json() throws -> Data {
        let payload = Payload(
            type: Self.types[notice.event] ?? notice.event.rawValue, timestamp: notice.at.rfc3339,
            data: Payload.Content(
                title: notice.title, organization: organization, environment: notice.environment,
                source: notice.source, runID: notice.run?.description, runURL: link, state: notice.body.state,
                problem: notice.body.problem, note: notice.body.note, table: notice.body.table,
                freshWithinMinutes: notice.body.freshWithinMinutes, freshAt: notice.body.freshAt))
        return try WireJSON.encode(payload)
    }

    private static let types: [NoticeEvent: String] = [
        .failure: "run.failed", .recovery: "pipeline.recovered", .late: "pipeline.late", .fresh: "pipeline.fresh",
        .test: "test",
    ]

    private struct Payload: Encodable {
        let type: String
        let timestamp: String
        let data: Content

        struct Content: Encodable {
            let title: String
            let organization: String
            let environment: String?
            let source: String?
            let runID: String?
            let runURL: String?
            let state: String?
            let problem: StoredProblem?
            let note: String?
            let table: String?
            let freshWithinMinutes: Int?
            let freshAt: String?
        }
    }
}
