import Wire

/// Accounts, sessions, tokens and services for people.
enum AccountText {
    static func text(of account: AccountView, at address: String) -> String {
        let display = account.display == account.name ? "" : " (\(account.display.withoutControls))"
        var lines = [
            "\(account.name.withoutControls)\(display) in \(account.organization.withoutControls) at \(address)"
        ]
        lines.append("roles: " + (account.roles.isEmpty ? "none" : words(of: account.roles)))
        if let permissions = account.permissions {
            lines.append("this token: only " + permissions.joined(separator: ", ").withoutControls)
        }
        return lines.map { $0 + "\n" }.joined()
    }

    static func text(of sessions: [SessionView], style: Style) -> String {
        guard !sessions.isEmpty else { return "No browser is signed in.\n" }
        var grid = Grid(
            columns: [.init("session", isWhole: true)] + ["browser", "since", "last used", "from"].map { .init($0) })
        grid.rows = sessions.map { session in
            [
                session.sessionID, (session.browser ?? "-").withoutControls, session.createdAt.minute,
                session.lastUsedAt?.minute ?? "-", session.lastUsedFrom ?? session.createdFrom ?? "-",
            ]
        }
        return grid.lines(style: style).map { $0 + "\n" }.joined()
    }

    static func text(of tokens: [TokenView], style: Style) -> String {
        guard !tokens.isEmpty else {
            return "There is no token. Make one with: weir tokens create NAME --scopes read\n"
        }
        var grid = Grid(
            columns: [.init("token", isWhole: true)]
                + ["begins", "name", "of", "scopes", "expires", "last used", "from"].map { .init($0) })
        grid.rows = tokens.map { token in
            [
                token.tokenID, (token.prefix ?? "-").withoutControls, (token.name ?? "-").withoutControls,
                token.owner.withoutControls, token.scopes.joined(separator: ", ").withoutControls,
                token.expiresAt?.minute ?? "never", token.lastUsedAt?.minute ?? "-", token.lastUsedFrom ?? "-",
            ]
        }
        return grid.lines(style: style).map { $0 + "\n" }.joined()
    }

    static func text(of made: TokenMade) -> String {
        let token = made.token
        return """
            \(made.secret)
            It is shown this once. It speaks for \(token.owner.withoutControls), may \(token.scopes.joined(separator: ", ")), \
            and ends \(token.expiresAt?.minute ?? "never").
            Revoke it with: weir tokens revoke \(token.tokenID)

            """
    }

    static func text(of services: [ServiceView], style: Style) -> String {
        guard !services.isEmpty else {
            return "There is no service. Make one with: weir services create NAME --role engineer:dev\n"
        }
        var grid = Grid(
            columns: [
                .init("service"), .init("roles"), .init("tokens", isNumber: true), .init("since"), .init("last seen"),
            ])
        grid.rows = services.map { service in
            [
                service.name.withoutControls, words(of: service.roles), String(service.tokens),
                service.createdAt.minute, service.lastSeenAt?.minute ?? "-",
            ]
        }
        return grid.lines(style: style).map { $0 + "\n" }.joined()
    }

    private static func words(of roles: [PlacedRole]) -> String {
        roles.map { role in role.role.withoutControls + (role.environment.map { " in \($0.withoutControls)" } ?? "") }
            .joined(separator: ", ")
    }
}
