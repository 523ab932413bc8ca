import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// Who did what: searched, exported, verified.
struct AuditArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/audit", .auditRead) { visit in
            try await page(try AuditChoice(visit.call.query), visit)
        }
        entrance.get("/audit/lines/:sequence", .auditRead) { try await show($0) }
        entrance.post("/audit/verify", .auditRead) { try await verify($0) }
        entrance.post("/audit/export", .auditRead) { try await export($0) }
    }

    private func page(
        _ choice: AuditChoice, _ visit: Visit, verification: AuditVerificationNote? = nil
    ) async throws -> Response {
        let found: AuditPage
        var problem: Problem?
        do {
            found = try await console.operations.auditLines(choice.filter, as: visit.caller)
        } catch let wrong as Problem where wrong.code == .invalidInput {
            // A moment that is none, typed by a person: the form is shown again with it.
            found = AuditPage(lines: [], next: nil)
            problem = wrong
        }
        let head = try await console.operations.auditHead(of: choice.chain, as: visit.caller)
        let view = AuditView(
            found, choice: choice, head: head, isLocal: visit.caller.isLocal, now: console.time.now(),
            verification: verification, problem: problem)
        let status = HTTPResponse.Status(problem)
        return console.pages.page("audit", view, Heading("Audit", .audit), visit: visit, status: status)
    }

    private func show(_ visit: Visit) async throws -> Response {
        let chain = try AuditChoice(visit.call.query).chain
        guard let sequence = Int64(try visit.call.parameter("sequence")), sequence > 0 else {
            throw Problem(.notFound, "The audit has no such line.", hint: "See its lines under Audit.")
        }
        let line = try await console.operations.auditLine(sequence, of: chain, as: visit.caller)
        let view = AuditLineView(line, chain: chain, now: console.time.now())
        return console.pages.page("audit-line", view, Heading(view.title, .audit), visit: visit)
    }

    /// Of a GET a browser may ask on its own; this walks the whole chain.
    private func verify(_ visit: Visit) async throws -> Response {
        let form = try await visit.call.form()
        let choice = try AuditChoice(form)
        let found = try await console.operations.verifyAudit(
            of: choice.chain, since: form["since_head"], as: visit.caller)
        return try await page(choice, visit, verification: AuditVerificationNote(found))
    }

    private func export(_ visit: Visit) async throws -> Response {
        let form = try await visit.call.form()
        guard let format = form["format"].flatMap({ AuditFormat(rawValue: $0) }) else {
            throw Problem(.invalidInput, "There is no such format.", hint: "Export from the page Audit.")
        }
        let pieces = try await console.operations.exportAudit(
            try AuditChoice(form).filter, as: format, as: visit.caller)
        let body = ResponseBody(asyncSequence: pieces.map { ByteBuffer(bytes: $0) })
        return .download("audit.\(format.rawValue)", type: format.contentType, body: body)
    }
}

/// Which lines the page shows, as its address names them. All of it is optional.
struct AuditChoice: Sendable, Equatable {
    static let pageLines = 50

    var chain: AuditChain
    var who: String?
    var action: String?
    var target: String?
    var outcome: String?
    var from: String?
    var until: String?
    var text: String?
    var before: String?

    /// - Throws: `invalidInput` for a chain that does not exist.
    init(_ form: Form) throws {
        guard let chain = AuditChain(rawValue: form["chain"] ?? "organization") else {
            throw Problem(.invalidInput, "There is no such audit.", hint: "See all lines under Audit.")
        }
        self.chain = chain
        who = form["who"]
        action = form["action"]
        target = form["target"]
        outcome = form["outcome"]
        from = form["from"]
        until = form["until"]
        text = form["text"]
        before = form["before"]
    }

    var filter: AuditFilter {
        AuditFilter(
            chain: chain, limit: Self.pageLines, before: before, who: who, action: action, target: target,
            outcome: outcome, from: from, until: until, text: text)
    }

    var isFiltered: Bool { [who, action, target, outcome, from, until, text].contains { $0 != nil } }

    var fields: [Address.Field] {
        [
            ("text", text), ("who", who), ("action", action), ("target", target), ("outcome", outcome), ("from", from),
            ("until", until), ("chain", chain == .organization ? nil : chain.rawValue),
        ]
    }

    /// The same from a line on, or from the newest.
    func address(before line: String?) -> String { Address.make("/audit", fields + [("before", line)]) }
}
