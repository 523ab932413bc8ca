import Roles
import Wire

extension Shapes {
    static let tokenRequest = Shape(
        name: "TokenRequest", note: "A token for oneself, or for a service.",
        fields: [
            Field("name", .formed(.line(most: 100)), "What it is for."),
            Field("scopes", .list(.words(Scope.names)), "`read`, `all` (whatever the roles give), or permissions."),
            .open("days", .integer(least: 1, most: TokenDays.most), "How long it lasts; \(TokenDays.usual) if absent."),
            .open("service", .text(), "A service's name; one's own token if absent."),
        ])

    static let tokenRotation = Shape(
        name: "TokenRotation", note: "How long the old secret goes on, and how long the new one lasts.",
        fields: [
            .open("grace_hours", .integer(least: 0, most: TokenDays.mostGraceHours), "24 if absent."),
            .open("days", .integer(least: 1, most: TokenDays.most), "As long as the old one was made for if absent."),
        ])

    static let token = Shape(
        name: "Token", note: "A token, without its secret.",
        fields: [
            Field("token_id", .text(format: "uuid")),
            .optional("name", .text(), "What it is for."),
            .optional("prefix", .text(), "How it begins: `weir_token_AbCd`."),
            Field("owner", .text(), "Who it speaks for."),
            Field("is_service", .boolean),
            Field("scopes", .list(.text()), "`all` if nothing narrows it."),
            .optional("created_by", .text()),
            Field("created_at", .text(format: "date-time")),
            .optional("expires_at", .text(format: "date-time")),
            .optional("last_used_at", .text(format: "date-time"), "Within a minute."),
            .optional("last_used_from", .text(), "An IP address."),
            Field("is_this", .boolean, "Whether this request came with it."),
        ])

    static let tokenList = Shape(
        name: "TokenList", note: "Tokens, the newest first.", fields: [Field("tokens", .list(.shape(token)))])

    static let tokenMade = Shape(
        name: "TokenMade", note: "A new token.",
        fields: [
            Field("token", .shape(token)),
            Field("secret", .text(), "`weir_token_…`. It is shown this once."),
        ])

    static let roleView = Shape(
        name: "RoleHeld", note: "A role.",
        fields: [
            Field("role", .words(Role.allCases.map(\.rawValue))),
            .open("environment", environments, "The whole organization if absent."),
        ])

    static let serviceRequest = Shape(
        name: "ServiceRequest", note: "A member that is a program.",
        fields: [
            Field("name", .formed(.service), "a to z, digits and -, led by a letter, at most 60."),
            Field("roles", .list(.shape(roleView))),
        ])

    static let service = Shape(
        name: "Service", note: "A member that is a program.",
        fields: [
            Field("service_id", .text(format: "uuid")),
            Field("name", .text()),
            Field("roles", .list(.shape(roleView))),
            Field("created_at", .text(format: "date-time")),
            .optional("last_seen_at", .text(format: "date-time")),
            Field("tokens", .integer(least: 0), "Tokens that are not over."),
        ])

    static let serviceList = Shape(
        name: "ServiceList", note: "Services, by name.", fields: [Field("services", .list(.shape(service)))])
}
