import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

extension Endpoint {
    static let tokens: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/tokens", name: "listTokens",
            summary: "Tokens that are not over: what they may and when they were used, never their secrets.",
            parameters: [
                .query("whose", "`own` if absent; `all` takes the right to manage tokens.", .words(["own", "all"]))
            ],
            answer: .json(Shapes.tokenList, "The tokens."),
            action: .signedIn(.accountManage) { call, caller in
                let tokens = try await call.operations.tokens(all: call.text("whose") == "all", as: caller)
                return try .json(["tokens": tokens])
            }),
        Endpoint(
            method: .post, path: "/api/v1/tokens", name: "createToken",
            summary: "Makes a token. It is shown this once, and never gives more than its owner's roles do.",
            body: Shapes.tokenRequest, answer: .json(Shapes.tokenMade, "The token.", status: 201),
            problems: [.notFound],
            action: .signedIn(.accountManage) { call, caller in
                try .json(await call.operations.makeToken(call.decoded(), as: caller), status: .created)
            }),
        Endpoint(
            method: .post, path: "/api/v1/tokens/{id}/rotate", name: "rotateToken",
            summary: "Makes a new secret for the same; the old one goes on for a grace time.",
            parameters: [tokenID], body: Shapes.tokenRotation,
            answer: .json(Shapes.tokenMade, "The new token.", status: 201), problems: [.notFound],
            action: .signedIn(.accountManage) { call, caller in
                try .json(
                    await call.operations.rotateToken(credential(of: call), call.decoded(), as: caller),
                    status: .created)
            }),
        Endpoint(
            method: .delete, path: "/api/v1/tokens/{id}", name: "revokeToken",
            summary: "Ends a token at once.", parameters: [tokenID], answer: .nothing("It opens nothing any more."),
            problems: [.notFound],
            action: .signedIn(.systemRead) { call, caller in
                try await call.operations.revokeToken(credential(of: call), as: caller)
                return .nothing
            }),
    ]

    static let services: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/services", name: "listServices", summary: "Members that are programs.",
            answer: .json(Shapes.serviceList, "The services."),
            action: .signedIn(.tokensManage) { call, caller in
                try .json(["services": await call.operations.services(as: caller)])
            }),
        Endpoint(
            method: .post, path: "/api/v1/services", name: "createService",
            summary: "Makes a service with its roles. Its tokens are made after it.", body: Shapes.serviceRequest,
            answer: .json(Shapes.service, "The service.", status: 201), problems: [.conflict],
            action: .signedIn(.tokensManage) { call, caller in
                try .json(await call.operations.makeService(call.decoded(), as: caller), status: .created)
            }),
        Endpoint(
            method: .delete, path: "/api/v1/services/{name}", name: "removeService",
            summary: "Removes a service with its tokens and roles.",
            parameters: [.path("name", "The service's name.")], answer: .nothing("It is gone."),
            problems: [.notFound],
            action: .signedIn(.tokensManage) { call, caller in
                try await call.operations.removeService(call.part("name"), as: caller)
                return .nothing
            }),
    ]

    private static let tokenID = Parameter.path("id", "The token's id.", .text(format: "uuid"))

    /// The token or session that the path names.
    static func credential(of call: Call) throws -> CredentialID {
        guard let id = CredentialID(call.part("id")) else { throw Refusal.invalid("The id must be a UUID.") }
        return id
    }
}
