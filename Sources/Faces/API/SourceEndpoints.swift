import HTTPTypes
import Hummingbird
import Kernel
import Wire

extension Endpoint {
    static let sources: [Endpoint] = [
        Endpoint(
            method: .post, path: "/api/v1/sources/test", name: "testSource",
            summary: "Signs in to a source and lists its streams. Changes nothing.",
            body: Shapes.sourceTestRequest,
            answer: .json(Shapes.sourceTestResult, "What it saw."),
            problems: [.sourceUnreachable, .sourceCredentials, .sourceMissing, .sourcePermission, .sourceInterrupted],
            action: .signedIn { call, caller in
                try .json(await call.operations.testSource(call.decoded(), as: caller))
            }),
        Endpoint(
            method: .post, path: "/api/v1/clones", name: "startClone",
            summary: "Starts cloning a source into a warehouse, as durable jobs. An address is tried first: one that "
                + "cannot be signed in to, or a table that is not there, starts nothing.",
            body: Shapes.cloneRequest,
            answer: .json(Shapes.cloneAccepted, "The run has begun.", status: 202),
            problems: [
                .notFound, .sourceUnreachable, .sourceCredentials, .sourceMissing, .sourcePermission,
                .sourceInterrupted,
            ],
            action: .signedIn { call, caller in
                try .json(await call.operations.startClone(call.decoded(), as: caller), status: .accepted)
            }),
    ]
}
