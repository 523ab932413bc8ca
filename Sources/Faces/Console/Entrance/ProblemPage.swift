import HTTPTypes
import Hummingbird
import Kernel
import Wire

/// A problem as a page and in a page.
struct ProblemNote: Sendable {
    let title: String
    let detail: String
    let hint: String?

    init(_ problem: Problem) {
        self.init(ProblemView(problem))
    }

    init(_ view: ProblemView) {
        title = view.title
        detail = view.detail
        hint = view.hint
    }
}

struct ProblemPage: Sendable {
    let status: Int
    let problem: ProblemNote
    /// Shown only where the log holds more than the page.
    let correlation: String?
    let needsSignIn: Bool
}

extension Console {
    /// What the caller can use: a page, a piece of one, or JSON for a script.
    func page(for problem: Problem, call: Call, correlation: String?) async -> Response {
        let status = HTTPResponse.Status(problem)
        if call.wantsData { return data(ProblemView(problem), status: status, type: "application/problem+json") }
        if call.isFragment {
            return .html(pages.render("problem", ProblemNote(problem)), status: status)
        }
        let view = ProblemPage(
            status: status.code, problem: ProblemNote(problem),
            correlation: problem.code == .internal ? correlation : nil, needsSignIn: problem.code == .unauthenticated)
        let visit = await knownVisit(call)
        return pages.page("problem-page", view, Heading(problem.code.title, .none), visit: visit, status: status)
    }

    /// JSON for the console's own scripts.
    func data(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, type: String = "application/json"
    ) -> Response {
        guard let bytes = try? WireJSON.encode(value) else { return Response(status: .internalServerError) }
        return Response(
            status: status, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    /// The navigation is there for those who are signed in; a failing look-up must not fail the page that tells of it.
    private func knownVisit(_ call: Call) async -> Visit? {
        guard let session = call.session, let caller = try? await operations.caller(session: session) else {
            return nil
        }
        return Visit(call: call, caller: caller, session: session)
    }
}

extension HTTPResponse.Status {
    /// Of a page that tells of a problem, or of none.
    init(_ problem: Problem?) { self = problem.map { Self(code: $0.code.httpStatus) } ?? .ok }
}
