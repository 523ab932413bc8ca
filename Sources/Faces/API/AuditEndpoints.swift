import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

extension Endpoint {
    static let audit: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/audit", name: "listAudit",
            summary: "Who did what, the newest first. `before` and `after` are JSON as text, exactly as it is hashed.",
            parameters: paging + search, answer: .json(Shapes.auditPage, "The lines."),
            action: .signedIn(.auditRead) { call, caller in
                var filter = try filter(call)
                filter.limit = call.integer("limit", default: 50)
                filter.before = call.text("before")
                return try .json(await call.operations.auditLines(filter, as: caller))
            }),
        Endpoint(
            method: .get, path: "/api/v1/audit/lines/{sequence}", name: "getAuditLine", summary: "One line.",
            parameters: [.path("sequence", "The line's place in the chain.", .integer(least: 1)), chain],
            answer: .json(Shapes.auditLine, "The line."), problems: [.notFound],
            action: .signedIn(.auditRead) { call, caller in
                let sequence = Int64(call.integer("sequence", default: 0))
                return try .json(await call.operations.auditLine(sequence, of: chain(call), as: caller))
            }),
        Endpoint(
            method: .get, path: "/api/v1/audit/export", name: "exportAudit",
            summary: "All lines that match, the oldest first, as they come. An answer that breaks off without its last "
                + "chunk is not whole. The export is entered in the audit.",
            parameters: [.query("format", "`jsonl` if absent.", .words(AuditFormat.allCases.map(\.rawValue)))] + search,
            answer: Answer(
                note: "The lines, in the format that was asked for.",
                contents: AuditFormat.allCases.map { format in
                    Answer.Content(mediaType: format.contentType, schema: .text())
                }),
            action: .signedIn(.auditRead) { call, caller in
                let format = call.text("format").flatMap { AuditFormat(rawValue: $0) } ?? .jsonl
                let bytes = try await call.operations.exportAudit(try filter(call), as: format, as: caller)
                return try await .stream(bytes, contentType: format.contentType, faults: call.faults)
            }),
        Endpoint(
            method: .get, path: "/api/v1/audit/head", name: "auditHead",
            summary: "The end of the chain, to be kept elsewhere, and how long lines are kept.",
            parameters: [chain], answer: .json(Shapes.auditHead, "The head."),
            action: .signedIn(.auditRead) { call, caller in
                try .json(await call.operations.auditHead(of: chain(call), as: caller))
            }),
        Endpoint(
            method: .get, path: "/api/v1/audit/verification", name: "verifyAudit",
            summary:
                "Walks the whole chain and says which lines were changed, removed or put in. The status is 200 also "
                + "then: read `is_whole`.",
            parameters: [
                .query("since_head", "A head that was kept elsewhere: its line must be there as it was."), chain,
            ],
            answer: .json(Shapes.auditVerification, "What was found."),
            action: .signedIn(.auditRead) { call, caller in
                try .json(
                    await call.operations.verifyAudit(of: chain(call), since: call.text("since_head"), as: caller))
            }),
        Endpoint(
            method: .put, path: "/api/v1/audit/retention", name: "keepAudit",
            summary:
                "How long lines are kept from now on. Once a day those that are older are cut, and the chain says so.",
            parameters: [chain], body: Shapes.auditRetention, answer: .json(Shapes.auditHead, "The head."),
            action: .signedIn(.organizationManage) { call, caller in
                try .json(await call.operations.keepAudit(call.decoded(), of: chain(call), as: caller))
            }),
    ]

    private static let chain = Parameter.query(
        "chain", "`organization` if absent; `house` is what belongs to none, for local admins.",
        .words(AuditChain.allCases.map(\.rawValue)))

    private static let paging: [Parameter] = [
        .query("limit", "How many at most; 50 if absent.", .integer(least: 1, most: 500)),
        .query("before", "Only lines before this one: a page's `next`."),
    ]

    private static let search: [Parameter] = [
        .query("who", "A part of their name, or their id."),
        .query("action", "`schedules.put`, or its first part: `schedules`."),
        .query("target", "A part of what it was done to."),
        .query("outcome", "How it went.", .words(["done", "refused", "failed"])),
        .query("from", "RFC 3339, or a day of UTC: from its begin on."),
        .query("until", "RFC 3339: before then; or a day of UTC: until its end."),
        .query("text", "A part of any of a line's texts, of its settings too."), chain,
    ]

    private static func chain(_ call: Call) -> AuditChain {
        call.text("chain").flatMap { AuditChain(rawValue: $0) } ?? .organization
    }

    private static func filter(_ call: Call) throws -> AuditFilter {
        AuditFilter(
            chain: chain(call), who: call.text("who"), action: call.text("action"), target: call.text("target"),
            outcome: call.text("outcome"), from: call.text("from"), until: call.text("until"), text: call.text("text"))
    }
}
