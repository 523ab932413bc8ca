import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// The permission table as people read it, and why somebody may do something or not.
struct RolesArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/roles", .membersRead) { visit in
            let query = visit.call.query
            var answer: AccessAnswer?
            var problem: Problem?
            if let member = query["member"], let permission = query["permission"] {
                do {
                    answer = try await console.operations.explain(
                        permission, of: member, in: query["environment"], as: visit.caller)
                } catch let refusal as Problem where refusal.code.isForPerson {
                    problem = refusal
                }
            }
            let view = RolesPage(
                members: try await console.operations.members(as: visit.caller), asked: query, answer: answer,
                problem: problem)
            let status = HTTPResponse.Status(problem)
            return console.pages.page("roles", view, Heading("Roles", .roles), visit: visit, status: status)
        }
    }
}

/// Rows are permissions, columns are roles.
struct RolesPage: Sendable {
    let roles: [Heading]
    let groups: [Group]
    let members: [Choice]
    let permissions: [Choice]
    let places: [Choice]
    let answer: Answer?
    let problem: ProblemNote?

    struct Heading: Sendable {
        let name: String
        let words: String
    }

    struct Group: Sendable {
        let title: String
        let rows: [Row]
    }

    struct Row: Sendable {
        let permission: String
        let words: String
        let cells: [Cell]
    }

    struct Cell: Sendable {
        let may: Bool
    }

    struct Answer: Sendable {
        let isAllowed: Bool
        let question: String
        let reason: String
    }

    init(members: [MemberView], asked: Form, answer: AccessAnswer?, problem: Problem?) {
        roles = Role.allCases.map { Heading(name: $0.rawValue, words: $0.words) }
        groups = [
            Group(title: "In an environment", rows: Self.rows { $0.isOfEnvironment }),
            Group(title: "In the organization", rows: Self.rows { !$0.isOfEnvironment }),
        ]
        self.members = members.map {
            Choice(
                value: $0.memberID, label: $0.name == $0.display ? $0.name : "\($0.display) (\($0.name))",
                isChosen: $0.memberID == asked["member"])
        }
        permissions = Self.permissions(chosen: asked["permission"])
        places = RoleChoices.places(chosen: asked["environment"])
        self.answer = answer.map { found in
            let place = found.environment.map { " in \($0)" } ?? ""
            return Answer(
                isAllowed: found.isAllowed,
                question: "\(found.member) \(found.isAllowed ? "may" : "may not") \(found.permission.words)\(place).",
                reason: found.reason)
        }
        self.problem = problem.map { ProblemNote($0) }
    }

    private static func rows(_ isMeant: (Permission) -> Bool) -> [Row] {
        Permission.allCases.filter(isMeant).map { permission in
            Row(
                permission: permission.rawValue, words: permission.words.capitalizedFirst,
                cells: Role.allCases.map { Cell(may: $0.permissions.contains(permission)) })
        }
    }

    static func permissions(chosen: String?) -> [Choice] {
        Permission.allCases.map {
            Choice(value: $0.rawValue, label: $0.words.capitalizedFirst, isChosen: $0.rawValue == chosen)
        }
    }
}
