import HTTPTypes
import Kernel
import Roles
import Wire

/// The OpenAPI 3.1 document, made from the endpoints themselves.
enum OpenAPIDocument {
    static let value: AnyJSON = [
        "openapi": "3.1.0",
        "info": [
            "title": "Weirhouse",
            "version": "1",
            "summary": "A governed data warehouse in one step.",
            "description": .text(introduction),
        ],
        "servers": [["url": "/", "description": "The server that gave this document."]],
        "paths": .object(paths(Endpoint.all)),
        "components": [
            "schemas": .object(schemas(Endpoint.all)),
            "securitySchemes": [
                "token": [
                    "type": "http", "scheme": "bearer",
                    "description": "An API token. The local admin's is in the file `token` of the data folder.",
                ]
            ],
            "headers": [
                "X-Correlation-Id": [
                    "description": "The request's id, also in Weirhouse's log.", "schema": ["type": "string"],
                ]
            ],
        ],
    ]

    private static let introduction = """
        JSON with keys in snake_case. Every error is `application/problem+json` (RFC 9457) with a stable `code`. \
        Every answer has the header `X-Correlation-Id`. Unknown query parameters and body fields are refused (400), \
        bodies above 1 MB too (413). An unknown address gives 404, a wrong method 405 with `Allow`. \
        A request that names another host gets 421, one with too large headers 431, one that takes a minute to arrive 408. \
        After 20 wrong tokens from one network, those that were never right get 429 with `Retry-After`. \
        Addresses that take GET take HEAD, but for the stream of events.
        """

    private static func paths(_ endpoints: [Endpoint]) -> [String: AnyJSON] {
        var paths: [String: [String: AnyJSON]] = [:]
        for endpoint in endpoints {
            paths[endpoint.path, default: [:]][endpoint.method.rawValue.lowercased()] = operation(endpoint)
            for path in endpoint.shadowed {
                paths[path, default: [:]][endpoint.method.rawValue.lowercased()] = operation(endpoint, at: path)
            }
        }
        return paths.mapValues { .object($0) }
    }

    /// - Parameter literal: another endpoint's path, under which it is reached too.
    private static func operation(_ endpoint: Endpoint, at literal: String? = nil) -> AnyJSON {
        let last = literal.map { $0.split(separator: "/").last ?? "" }
        let name = endpoint.name + (last.map { "Called" + $0.prefix(1).uppercased() + $0.dropFirst() } ?? "")
        let parameters = endpoint.parameters.filter { literal == nil || $0.place != .path }
        var members: [String: AnyJSON] = [
            "operationId": .text(name), "summary": .text(endpoint.summary),
            "parameters": .list(parameters.map(parameter)), "responses": .object(responses(endpoint)),
            "security": endpoint.needsToken ? [["token": []]] : [],
        ]
        if let permission = endpoint.permission { members["x-weir-permission"] = .text(permission.rawValue) }
        if let body = endpoint.body {
            members["requestBody"] = [
                "required": .bool(true),
                "content": ["application/json": ["schema": Schema.shape(body).document]],
            ]
        }
        return .object(members)
    }

    private static func parameter(_ parameter: Parameter) -> AnyJSON {
        var members: [String: AnyJSON] = [
            "name": .text(parameter.name), "in": .text(parameter.place.rawValue),
            "required": .bool(parameter.isRequired), "description": .text(parameter.note),
            "schema": parameter.schema.document,
        ]
        if case .list = parameter.schema {
            // Separated by commas: `state=RETRYABLE,FAILED`.
            members["style"] = "form"
            members["explode"] = .bool(false)
        }
        return .object(members)
    }

    private static func responses(_ endpoint: Endpoint) -> [String: AnyJSON] {
        var responses = [String(endpoint.answer.status): success(endpoint.answer)]
        for (status, notes) in refusals(endpoint) {
            responses[String(status)] = problem(notes.joined(separator: ". ") + ".")
        }
        return responses
    }

    private static func success(_ answer: Answer) -> AnyJSON {
        let contents = answer.contents.map { content in
            (content.mediaType, content.schema.map { ["schema": $0.document] } ?? AnyJSON.object([:]))
        }
        var headers: [String: AnyJSON] = ["X-Correlation-Id": ["$ref": "#/components/headers/X-Correlation-Id"]]
        for (name, note) in answer.headers {
            headers[name] = ["description": .text(note), "schema": ["type": "string"]]
        }
        var members: [String: AnyJSON] = ["description": .text(answer.note), "headers": .object(headers)]
        if !contents.isEmpty { members["content"] = .object(Dictionary(contents) { first, _ in first }) }
        return .object(members)
    }

    private static func problem(_ note: String) -> AnyJSON {
        [
            "description": .text(note),
            "headers": ["X-Correlation-Id": ["$ref": "#/components/headers/X-Correlation-Id"]],
            "content": ["application/problem+json": ["schema": Schema.shape(Shapes.problem).document]],
        ]
    }

    /// The titles of the problems that an endpoint may give, by status.
    private static func refusals(_ endpoint: Endpoint) -> [Int: [String]] {
        var codes: [Problem.Code] = [.internal]
        if endpoint.needsToken { codes += [.unauthenticated, .forbidden, .tooManyAttempts, .metadataUnavailable] }
        if endpoint.body != nil || !endpoint.parameters.isEmpty { codes.append(.invalidInput) }
        codes += endpoint.problems
        var notes = Dictionary(grouping: codes, by: \.httpStatus).mapValues { $0.map(\.title) }
        notes[408] = ["The request did not arrive in time"]
        notes[413] = ["The body is larger than \(endpoint.body == nil ? 2 : 1) MB"]
        notes[421] = ["The server does not answer to that host"]
        notes[431] = ["The address or headers are too large"]
        if endpoint.body != nil {
            notes[415] = ["The body is not JSON"]
        }
        return notes
    }

    private static func schemas(_ endpoints: [Endpoint]) -> [String: AnyJSON] {
        let used = endpoints.flatMap { endpoint in
            (endpoint.body.map { Schema.shape($0).shapes } ?? [])
                + endpoint.answer.contents.flatMap { $0.schema?.shapes ?? [] }
        }
        return Dictionary((used + [Shapes.problem]).map { ($0.name, $0.document) }) { first, _ in first }
    }
}
