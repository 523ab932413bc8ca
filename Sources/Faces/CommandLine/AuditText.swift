import Foundation
import Wire

/// The audit for people.
struct AuditText {
    let style: Style

    func text(of lines: [AuditLine]) -> String {
        guard !lines.isEmpty else { return "The audit has no line like that.\n" }
        var grid = Grid(columns: [
            .init("line", isNumber: true), .init("when", isWhole: true), .init("who"), .init("did"), .init("to"),
            .init("outcome"), .init("from"),
        ])
        grid.rows = lines.map { line in
            [
                String(line.sequence), second(line.at), line.who.withoutControls, line.action,
                target(line) ?? "-", outcome(line), (line.address ?? "-").withoutControls,
            ]
        }
        return grid.lines(style: style) { column, text in
            column == 5 && text != "done" ? style.red(text) : text
        }.map { $0 + "\n" }.joined()
    }

    /// One line with all that it holds.
    func whole(_ line: AuditLine) -> String {
        let facts: [(String, String?)] = [
            ("line", String(line.sequence)), ("when", line.at), ("who", "\(line.who) (\(line.whoKind))"),
            ("id", line.whoID), ("credential", line.credentialID), ("did", line.action), ("to", target(line)),
            ("outcome", outcome(line)), ("from", line.address), ("client", line.userAgent),
            ("correlation", line.correlationID), ("hash", line.hash), ("follows", line.previousHash),
        ]
        let named = facts.compactMap { name, value in
            value.map { "\(name.padded(to: 12))\($0.withoutControls)\n" }
        }
        return (named + changes(line)).joined()
    }

    func text(of found: AuditVerification) -> String {
        let lines = "\(Figures.grouped(Int(found.lines))) \(found.lines == 1 ? "line" : "lines")"
        let cut = found.first > 1 ? " Older ones than line \(found.first) were cut by retention." : ""
        guard !found.isWhole else {
            return style.green("Whole") + ": \(lines) verified up to \(found.head).\(cut)\n"
        }
        let faults = found.faults.map { "  \($0.words)\n" }.joined()
        return style.red("NOT whole") + ": \(lines) checked up to \(found.head).\(cut)\n" + faults
    }

    private func changes(_ line: AuditLine) -> [String] {
        let old = line.before.map { AuditChange.fields(of: $0) } ?? [:]
        let new = line.after.map { AuditChange.fields(of: $0) } ?? [:]
        return Set(old.keys).union(new.keys).sorted().flatMap { name -> [String] in
            let label = name.withoutControls
            if old[name] == new[name] { return ["  \(label): \((old[name] ?? "").withoutControls)\n"] }
            return [
                old[name].map { style.red("- \(label): \($0.withoutControls)") + "\n" },
                new[name].map { style.green("+ \(label): \($0.withoutControls)") + "\n" },
            ].compactMap(\.self)
        }
    }

    private func target(_ line: AuditLine) -> String? {
        let parts = [line.targetKind, line.target].compactMap(\.self)
        return parts.isEmpty ? nil : parts.joined(separator: " ").withoutControls
    }

    private func outcome(_ line: AuditLine) -> String {
        line.problem.map { "\(line.outcome): \($0)" } ?? line.outcome
    }

    /// To the second: `2026-11-25 08:00:00`.
    private func second(_ at: String) -> String { String(at.prefix(19)).replacing("T", with: " ") }
}
