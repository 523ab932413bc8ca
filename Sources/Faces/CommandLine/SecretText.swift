import Wire

/// Secrets for people: never a value.
struct SecretText {
    let style: Style

    func text(of secrets: [SecretView]) -> String {
        guard !secrets.isEmpty else {
            return "There are no secrets yet. They come with what uses them: clone a source with weir clone URL.\n"
        }
        var grid = Grid(
            columns: [
                .init("secret", isWhole: true), .init("version", isNumber: true), .init("changed"), .init("by"),
                .init("used by"),
            ])
        grid.rows = secrets.map { secret in
            [
                secret.name.withoutControls, secret.version == 0 ? "-" : String(secret.version),
                secret.changedAt.minute,
                secret.changedBy?.withoutControls ?? "Weirhouse",
                secret.uses.isEmpty ? "nothing" : secret.uses.map(\.what.withoutControls).joined(separator: ", "),
            ]
        }
        return grid.lines(style: style).map { $0 + "\n" }.joined()
    }

    /// What stops when it is gone.
    func warning(of secret: SecretView) -> String {
        guard !secret.uses.isEmpty else { return "Nothing uses \(secret.name.withoutControls)." }
        return
            (["Without \(secret.name.withoutControls):"]
            + secret.uses.map { "  \($0.what.withoutControls): \($0.without.withoutControls)" })
            .joined(separator: "\n")
    }

    func text(of store: SecretStoreView) -> String {
        var lines = ["Secrets are kept in: \(store.place.withoutControls)"]
        if let problem = store.problem {
            lines.append(style.red("It cannot be used: \(problem.line)"))
        } else {
            lines.append(style.green("It can be used."))
        }
        lines += store.masterKeys.map { use in
            guard let id = use.masterKey else {
                return
                    "\(use.count) secrets are sealed under a master key itself, as before; weir secrets rotate-keys changes that"
            }
            return
                "Master key \(id): \(use.count) data keys\(use.seals ? "; it seals what is new" : "; it is an old one")"
        }
        if store.waiting > 0 {
            lines.append("\(store.waiting) are in the metadata database still; they move when they are used.")
        }
        return lines.map { $0 + "\n" }.joined()
    }
}
