import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

extension Endpoint {
    static let secrets: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/secrets", name: "listSecrets",
            summary: "The names of secrets with what hangs on them; never a value.",
            answer: .json(Shapes.secretList, "The secrets."), problems: storeProblems,
            action: .signedIn(.secretsRead) { call, caller in
                try .json(["secrets": await call.operations.secrets(as: caller)])
            }),
        Endpoint(
            method: .get, path: "/api/v1/secrets/{name}", name: "getSecret",
            summary: "A secret without its value, and what stops working without it.", parameters: [secretName],
            answer: .json(Shapes.secret, "The secret."), problems: [.notFound] + storeProblems,
            action: .signedIn(.secretsRead) { call, caller in
                try .json(await call.operations.secret(call.part("name"), as: caller))
            }),
        Endpoint(
            method: .put, path: "/api/v1/secrets/{name}", name: "replaceSecret",
            summary: "Replaces a secret's value. The new one is tried first, and kept only if it works.",
            parameters: [secretName], body: Shapes.secretRequest,
            answer: .json(Shapes.secret, "The secret, without its value."),
            problems: [
                .notFound, .forbidden, .sourceUnreachable, .sourceCredentials, .sourceMissing, .sourcePermission,
            ] + storeProblems,
            action: .signedIn(.secretsManage) { call, caller in
                try .json(await call.operations.replaceSecret(call.part("name"), call.decoded(), as: caller))
            }),
        Endpoint(
            method: .delete, path: "/api/v1/secrets/{name}", name: "revokeSecret",
            summary: "Removes a secret for good. Its `uses` say what stops working.", parameters: [secretName],
            answer: .nothing("It is gone."), problems: [.notFound, .forbidden] + storeProblems,
            action: .signedIn(.secretsManage) { call, caller in
                try await call.operations.revokeSecret(call.part("name"), as: caller)
                return .nothing
            }),
        Endpoint(
            method: .get, path: "/api/v1/secret-store", name: "getSecretStore",
            summary: "Where secrets are kept, whether it can be used, and under which master keys they are.",
            answer: .json(Shapes.secretStore, "The store."),
            action: .signedIn(.secretsRead) { call, caller in
                try .json(await call.operations.secretStore(as: caller))
            }),
    ]

    private static let secretName = Parameter.path("name", "The secret's name, percent-encoded: `source%2Fdev%2Fshop`.")
    private static let storeProblems: [Problem.Code] = [.secretsUnavailable, .secretsRefused]
}
