import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

extension Endpoint {
    static let sources: [Endpoint] = [
        Endpoint(
            method: .post, path: "/api/v1/sources/test", name: "testSource",
            summary: "Signs in to a source and lists its streams. Changes nothing.",
            body: Shapes.sourceTestRequest,
            answer: .json(Shapes.sourceTestResult, "What it saw."),
            problems: [.sourceUnreachable, .sourceCredentials, .sourceMissing, .sourcePermission, .sourceInterrupted],
            action: .signedIn(.sourcesManage) { call, caller in
                try .json(await call.operations.testSource(call.decoded(), as: caller))
            }),
        Endpoint(
            method: .post, path: "/api/v1/clones", name: "startClone",
            summary: "Starts cloning a source into a warehouse, as durable jobs. An address is tried first: one that "
                + "cannot be signed in to, or a table that is not there, starts nothing. With an idempotency key a "
                + "request can be sent again: it gets the run that the first one made.",
            parameters: [
                Parameter(
                    name: "Idempotency-Key", place: .header, schema: .text(),
                    note: "A text of the client's own, in quotes: 1 to 200 printable ASCII characters. Of clones with "
                        + "the same key only one is made (draft-ietf-httpapi-idempotency-key-header).")
            ],
            body: Shapes.cloneRequest,
            answer: .json(Shapes.cloneAccepted, "The run has begun.", status: 202),
            problems: [
                .notFound, .conflict, .sourceUnreachable, .sourceCredentials, .sourceMissing, .sourcePermission,
                .sourceInterrupted,
            ],
            action: .signedIn(.clonesStart) { call, caller in
                var request: CloneRequest = try call.decoded()
                request.idempotencyKey = try IdempotencyKey.of(
                    header: call.text("Idempotency-Key"), body: request.idempotencyKey)
                return try .json(await call.operations.startClone(request, as: caller), status: .accepted)
            }),
    ]
}
