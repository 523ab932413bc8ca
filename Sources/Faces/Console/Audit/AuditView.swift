import Foundation
import Kernel
import Wire

/// The list of lines with its filter.
struct AuditView: Sendable {
    struct Carried: Sendable {
        let name: String
        let value: String
    }

    let lines: [AuditRow]
    let summary: String
    /// Nothing was done at all.
    let isNew: Bool
    let nothingMatches: Bool
    let older: String?
    let newest: String?
    let filter: AuditFilterView
    /// What is chosen, for the forms that export and verify.
    let carried: [Carried]
    /// `sequence:hash`.
    let head: String
    let keeping: String
    let verification: AuditVerificationNote?
    let problem: ProblemNote?

    init(
        _ page: AuditPage, choice: AuditChoice, head: AuditHeadView, isLocal: Bool, now: Date,
        verification: AuditVerificationNote?, problem: Problem?
    ) {
        lines = page.lines.map { AuditRow($0, chain: choice.chain, now: now) }
        let count = Readable.plural(page.lines.count, "line")
        summary = page.next == nil && choice.before == nil ? count : "\(count) on this page"
        isNew = lines.isEmpty && !choice.isFiltered && choice.before == nil
        nothingMatches = lines.isEmpty && !isNew && problem == nil
        older = page.next.map { choice.address(before: $0) }
        newest = choice.before == nil ? nil : choice.address(before: nil)
        filter = AuditFilterView(choice, isLocal: isLocal)
        carried = choice.fields.compactMap { field in field.value.map { Carried(name: field.name, value: $0) } }
        self.head = head.head
        keeping =
            "Lines are kept for \(Readable.plural(head.keepDays, "day"))"
            + (head.first > 1 ? "; those before line \(Readable.count(head.first)) were cut" : "")
        self.verification = verification
        self.problem = problem.map { ProblemNote($0) }
    }
}

/// The form above the list.
struct AuditFilterView: Sendable {
    let text: String
    let who: String
    let action: String
    let target: String
    let from: String
    let until: String
    let outcomes: [Choice]
    /// For those who may see the house's; else empty.
    let chains: [Choice]
    let isOpen: Bool
    let isFiltered: Bool

    init(_ choice: AuditChoice, isLocal: Bool) {
        text = choice.text ?? ""
        who = choice.who ?? ""
        action = choice.action ?? ""
        target = choice.target ?? ""
        from = choice.from ?? ""
        until = choice.until ?? ""
        outcomes = [("", "Any"), ("done", "Done"), ("refused", "Refused"), ("failed", "Failed")].map { value, label in
            Choice(value: value, label: label, isChosen: value == choice.outcome ?? "")
        }
        chains =
            isLocal
            ? [("organization", "This organization"), ("house", "The house: what belongs to none")].map {
                value, label in
                Choice(value: value, label: label, isChosen: value == choice.chain.rawValue)
            } : []
        isFiltered = choice.isFiltered
        isOpen =
            choice.chain != .organization
            || [choice.who, choice.action, choice.target, choice.outcome, choice.from, choice.until].contains {
                $0 != nil
            }
    }
}

/// A line in the list.
struct AuditRow: Sendable {
    let address: String
    let who: String
    let action: String
    let target: String
    let state: StateBadge
    let problem: String?
    let at: Moment
    let from: String

    init(_ line: AuditLine, chain: AuditChain, now: Date) {
        address = Address.make(
            "/audit/lines/\(line.sequence)", [("chain", chain == .organization ? nil : chain.rawValue)])
        who = line.who
        action = line.action
        target = [line.targetKind, line.target].compactMap(\.self).joined(separator: " ")
        state = StateBadge(outcome: line.outcome)
        problem = line.problem.map(Self.words)
        at = Moment(line.at, now: now)
        from = line.address ?? ""
    }

    /// `not_found` → `There is no such thing`; a code of another version as it is.
    static func words(_ code: String) -> String { Problem.Code(rawValue: code)?.title ?? code }
}

extension StateBadge {
    fileprivate init(outcome: String) {
        switch outcome {
        case "done": self.init(word: "Done", style: "success")
        case "refused": self.init(word: "Refused", style: "paused")
        default: self.init(word: "Failed", style: "failed")
        }
    }
}

/// One line with what changed.
struct AuditLineView: Sendable {
    struct Fact: Sendable {
        let name: String
        let value: String
    }

    /// A setting; the same on both sides if it was not changed.
    struct Change: Sendable {
        let name: String
        let before: String?
        let after: String?
        let isChanged: Bool
    }

    let title: String
    let state: StateBadge
    let at: Moment
    let who: String
    let back: String
    let facts: [Fact]
    let changes: [Change]

    init(_ line: AuditLine, chain: AuditChain, now: Date) {
        title = "Line \(Readable.count(line.sequence)): \(line.action)"
        state = StateBadge(outcome: line.outcome)
        at = Moment(line.at, now: now)
        who = line.who
        back = Address.make("/audit", [("chain", chain == .organization ? nil : chain.rawValue)])
        let all: [(String, String?)] = [
            ("Who", "\(line.who) (\(line.whoKind))"), ("Their id", line.whoID),
            ("Token or session", line.credentialID), ("Did", line.action),
            ("To", [line.targetKind, line.target].compactMap(\.self).joined(separator: " ")),
            ("Problem", line.problem.map(AuditRow.words)), ("From", line.address), ("Client", line.userAgent),
            ("Correlation id", line.correlationID), ("At", line.at), ("Hash", line.hash),
            ("Follows", line.previousHash),
        ]
        facts = all.compactMap { name, value in
            value.flatMap { $0.isEmpty ? nil : Fact(name: name, value: $0) }
        }
        let old = line.before.map { AuditChange.fields(of: $0) } ?? [:]
        let new = line.after.map { AuditChange.fields(of: $0) } ?? [:]
        changes = Set(old.keys).union(new.keys).sorted().map { name in
            Change(name: name, before: old[name], after: new[name], isChanged: old[name] != new[name])
        }
    }
}

/// How a check went.
struct AuditVerificationNote: Sendable {
    let isWhole: Bool
    let summary: String
    let faults: [String]

    init(_ found: AuditVerification) {
        isWhole = found.isWhole
        let lines = Readable.plural(found.lines, "line")
        summary =
            found.isWhole
            ? "Verified just now: \(lines), nothing changed, removed or put in."
            : "Checked just now: \(lines). The audit is not whole."
        faults = found.faults.map(\.words)
    }
}
