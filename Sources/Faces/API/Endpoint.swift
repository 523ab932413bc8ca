import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// One route: how it is reached, what the OpenAPI document says of it, and what it does.
struct Endpoint: Sendable {
    /// What an endpoint does: `open` asks for no token; all others say what it takes. That is told in the document, and
    /// refused here if it is allowed nowhere; `Operations` ask again, of the environment that is meant.
    enum Action: Sendable {
        case open(@Sendable (Call) async throws -> Response)
        case signedIn(Permission, @Sendable (Call, Caller) async throws -> Response)
        /// A JSON answer that all of an audience get alike, kept for a moment (`ReadyAnswers`).
        case shared(Permission, @Sendable (Call, Caller) async throws -> any Encodable & Sendable)
    }

    let method: HTTPRequest.Method
    /// With captures in braces: `/api/v1/runs/{id}`.
    let path: String
    /// `operationId` in the document: camelCase and its own.
    let name: String
    let summary: String
    var parameters: [Parameter] = []
    var body: Shape?
    let answer: Answer
    /// The problems that it gives beside those that every endpoint may.
    var problems: [Problem.Code] = []
    let action: Action

    var needsToken: Bool { permission != nil }

    /// What it takes; nil if it is open.
    var permission: Permission? {
        switch action {
        case .open: nil
        case .signedIn(let permission, _), .shared(let permission, _): permission
        }
    }

    /// A GET whose answer ends by itself.
    var answersHead: Bool { method == .get && !answer.isEndless }

    /// All routes of the API, in the order of the document.
    static let all: [Endpoint] =
        system + sources + runLists + runs + schedules + scheduleControl + subscriptions + expectations + workforce
        + windows + issuers + signInRules + secrets + queries + dashboards + audit + organizations
        + organizationStates + members + access + tokens + services + devices + account
}

/// A parameter of a path, a query or a header.
struct Parameter: Sendable {
    enum Place: String, Sendable { case path, query, header }

    let name: String
    let place: Place
    let schema: Schema
    let note: String
    var isRequired = false

    static func path(_ name: String, _ note: String, _ schema: Schema = .text()) -> Parameter {
        Parameter(name: name, place: .path, schema: schema, note: note, isRequired: true)
    }

    /// One of the query that may not be absent.
    static func needed(_ name: String, _ note: String, _ schema: Schema = .text()) -> Parameter {
        Parameter(name: name, place: .query, schema: schema, note: note, isRequired: true)
    }

    static func query(_ name: String, _ note: String, _ schema: Schema = .text()) -> Parameter {
        Parameter(name: name, place: .query, schema: schema, note: note)
    }

    /// The organization and environment that a place is made of.
    static let naming: [Parameter] = [
        .query("organization", "The organization's slug; the token's own if absent."),
        .query("environment", "`dev` if absent.", Shapes.environments),
    ]
}

/// What a successful answer holds.
struct Answer: Sendable {
    struct Content: Sendable {
        let mediaType: String
        /// Nil for bytes that JSON Schema does not describe.
        let schema: Schema?
    }

    var status = 200
    let note: String
    let contents: [Content]
    var headers: [String: String] = [:]
    /// Whether it goes on until the reader or the run ends it.
    var isEndless = false

    static func json(_ schema: Schema, _ note: String, status: Int = 200) -> Answer {
        Answer(status: status, note: note, contents: [Content(mediaType: "application/json", schema: schema)])
    }

    static func json(_ shape: Shape, _ note: String, status: Int = 200) -> Answer {
        json(.shape(shape), note, status: status)
    }

    /// Status 204, without a body.
    static func nothing(_ note: String) -> Answer { Answer(status: 204, note: note, contents: []) }
}
