import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

extension Endpoint {
    static let issuers: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/issuers", name: "listIssuers",
            summary: "The OpenID providers that people sign in with, by name.",
            answer: .json(Shapes.issuerList, "The issuers."),
            action: .signedIn(.signInManage) { call, caller in
                try .json(["issuers": await call.operations.issuers(as: caller)])
            }),
        Endpoint(
            method: .put, path: "/api/v1/issuers/{name}", name: "putIssuer",
            summary: "Sets an issuer up, after its provider was asked. The client secret is kept and never shown.",
            parameters: [issuerName], body: Shapes.issuerRequest, answer: .json(Shapes.issuer, "The issuer."),
            problems: [.conflict, .deliveryFailed],
            action: .signedIn(.signInManage) { call, caller in
                try .json(await call.operations.putIssuer(call.part("name"), call.decoded(), as: caller))
            }),
        Endpoint(
            method: .delete, path: "/api/v1/issuers/{name}", name: "deleteIssuer",
            summary: "Removes an issuer with its rules and all roles that they gave.",
            parameters: [issuerName], answer: .nothing("It is removed."), problems: [.notFound, .conflict],
            action: .signedIn(.signInManage) { call, caller in
                try await call.operations.removeIssuer(call.part("name"), as: caller)
                return .nothing
            }),
        Endpoint(
            method: .post, path: "/api/v1/issuers/{name}/test", name: "testIssuer",
            summary: "Asks the provider what it says of itself, and for its keys. Keeps nothing.",
            parameters: [issuerName], answer: .json(Shapes.issuerCheck, "What it answers."),
            problems: [.notFound, .deliveryFailed],
            action: .signedIn(.signInManage) { call, caller in
                try .json(await call.operations.testIssuer(call.part("name"), as: caller))
            }),
    ]

    static let signInRules: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/sign-in-rules", name: "listSignInRules",
            summary: "Whom the organization lets in, with which role.",
            answer: .json(Shapes.signInRuleList, "The rules."),
            action: .signedIn(.signInManage) { call, caller in
                try .json(["rules": await call.operations.signInRules(as: caller)])
            }),
        Endpoint(
            method: .post, path: "/api/v1/sign-in-rules", name: "addSignInRule",
            summary: "Lets accounts of an issuer in. The same again changes nothing.",
            body: Shapes.signInRuleRequest, answer: .json(Shapes.signInRule, "The rule.", status: 201),
            problems: [.notFound],
            action: .signedIn(.signInManage) { call, caller in
                try .json(await call.operations.addSignInRule(call.decoded(), as: caller), status: .created)
            }),
        Endpoint(
            method: .delete, path: "/api/v1/sign-in-rules/{id}", name: "deleteSignInRule",
            summary: "Takes a rule away, and the roles that it gave at once.",
            parameters: [.path("id", "The rule's id.")], answer: .nothing("It is gone."), problems: [.notFound],
            action: .signedIn(.signInManage) { call, caller in
                try await call.operations.removeSignInRule(call.part("id"), as: caller)
                return .nothing
            }),
    ]

    private static let issuerName = Parameter.path("name", "The issuer's name.")
}
