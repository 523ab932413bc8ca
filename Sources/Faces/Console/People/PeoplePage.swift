import Foundation
import Kernel
import Roles
import Wire

/// All members, and a form for another one.
struct PeoplePage: Sendable {
    let members: [MemberRow]
    let summary: String
    let isAlone: Bool
    let mayManage: Bool
    let email: String
    let roles: [Choice]
    let places: [Choice]
    let problem: ProblemNote?

    init(_ members: [MemberView], form: InviteForm, caller: Caller, now: Date, problem: Problem?) {
        self.members = members.map { MemberRow($0, now: now) }
        let invited = members.count { $0.state == "invited" }
        summary =
            Readable.plural(members.count, "member") + (invited > 0 ? ", \(invited) of them invited" : "")
        isAlone = members.count < 2
        mayManage = caller.may(.membersManage)
        email = form.email
        roles = RoleChoices.roles(for: caller, chosen: form.role.role ?? Role.viewer.rawValue)
        places = RoleChoices.places(chosen: form.role.environment)
        self.problem = problem.map { ProblemNote($0) }
    }
}

/// What forms offer.
enum RoleChoices {
    /// Those that the caller may give, from the least to the most.
    static func roles(for caller: Caller, chosen: String) -> [Choice] {
        Role.allCases.filter { $0.mayBeGiven(by: caller.rights) }.map {
            Choice(value: $0.rawValue, label: "\($0.rawValue): \($0.words)", isChosen: $0.rawValue == chosen)
        }
    }

    static func places(chosen: String?) -> [Choice] {
        [Choice(value: "", label: "All environments", isChosen: chosen == nil)]
            + Place.names.map { Choice(value: $0, label: $0, isChosen: $0 == chosen) }
    }
}

struct MemberRow: Sendable {
    let id: String
    let address: String
    let name: String
    let display: String
    /// Whether the name says more than what people call them.
    let isNamedTwice: Bool
    let state: StateBadge?
    let kind: String?
    let isYou: Bool
    let roles: [RoleRow]
    let isWithoutRole: Bool
    let seen: Moment?
    let invitedBy: String?

    init(_ member: MemberView, now: Date) {
        id = member.memberID
        address = "/people/\(member.memberID.encodedForAddress)"
        name = member.name
        display = member.display
        isNamedTwice = member.name != member.display
        state =
            switch member.state {
            case "invited": StateBadge(word: "Invited", style: "pending")
            case "deactivated": StateBadge(word: "Deactivated", style: "failed")
            default: nil
            }
        kind =
            switch member.kind {
            case "local": "whoever holds the data folder"
            case "service": "service"
            default: nil
            }
        isYou = member.isCaller
        roles = member.roles.map { RoleRow($0) }
        isWithoutRole = member.roles.isEmpty
        seen = member.lastSeenAt.map { Moment($0, now: now) }
        invitedBy = member.invitedBy
    }
}

/// A role that a member has.
struct RoleRow: Sendable {
    let role: String
    let environment: String
    let label: String
    let words: String
    /// The rule of sign-in that gave it; nil: a person.
    let rule: String?

    init(_ held: GrantView) {
        role = held.role.rawValue
        environment = held.environment ?? ""
        label = held.role.rawValue + (held.environment.map { " in \($0)" } ?? "")
        words = held.role.words
        rule = held.origin == "person" ? nil : String(held.origin.prefix { $0 != ":" })
    }
}

/// One member, their roles, and what can be done.
struct MemberPage: Sendable {
    let member: MemberRow
    let facts: String
    let roles: [Choice]
    let places: [Choice]
    let permissions: [Choice]
    let mayManage: Bool
    /// Whether they can be shut out: the local admin cannot.
    let canBeShutOut: Bool
    let isDeactivated: Bool
    let problem: ProblemNote?

    init(_ found: MemberView, caller: Caller, now: Date, problem: Problem?) {
        member = MemberRow(found, now: now)
        facts =
            "Since \(Moment(found.createdAt, now: now).exact)" + (found.invitedBy.map { ", invited by \($0)" } ?? "")
        roles = RoleChoices.roles(for: caller, chosen: Role.viewer.rawValue)
        places = RoleChoices.places(chosen: nil)
        permissions = RolesPage.permissions(chosen: nil)
        mayManage = caller.may(.membersManage)
        canBeShutOut = found.kind != "local"
        isDeactivated = found.state == "deactivated"
        self.problem = problem.map { ProblemNote($0) }
    }
}

/// The link, shown once.
struct InvitationPage: Sendable {
    let email: String
    let link: String
    let expires: Upcoming
    let isMailed: Bool
    let mailProblem: String?
    let isUnmailed: Bool

    init(_ made: InvitationMade, now: Date) {
        email = made.member.name
        link = made.joinURL
        expires = Upcoming(made.expiresAt, zone: nil, now: now)
        isMailed = made.isMailed
        mailProblem = made.mailProblem
        isUnmailed = !made.isMailed && made.mailProblem == nil
    }
}
