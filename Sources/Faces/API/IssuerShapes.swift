import Wire

extension Shapes {
    static let issuerRequest = Shape(
        name: "IssuerRequest", note: "An OpenID provider, and what the application is called there.",
        fields: [
            .open("label", .text(), "What the button says; the name if absent."),
            Field("issuer", .text(), "The identifier, exactly as the provider writes it."),
            Field("client_id", .text()),
            .open("client_secret", .text(), "Absent: a public client, or the one that is kept already."),
            .open("authentication", .words(authentications), "`client_secret_basic` if absent and there is a secret."),
            .open("scopes", .list(.text()), "`openid`, `email`, `profile` if absent."),
            .open("groups_claim", .text(), "`groups` if absent."),
            .open("algorithms", .list(.words(algorithms)), "`RS256`, `PS256`, `ES256` if absent."),
            .open("trusted_domains", .list(.text()), "E-mail domains whose addresses need no `email_verified`."),
            .open("hosted_domain", .text(), "Google's `hd`: only accounts of this domain."),
            .open("tenants", .list(.text()), "Entra ID's `tid`: only accounts of these tenants."),
        ])

    private static let authentications = ["client_secret_basic", "client_secret_post", "none"]
    private static let algorithms = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]

    static let issuer = Shape(
        name: "Issuer", note: "An OpenID provider that people sign in with.",
        fields: [
            Field("name", .text()),
            Field("label", .text(), "What the button says."),
            Field("issuer", .text()),
            Field("client_id", .text()),
            Field("authentication", .words(authentications)),
            Field("scopes", .list(.text())),
            Field("groups_claim", .text()),
            Field("algorithms", .list(.words(algorithms))),
            Field("trusted_domains", .list(.text())),
            .optional("hosted_domain", .text()),
            Field("tenants", .list(.text())),
            Field("is_shared", .boolean, "Whether all organizations may have rules for it."),
            Field("is_own", .boolean, "Whether the caller's organization may change it."),
            Field("redirect_url", .text(), "To be registered at the provider."),
            Field("backchannel_logout_url", .text(), "To be registered at the provider."),
        ])

    static let issuerList = Shape(
        name: "IssuerList", note: "Issuers, by name.", fields: [Field("issuers", .list(.shape(issuer)))])

    static let issuerCheck = Shape(
        name: "IssuerCheck", note: "What a provider answers now.",
        fields: [
            Field("issuer", .text()),
            Field("authorization_endpoint", .text()),
            Field("token_endpoint", .text()),
            Field("keys", .integer(least: 1), "Keys that tokens can be checked with."),
            Field("has_user_info", .boolean),
            Field("has_logout", .boolean),
        ])

    static let signInRuleRequest = Shape(
        name: "SignInRuleRequest", note: "Which accounts of an issuer are let in, with which role.",
        fields: [
            Field("issuer", .text(), "The issuer's name."),
            Field("kind", .words(["domain", "claim", "group"])),
            .open("claim", .text(), "Of the kind `claim`: its name."),
            Field("value", .text(), "The domain, the claim's value or the group."),
            Field("role", .words(["admin", "engineer", "analyst", "viewer", "billing"])),
            .open("environment", environments, "The whole organization if absent."),
        ])

    static let signInRule = Shape(
        name: "SignInRule", note: "Which accounts of an issuer are let in, with which role.",
        fields: [
            Field("rule_id", .text(format: "uuid")),
            Field("issuer", .text()),
            Field("kind", .words(["domain", "claim", "group"])),
            .optional("claim", .text()),
            Field("value", .text()),
            Field("role", .text()),
            .optional("environment", .text(), "The whole organization if absent."),
        ])

    static let signInRuleList = Shape(
        name: "SignInRuleList", note: "Rules of sign-in.", fields: [Field("rules", .list(.shape(signInRule)))])
}
