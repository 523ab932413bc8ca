import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

extension Endpoint {
    static let account: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/account", name: "showAccount", summary: "Who asks, and what they may.",
            answer: .json(Shapes.account, "The account."),
            action: .signedIn(.systemRead) { call, caller in
                try .json(await call.operations.account(as: caller))
            }),
        Endpoint(
            method: .get, path: "/api/v1/account/export", name: "exportAccount",
            summary:
                "All that is known of one's own account: memberships, roles, sessions, tokens without secrets, consents.",
            answer: Answer(
                note: "A JSON document.", contents: [Answer.Content(mediaType: "application/json", schema: nil)]),
            problems: [.notFound],
            action: .signedIn(.accountManage) { call, caller in
                let document = try await call.operations.exportAccount(as: caller)
                return Response(
                    status: .ok, headers: [.contentType: "application/json", .cacheControl: "no-store"],
                    body: .init(byteBuffer: ByteBuffer(bytes: document)))
            }),
        Endpoint(
            method: .post, path: "/api/v1/account/erase", name: "eraseAccount",
            summary: "Erases one's own account in all organizations, for good. What was done stays, by nobody's name.",
            body: Shapes.accountErasure, answer: .nothing("It is erased."), problems: [.conflict, .unsupported],
            action: .signedIn(.accountManage) { call, caller in
                let request: AccountErasure = try call.decoded()
                try await call.operations.eraseAccount(confirmation: request.confirm, as: caller)
                return .nothing
            }),
        Endpoint(
            method: .get, path: "/api/v1/sessions", name: "listSessions",
            summary: "One's own browsers that are signed in.", answer: .json(Shapes.sessionList, "The sessions."),
            action: .signedIn(.accountManage) { call, caller in
                try .json(["sessions": await call.operations.sessions(as: caller)])
            }),
        Endpoint(
            method: .delete, path: "/api/v1/sessions/{id}", name: "endSession",
            summary: "Ends one of one's own sessions at once.",
            parameters: [.path("id", "The session's id.", .text(format: "uuid"))], answer: .nothing("It is over."),
            problems: [.notFound],
            action: .signedIn(.accountManage) { call, caller in
                try await call.operations.endSession(credential(of: call), as: caller)
                return .nothing
            }),
        Endpoint(
            method: .post, path: "/api/v1/sessions/end", name: "endSessions",
            summary: "Ends all of one's own sessions but the one that asks, or all of another member's.",
            body: Shapes.sessionEnding, answer: .json(Shapes.sessionsEnded, "How many there were."),
            problems: [.notFound],
            action: .signedIn(.accountManage) { call, caller in
                let request: SessionEnding = try call.decoded()
                let ended = try await call.operations.endSessions(of: request.member, as: caller)
                return try .json(SessionsEnded(ended: ended))
            }),
    ]
}

extension Shapes {
    static let account = Shape(
        name: "Account", note: "Who asks.",
        fields: [
            Field("organization", .text(), "Its slug."),
            Field("name", .text(), "A person's e-mail address, a service's name."),
            Field("display", .text(), "What people call them."),
            Field("roles", .list(.shape(roleView))),
            .optional("permissions", .list(.text()), "What the token is narrowed to; absent: nothing narrows it."),
            .optional("credential_id", .text(format: "uuid"), "The token or session that was used."),
            Field("is_person", .boolean, "Whether it is a person's, who can export and erase it."),
        ])

    static let accountErasure = Shape(
        name: "AccountErasure", note: "Says that it is meant.",
        fields: [Field("confirm", .text(), "One's own name, as `GET /api/v1/account` has it.")])

    static let session = Shape(
        name: "Session", note: "A browser that is signed in.",
        fields: [
            Field("session_id", .text(format: "uuid")),
            .optional("browser", .text(), "As it calls itself."),
            Field("created_at", .text(format: "date-time")),
            .optional("created_from", .text(), "An IP address."),
            .optional("last_used_at", .text(format: "date-time"), "Within a minute."),
            .optional("last_used_from", .text(), "An IP address."),
            .optional("expires_at", .text(format: "date-time")),
            Field("is_this", .boolean, "Whether it is the one that asks."),
        ])

    static let sessionList = Shape(
        name: "SessionList", note: "Sessions, the last used first.",
        fields: [Field("sessions", .list(.shape(session)))])

    static let sessionEnding = Shape(
        name: "SessionEnding", note: "Whose sessions end.",
        fields: [.open("member", .text(), "Another member's name; one's own, but this one, if absent.")])

    static let sessionsEnded = Shape(
        name: "SessionsEnded", note: "How many sessions were ended.", fields: [Field("ended", .integer(least: 0))])
}
