import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

extension Endpoint {
    static let members: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/members", name: "listMembers",
            summary: "Who belongs to the organization, and what they are there.",
            parameters: [organization], answer: .json(Shapes.memberList, "The members, by name."),
            problems: [.notFound],
            action: .signedIn(.membersRead) { call, caller in
                try .json(["members": await call.operations.members(as: call.named(caller))])
            }),
        Endpoint(
            method: .post, path: "/api/v1/members", name: "inviteMember",
            summary: "Invites somebody. The link is good for seven days and once, and shown only here.",
            parameters: [organization], body: Shapes.inviteRequest,
            answer: .json(Shapes.invitation, "The member to come, and the link.", status: 201),
            problems: [.notFound, .conflict],
            action: .signedIn(.membersManage) { call, caller in
                try .json(await call.operations.invite(call.decoded(), as: call.named(caller)), status: .created)
            }),
        change("grant", "grantRole", "Gives a member a role, in one environment or all of them.", Shapes.grantRequest) {
            try await $0.operations.grant($0.decoded(), to: $0.part("member"), as: $1)
        },
        change("revoke", "revokeRole", "Takes a role from a member that somebody gave.", Shapes.grantRequest) {
            try await $0.operations.revoke($0.decoded(), from: $0.part("member"), as: $1)
        },
        change("deactivate", "deactivateMember", "Makes all sessions and tokens of a member worthless at once.", nil) {
            try await $0.operations.deactivate($0.part("member"), as: $1)
        },
        change("activate", "activateMember", "Lets a member sign in again who was deactivated.", nil) {
            try await $0.operations.activate($0.part("member"), as: $1)
        },
        Endpoint(
            method: .delete, path: "/api/v1/members/{member}", name: "removeMember",
            summary: "Removes a member, with sessions, tokens and roles.",
            parameters: [member, organization], answer: .nothing("They belong to it no more."),
            problems: [.notFound, .conflict],
            action: .signedIn(.membersManage) { call, caller in
                try await call.operations.removeMember(call.part("member"), as: call.named(caller))
                return .nothing
            }),
    ]

    static let access: [Endpoint] = [
        Endpoint(
            method: .get, path: "/api/v1/access/roles", name: "listRoles",
            summary: "The permission table: what each role may.",
            answer: .json(Shapes.roleList, "The roles."),
            action: .signedIn(.organizationRead) { _, _ in try .json(["roles": RoleView.all]) }),
        Endpoint(
            method: .get, path: "/api/v1/access/explain", name: "explainAccess",
            summary: "Why a member may do something, or not.",
            parameters: [
                .needed("member", "The member's id or name."),
                .needed("permission", "Such as `runs.manage`."),
                .query("environment", "Where; in all environments if absent.", Shapes.environments), organization,
            ],
            answer: .json(Shapes.accessAnswer, "The answer and its reason."), problems: [.notFound],
            action: .signedIn(.membersRead) { call, caller in
                try .json(
                    await call.operations.explain(
                        call.part("permission"), of: call.part("member"), in: call.text("environment"),
                        as: call.named(caller)))
            }),
    ]

    private static let member = Parameter.path("member", "The member's id, or name: a person's e-mail address.")
    private static let organization = Parameter.query(
        "organization", "The organization's slug; the token's own if absent.")

    private static func change(
        _ verb: String, _ name: String, _ summary: String, _ body: Shape?,
        _ work: @escaping @Sendable (Call, Caller) async throws -> MemberView
    ) -> Endpoint {
        Endpoint(
            method: .post, path: "/api/v1/members/{member}/\(verb)", name: name, summary: summary,
            parameters: [member, organization], body: body, answer: .json(Shapes.member, "The member."),
            problems: [.notFound, .conflict],
            action: .signedIn(.membersManage) { call, caller in
                try .json(await work(call, await call.named(caller)))
            })
    }
}
