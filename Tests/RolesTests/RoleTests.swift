import Kernel
import Roles
import Testing

@Suite("Roles")
struct RoleTests {
    @Test("an owner may do all, and nothing is for nobody")
    func owners() {
        #expect(Role.owner.permissions == Set(Permission.allCases))
    }

    @Test("provisioning, secrets, people and sign-in are for admins and owners only")
    func admins() {
        for permission: Permission in [
            .sourcesManage, .secretsRead, .secretsManage, .membersManage, .organizationManage, .tokensManage,
            .signInManage, .auditRead,
        ] {
            let roles = Role.allCases.filter { $0.permissions.contains(permission) }
            #expect(Set(roles) == [.admin, .owner], "\(permission.rawValue)")
        }
    }

    @Test("viewers see no tables, billing sees no data at all")
    func least() {
        #expect(!Role.viewer.permissions.contains(.dataRead))
        #expect(Role.billing.permissions.isDisjoint(with: [.dataRead, .dashboardsRead, .runsRead]))
        #expect(Role.viewer.permissions.filter { !$0.isReading } == [.accountManage])
    }

    @Test("each step up takes nothing away")
    func steps() {
        for (lower, higher): (Role, Role) in [
            (.viewer, .analyst), (.analyst, .engineer), (.engineer, .admin), (.admin, .owner), (.billing, .owner),
        ] {
            #expect(lower.permissions.isStrictSubset(of: higher.permissions), "\(lower) \(higher)")
        }
    }

    @Test("what is written in tokens stays what it is")
    func names() {
        for permission in Permission.allCases {
            #expect(permission.rawValue.wholeMatch(of: /[a-z]+\.(read|manage|start|delete)/) != nil)
        }
    }

    @Test("only owners make owners")
    func giving() {
        let admin = Rights([Grant(.admin)])
        #expect(Role.admin.mayBeGiven(by: admin))
        #expect(!Role.owner.mayBeGiven(by: admin))
        #expect(Role.owner.mayBeGiven(by: Rights([Grant(.owner)])))
        #expect(!Role.viewer.mayBeGiven(by: Rights([Grant(.engineer)])))
        #expect(!Role.viewer.mayBeGiven(by: Rights([Grant(.admin, in: "dev")])))
    }
}

@Suite("Rights")
struct RightsTests {
    @Test("a role in one environment holds there, and nowhere else")
    func environments() {
        let rights = Rights([Grant(.engineer, in: "dev"), Grant(.viewer, in: "prod")])
        #expect(rights.may(.runsManage, in: "dev"))
        #expect(!rights.may(.runsManage, in: "prod"))
        #expect(rights.may(.runsRead, in: "prod"))
        #expect(!rights.may(.runsRead, in: "stage"))
        #expect(!rights.may(.runsRead))
        #expect(rights.environments(for: .runsRead) == ["dev", "prod"])
        #expect(rights.environments(for: .runsManage) == ["dev"])
        #expect(rights.environments(for: .secretsManage) == [])
        #expect(rights.maySomewhere(.dataRead))
    }

    @Test("an admin of one environment does nothing to the organization as a whole")
    func whole() {
        let rights = Rights([Grant(.admin, in: "dev")])
        for permission in Permission.allCases where !permission.isOfEnvironment && !permission.isForAll {
            #expect(!rights.may(permission), "\(permission.rawValue)")
            #expect(!rights.may(permission, in: "dev"), "\(permission.rawValue)")
            #expect(!rights.maySomewhere(permission), "\(permission.rawValue)")
        }
        #expect(rights.may(.membersRead))
    }

    @Test("scopes narrow and never widen")
    func scopes() throws {
        let narrowed = Rights([Grant(.engineer)], scopes: try Scope.permissions(of: ["read"]))
        #expect(narrowed.may(.runsRead))
        #expect(!narrowed.may(.runsManage))
        let wide = Rights([Grant(.viewer)], scopes: try Scope.permissions(of: ["all"]))
        #expect(!wide.may(.runsManage))
        #expect(narrowed.environments(for: .runsManage) == [])
        #expect(!Rights([Grant(.owner)], scopes: []).may(.systemRead))
    }

    @Test("scopes that do not exist are refused", arguments: [[], ["everything"], ["read", ""], ["runs.*"]])
    func wrongScopes(_ names: [String]) {
        #expect(throws: Problem.self) { try Scope.permissions(of: names) }
    }

    @Test("no role: nothing")
    func nobody() {
        for permission in Permission.allCases {
            #expect(!Rights([]).may(permission))
            #expect(!Rights([]).maySomewhere(permission))
        }
    }

    @Test("the reason names the role that gives it, or those that would")
    func reasons() {
        let rights = Rights([Grant(.engineer, in: "dev")])
        #expect(
            rights.explain(.runsManage, in: "dev").reason
                == "The role engineer in dev may cancel, retry and resolve runs.")
        #expect(
            rights.explain(.runsManage, in: "prod").reason
                == "To cancel, retry and resolve runs in prod takes one of the roles engineer, admin, owner. "
                + "There is only engineer in dev.")
        #expect(
            Rights([Grant(.admin)]).explain(.organizationDelete).reason
                == "To delete the organization takes the role owner. There is only admin.")
        #expect(
            Rights([Grant(.owner)], scopes: [.runsRead]).explain(.dataRead).reason
                == "The role owner may see tables and run SQL, but this token's scopes leave it out.")
    }
}
