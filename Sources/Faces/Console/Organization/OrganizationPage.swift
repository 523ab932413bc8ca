import Foundation
import Kernel
import Roles
import Wire

struct OrganizationPage: Sendable {
    let slug: String
    let name: String
    let since: String
    let environments: [EnvironmentRow]
    let isActive: Bool
    let suspended: String?
    /// When it is gone, if it is being deleted.
    let gone: Upcoming?
    let mayManage: Bool
    /// Whether the caller may open, close and delete it.
    let isOwner: Bool
    let hasDanger: Bool
    let problem: ProblemNote?

    init(_ found: OrganizationView, caller: Caller, now: Date, problem: Problem?) {
        slug = found.slug
        name = found.name
        since = Moment(found.createdAt, now: now).exact
        mayManage = caller.may(.organizationManage)
        environments = found.environments.map { [mayManage] in EnvironmentRow($0, mayManage: mayManage) }
        isActive = found.state == "active"
        suspended = found.state == "suspended" ? found.stateReason ?? "no reason was given" : nil
        gone = found.deleteAfter.map { Upcoming($0, zone: nil, now: now) }
        isOwner = caller.may(.organizationDelete)
        hasDanger = isOwner || mayManage
        self.problem = problem.map { ProblemNote($0) }
    }
}

struct EnvironmentRow: Sendable {
    let name: String
    let facts: String
    let sizes: [Choice]
    let keepRunsDays: String
    let keepLogsDays: String
    let keepDataDays: String
    let budget: String
    let budgetWords: String
    let mayManage: Bool

    init(_ found: EnvironmentView, mayManage: Bool) {
        name = found.environment
        facts = "\(found.size.capitalizedFirst) warehouse"
        sizes = EnvironmentRequest.sizes.map { Choice(value: $0, label: $0, isChosen: $0 == found.size) }
        keepRunsDays = String(found.keepRunsDays)
        keepLogsDays = String(found.keepLogsDays)
        keepDataDays = String(found.keepDataDays)
        budget = found.monthlyBudget.map { String(format: "%.2f", $0) } ?? ""
        budgetWords = found.monthlyBudget.map { String(format: "%.2f a month", $0) } ?? "no limit"
        self.mayManage = mayManage
    }
}

/// What a form says of an environment.
enum EnvironmentForm {
    /// - Throws: `invalidInput` for what is no number.
    static func request(_ form: Form) throws -> EnvironmentRequest {
        EnvironmentRequest(
            size: form["size"] ?? "", keepRunsDays: try days(form["keepRunsDays"]),
            keepLogsDays: try days(form["keepLogsDays"]), keepDataDays: try form["keepDataDays"].map { try days($0) },
            monthlyBudget: try form["budget"].map(amount))
    }

    private static func days(_ text: String?) throws -> Int {
        guard let days = text.flatMap({ Int($0) }) else {
            throw Problem(
                .invalidInput, "It is not said how long to keep runs, logs and old data.", hint: "Give whole days.")
        }
        return days
    }

    private static func amount(_ text: String) throws -> Double {
        guard let amount = Double(text), amount.isFinite else {
            throw Problem(.invalidInput, "The budget is no number.", hint: "Write 250, or leave it empty for none.")
        }
        return amount
    }
}

/// Asks once more before an organization is closed.
struct EndPage: Sendable {
    enum End: Sendable { case suspend, delete }

    let question: String
    let text: String
    let action: String
    let button: String
    let asksWhy: Bool
    let slug: String
    let problem: ProblemNote?

    init(_ end: End, of found: OrganizationView, problem: Problem?) {
        slug = found.slug
        asksWhy = end == .suspend
        switch end {
        case .suspend:
            question = "Suspend \(found.name)?"
            text =
                "Nobody can work in it, schedules do not fire, and no job starts; what runs goes on. An owner can resume it."
            button = "Suspend it"
            action = "/organization/suspend"
        case .delete:
            question = "Delete \(found.name)?"
            text =
                "It is closed now. In 30 days its warehouses, lake, models, runs, people and secrets are removed for good; until then an owner can restore it."
            button = "Delete it"
            action = "/organization/delete"
        }
        self.problem = problem.map { ProblemNote($0) }
    }
}
