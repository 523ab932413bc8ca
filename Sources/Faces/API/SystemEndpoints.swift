import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

extension Endpoint {
    static let system: [Endpoint] = [
        Endpoint(
            method: .get, path: "/health/live", name: "live", summary: "Whether the server answers. Asks nothing else.",
            answer: .json(Shapes.live, "It does."),
            action: .open { _ in try .json(["live": true]) }),
        Endpoint(
            method: .get, path: "/health/ready", name: "ready",
            summary: "Whether requests can be served: the metadata database answers and is in this server's form.",
            answer: .json(Shapes.ready, "They can."), problems: [.metadataUnavailable],
            action: .open { call in
                try await call.operations.checkReadiness()
                return try .json(["ready": true])
            }),
        Endpoint(
            method: .get, path: "/api/v1/status", name: "status",
            summary: "The health of each part. The status is 200 also when a part is not well: read `healthy`.",
            answer: .json(Shapes.healthReport, "The report."),
            action: .signedIn(.systemRead) { call, _ in try .json(await call.operations.health()) }),
        Endpoint(
            method: .post, path: "/api/v1/sign-in-codes", name: "createSignInCode",
            summary: "Makes a one-time link to the console.",
            answer: .json(Shapes.signInCode, "The link.", status: 201),
            action: .signedIn(.accountManage) { call, caller in
                let code = try await call.operations.makeSignInCode(as: caller)
                call.attempts.expect(code)
                return try .json(["code": code, "url_path": "/sign-in/\(code)"], status: .created)
            }),
        Endpoint(
            method: .get, path: "/api/v1/openapi.json", name: "openAPI", summary: "This document.",
            answer: Answer(
                note: "OpenAPI 3.1.", contents: [Answer.Content(mediaType: "application/json", schema: nil)]),
            action: .open { _ in try .json(OpenAPIDocument.value) }),
    ]
}

extension Response {
    /// Status 204: done, and nothing to say.
    static var nothing: Response { Response(status: .noContent, headers: [.cacheControl: "no-store"]) }

    /// A JSON answer that no cache keeps.
    static func json(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        .json(ByteBuffer(bytes: try WireJSON.encode(value)), status: status)
    }

    /// The same of a value that is written already.
    static func json(_ written: ByteBuffer, status: HTTPResponse.Status = .ok) -> Response {
        Response(status: status, headers: .ofJSON, body: .init(byteBuffer: written))
    }
}

extension HTTPFields {
    static let ofJSON: HTTPFields = [.contentType: "application/json", .cacheControl: "no-store"]
}
