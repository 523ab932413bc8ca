import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// The way in for requests: a handler behind it sees a `Visit`, not the router's context.
struct Entrance<Context: RequestContext> {
    let group: RouterGroup<Context>
    let console: Console
    let book: RouteBook

    /// A route for people who are signed in; others are led to the sign-in page. It says what it takes, and refuses those
    /// to whom that is allowed nowhere; `Operations` ask again, of the environment that is meant.
    func get(
        _ path: RouterPath, _ permission: Permission, _ handler: @escaping @Sendable (Visit) async throws -> Response
    ) {
        add(path, .get, permission, handler)
    }

    func post(
        _ path: RouterPath, _ permission: Permission, _ handler: @escaping @Sendable (Visit) async throws -> Response
    ) {
        add(path, .post, permission, handler)
    }

    /// A route whose answer all of an audience get alike, but for their name in its frame: it is kept for a moment
    /// (`ReadyAnswers`). Its handler sees nobody in particular.
    func getShared(
        _ path: RouterPath, _ permission: Permission,
        _ handler: @escaping @Sendable (Visit) async throws -> SharedContent
    ) {
        get(path, permission) { [console] visit in
            let make: @Sendable () async throws -> ReadyPage = {
                let visit = visit.byAnybody
                return try console.pages.ready(try await handler(visit), for: visit, at: path.description)
            }
            guard let ready = console.ready, let address = Console.sharedAddress(visit.call.request.head) else {
                return try await make().response(for: visit.caller.display)
            }
            return try await ready.answer(at: address, for: visit.caller.audience, make)
                .response(for: visit.caller.display)
        }
    }

    /// A route that needs no sign-in.
    func open(
        _ path: RouterPath, _ method: HTTPRequest.Method,
        _ handler: @escaping @Sendable (Call) async throws -> Response
    ) {
        book.note(path, method, nil)
        on(path, method, handler)
    }

    private func on(
        _ path: RouterPath, _ method: HTTPRequest.Method,
        _ handler: @escaping @Sendable (Call) async throws -> Response
    ) {
        group.on(path, method: method) { request, context in
            try await handler(Call(request: request, parameters: context.parameters))
        }
    }

    /// Addresses that lead nowhere, in words. The API answers for its own.
    func addPageForTheRest() {
        for method in [HTTPRequest.Method.get, .post] {
            open("/**", method) { call in
                guard !call.request.uri.path.hasPrefix("/api/") else { throw HTTPError(.notFound) }
                throw Problem(
                    .notFound, "There is no page at this address.", hint: "Check the address, or start from Home.")
            }
        }
    }

    private func add(
        _ path: RouterPath, _ method: HTTPRequest.Method, _ permission: Permission,
        _ handler: @escaping @Sendable (Visit) async throws -> Response
    ) {
        book.note(path, method, permission)
        on(path, method) { [console] call in
            guard let session = call.session, let caller = try await console.operations.caller(session: session) else {
                return try console.leadToSignIn(call)
            }
            if let way = try await console.wayToTerms(call, caller) { return way }
            try await console.operations.admit(caller, to: permission, at: "\(method.rawValue) \(path)")
            return try await handler(Visit(call: call, caller: caller, session: session))
        }
    }
}

extension Console {
    /// Pages go to the sign-in page, and back after it; scripts get a 401, and htmx is told to go there.
    fileprivate func leadToSignIn(_ call: Call) throws -> Response {
        if call.isFragment {
            return Response(status: .unauthorized).with("HX-Redirect", "/sign-in")
        }
        let isReading = call.request.method == .get || call.request.method == .head
        guard isReading, !call.wantsData else {
            throw Problem(
                .unauthenticated, "Your sign-in is over.", hint: "Open a new link: run weir sign-in-link in a terminal."
            )
        }
        var response = Response.redirect(to: "/sign-in")
        if let cookie = ReturnCookie.remembering(call.request) { response.setCookie(cookie) }
        return response
    }
}
