import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

extension Endpoint {
    static let organizations: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/organizations", name: "listOrganizations",
            summary: "The organizations that the caller belongs to.",
            answer: .json(Shapes.organizationList, "The organizations, by slug."),
            action: .signedIn(.accountManage) { call, caller in
                try .json(["organizations": await call.operations.organizations(as: caller)])
            }),
        Endpoint(
            method: .post, path: "/api/v1/organizations", name: "foundOrganization",
            summary: "Makes an organization whose owner the caller becomes. Who may is set by WEIR_WHO_MAY_FOUND.",
            body: Shapes.foundRequest, answer: .json(Shapes.organization, "The organization.", status: 201),
            problems: [.conflict],
            action: .signedIn(.accountManage) { call, caller in
                try .json(await call.operations.foundOrganization(call.decoded(), as: caller), status: .created)
            }),
        Endpoint(
            method: .get, path: "/api/v1/organizations/{slug}", name: "getOrganization",
            summary: "An organization, its state and its environments.",
            parameters: [slug], answer: .json(Shapes.organization, "The organization."), problems: [.notFound],
            action: .signedIn(.organizationRead) { call, caller in
                try .json(await call.operations.organization(as: call.named(caller)))
            }),
        Endpoint(
            method: .put, path: "/api/v1/organizations/{slug}", name: "renameOrganization",
            summary: "Gives an organization another name. Its slug stays.",
            parameters: [slug], body: Shapes.renameRequest, answer: .json(Shapes.organization, "The organization."),
            problems: [.notFound],
            action: .signedIn(.organizationManage) { call, caller in
                let request: RenameRequest = try call.decoded()
                return try .json(await call.operations.renameOrganization(request.name, as: call.named(caller)))
            }),
        Endpoint(
            method: .put, path: "/api/v1/organizations/{slug}/environments/{environment}", name: "putEnvironment",
            summary: "Sets what is said of an environment, as a whole.",
            parameters: [slug, .path("environment", "The environment.", Shapes.environments)],
            body: Shapes.environmentRequest, answer: .json(Shapes.organization, "The organization."),
            problems: [.notFound],
            action: .signedIn(.organizationManage) { call, caller in
                try .json(
                    await call.operations.putEnvironment(
                        call.part("environment"), call.decoded(), as: call.named(caller)))
            }),
    ]

    static let organizationStates: [Endpoint] = [
        Endpoint(
            method: .post, path: "/api/v1/organizations/{slug}/suspend", name: "suspendOrganization",
            summary: "Closes an organization: its people are told why, and none of its jobs starts.",
            parameters: [slug], body: Shapes.suspendRequest, answer: .json(Shapes.organization, "The organization."),
            problems: [.notFound, .conflict],
            action: .signedIn(.organizationManage) { call, caller in
                let request: SuspendRequest = try call.decoded()
                return try .json(
                    await call.operations.suspendOrganization(because: request.because, as: call.named(caller)))
            }),
        Endpoint(
            method: .post, path: "/api/v1/organizations/{slug}/resume", name: "resumeOrganization",
            summary: "Opens a suspended organization again.",
            parameters: [slug], answer: .json(Shapes.organization, "The organization."),
            problems: [.notFound, .conflict],
            action: .signedIn(.organizationDelete) { call, caller in
                try .json(await call.operations.resumeOrganization(as: call.named(caller)))
            }),
        Endpoint(
            method: .delete, path: "/api/v1/organizations/{slug}", name: "deleteOrganization",
            summary: "Closes an organization now, and removes all that is its own after 30 days.",
            parameters: [slug], answer: .json(Shapes.organization, "The organization, and when it is gone."),
            problems: [.notFound, .conflict],
            action: .signedIn(.organizationDelete) { call, caller in
                try .json(await call.operations.deleteOrganization(as: call.named(caller)))
            }),
        Endpoint(
            method: .post, path: "/api/v1/organizations/{slug}/restore", name: "restoreOrganization",
            summary: "Opens an organization again that is being deleted.",
            parameters: [slug], answer: .json(Shapes.organization, "The organization."),
            problems: [.notFound, .conflict],
            action: .signedIn(.organizationDelete) { call, caller in
                try .json(await call.operations.restoreOrganization(as: call.named(caller)))
            }),
    ]

    private static let slug = Parameter.path(
        "slug", "The organization's slug. A token is good for its own organization, the local admin's for all it made.")
}

extension Call {
    /// Who the caller is in the organization that the path, or the query, names.
    func named(_ caller: Caller) async throws -> Caller {
        try await operations.caller(caller, in: text("slug") ?? text("organization"))
    }
}
