import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// One's own account: sessions, privacy, and what one has to agree to.
struct AccountArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/account", .accountManage) { try await show($0) }
        entrance.post("/account/sessions/:id/end", .accountManage) { try await end($0) }
        entrance.post("/account/sessions/end", .accountManage) { visit in
            let ended = try await console.operations.endSessions(of: nil, as: visit.caller)
            return try await show(visit, notice: "\(Readable.plural(ended, "other session").capitalizedFirst) ended.")
        }
        entrance.get("/account/export", .accountManage) { visit in
            let document = try await console.operations.exportAccount(as: visit.caller)
            return .download(
                "weirhouse-account.json", type: "application/json",
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: document)))
        }
        entrance.post("/account/erase", .accountManage) { try await erase($0) }
        entrance.get("/consent", .systemRead) { try await askConsent($0) }
        entrance.post("/consent", .systemRead) { try await agree($0) }
    }

    private func show(
        _ visit: Visit, notice: String? = nil, problem: Problem? = nil
    ) async throws -> Response {
        let account = try await console.operations.account(as: visit.caller)
        let view = AccountPage(
            account: account, roles: account.roles.map { $0.role + ($0.environment.map { " in \($0)" } ?? "") },
            sessions: try await console.operations.sessions(as: visit.caller).map {
                SessionRow($0, now: console.time.now())
            }, notice: notice, problem: problem.map { ProblemNote($0) })
        let status = HTTPResponse.Status(problem)
        return console.pages.page("account", view, Heading("Account", .account), visit: visit, status: status)
    }

    private func end(_ visit: Visit) async throws -> Response {
        guard let id = CredentialID(try visit.call.parameter("id")) else {
            throw Problem(.notFound, "There is no such session.", hint: "See yours under Account.")
        }
        try await console.operations.endSession(id, as: visit.caller)
        // The page leads to the sign-in if it was this one.
        return .redirect(to: "/account")
    }

    private func erase(_ visit: Visit) async throws -> Response {
        let confirmation = try await visit.call.form()["confirm"] ?? ""
        do {
            try await console.operations.eraseAccount(confirmation: confirmation, as: visit.caller)
        } catch let problem as Problem where problem.code.isForPerson {
            return try await show(visit, problem: problem)
        }
        var response = console.pages.page(
            "account-erased", ErasedPage(), Heading("Your account is erased", .none), visit: nil)
        response.setCookie(SessionCookie.gone(for: visit.call.request))
        return response
    }

    private struct ErasedPage {}

    // MARK: - Consent

    private func askConsent(_ visit: Visit, problem: Problem? = nil) async throws -> Response {
        guard let owed = try await console.operations.owedConsent(as: visit.caller) else { return .redirect(to: "/") }
        let next = visit.call.query["next"].flatMap { ReturnPath($0) }?.text ?? "/"
        let view = ConsentPage(
            document: owed.document, version: owed.version, next: next, problem: problem.map { ProblemNote($0) })
        let status = HTTPResponse.Status(problem)
        return console.pages.page("consent", view, Heading("Terms", .none), visit: nil, status: status)
    }

    private func agree(_ visit: Visit) async throws -> Response {
        let form = try await visit.call.form()
        guard form["agree"] == "yes", let version = form["version"] else {
            return try await askConsent(
                visit,
                problem: Problem(.invalidInput, "The box is not ticked.", hint: "Tick it if you agree, or sign out."))
        }
        do {
            try await console.operations.agree(to: version, as: visit.caller)
        } catch let problem as Problem where problem.code == .conflict {
            return try await askConsent(visit, problem: problem)
        }
        return .redirect(to: form["next"].flatMap { ReturnPath($0) }?.text ?? "/")
    }
}

extension Console {
    /// The way to the terms, for those who have yet to agree to them; nil for others, and for ways out.
    func wayToTerms(_ call: Call, _ caller: Caller) async throws -> Response? {
        let path = call.request.uri.path
        // Whoever does not agree may still take their data, and go.
        guard path != "/consent", path != "/account", !path.hasPrefix("/account/"),
            (try await operations.owedConsent(as: caller)) != nil
        else { return nil }
        if call.isFragment { return Response(status: .forbidden).with("HX-Redirect", "/consent") }
        guard call.request.method == .get, !call.wantsData else {
            throw Problem(.forbidden, "There are terms to agree to first.", hint: "Open the console's Home.")
        }
        let wanted = ReturnPath(call.request.head.path ?? "/")?.text ?? "/"
        return .redirect(to: "/consent?next=\(wanted.encodedForAddress)")
    }
}

struct AccountPage: Sendable {
    let account: AccountView
    let roles: [String]
    let sessions: [SessionRow]
    let notice: String?
    let problem: ProblemNote?
}

struct ConsentPage: Sendable {
    let document: String
    let version: String
    let next: String
    let problem: ProblemNote?
}

struct SessionRow: Sendable {
    let browser: String
    let created: Moment
    let used: Moment?
    let from: String?
    let isThis: Bool
    let address: String

    init(_ session: SessionView, now: Date) {
        browser = session.browser.map { Self.name(of: $0) } ?? "A browser"
        created = Moment(session.createdAt, now: now)
        used = session.lastUsedAt.map { Moment($0, now: now) }
        from = session.lastUsedFrom ?? session.createdFrom
        isThis = session.isThis
        address = "/account/sessions/\(session.sessionID)"
    }

    /// `Firefox on Linux`. Browsers call themselves by each other's names: the most particular one counts.
    static func name(of agent: String) -> String {
        let browsers = [
            ("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"),
        ]
        let systems = [
            ("Windows", "Windows"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"),
            ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux"),
        ]
        guard let browser = browsers.first(where: { agent.contains($0.0) })?.1 else {
            return String(agent.prefix(60))
        }
        return systems.first { agent.contains($0.0) }.map { "\(browser) on \($0.1)" } ?? browser
    }
}
