import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import Wire

/// A request as the pages see it.
struct Call: Sendable {
    let request: Request
    let parameters: Parameters

    /// The secret of the browser's session, if it sent one.
    var session: String? { SessionCookie.value(in: request) }

    /// Whether htmx asks for a piece of a page.
    var isFragment: Bool { request.headers.asksForFragment }

    /// Whether a script asks, who can do nothing with a page.
    var wantsData: Bool {
        let accepts = request.headers[.accept] ?? ""
        return accepts.hasPrefix("application/json") || accepts.hasPrefix("text/event-stream")
    }

    /// The fields after `?`, decoded as a form encodes them.
    var query: Form { Form(request.uri.query ?? "") }

    /// A part of the path, decoded.
    func parameter(_ name: String) throws -> String {
        guard let value = parameters.get(name)?.removingPercentEncoding, !value.isEmpty else {
            throw Problem(.notFound, "There is no page at this address.", hint: "Start from Home.")
        }
        return value
    }

    /// The fields of a posted form, at most 1 MB.
    func form() async throws -> Form {
        do {
            return Form(String(buffer: try await request.body.collect(upTo: 1_000_000)))
        } catch {
            throw Problem(.invalidInput, "The form is too large.", hint: "Send at most 1 MB.", cause: error)
        }
    }
}

/// A call by someone who is signed in.
struct Visit: Sendable {
    let call: Call
    var caller: Caller
    var session: String

    /// Nobody in particular of the same audience.
    var byAnybody: Visit { Visit(call: call, caller: caller.anybody, session: "") }

    /// The environment that `?environment=` names, `dev` without it.
    func place() throws -> Place { try Place(named: call.query["environment"]) }
}

/// An environment of the caller's organization, and how pages name it in addresses.
struct Place: Sendable, Equatable {
    static let names = ["dev", "stage", "prod"]

    let environment: String

    init(named name: String?) throws {
        let name = name ?? ""
        guard name.isEmpty || Self.names.contains(name) else {
            throw Problem(.invalidInput, "There is no such environment.", hint: "Choose dev, stage or prod.")
        }
        environment = name.isEmpty ? "dev" : name
    }

    var request: PlaceRequest { PlaceRequest(organization: nil, environment: environment) }

    /// `?environment=prod`, or nothing for `dev`.
    var suffix: String { environment == "dev" ? "" : "?environment=\(environment)" }

    /// All environments, the chosen one marked.
    var choices: [Choice] { Self.names.map { Choice(value: $0, label: $0, isChosen: $0 == environment) } }
}

/// One of several values to choose from.
struct Choice: Sendable {
    let value: String
    let label: String
    let isChosen: Bool

    /// Where a role may hold: nil is the whole organization.
    static func places(chosen: String?) -> [Choice] {
        [Choice(value: "", label: "The whole organization", isChosen: chosen == nil)]
            + Place.names.map { Choice(value: $0, label: $0, isChosen: $0 == chosen) }
    }
}
