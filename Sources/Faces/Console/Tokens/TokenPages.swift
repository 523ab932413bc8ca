import Foundation
import Kernel
import Roles
import Wire

struct TokensPage: Sendable {
    let tokens: [TokenRow]
    let isAdmin: Bool
    let services: [ServiceRow]
    let roles: [Choice]
    let environments: [Choice]
    /// As it was typed.
    let serviceName: String
    let problem: ProblemNote?

    static let roles = [Role.engineer, .analyst, .viewer, .billing, .admin].map { role in
        Choice(value: role.rawValue, label: "\(role.rawValue): \(role.words)", isChosen: role == .engineer)
    }

    static let environments = Choice.places(chosen: "dev")
}

struct TokenRow: Sendable {
    let name: String
    let beginning: String
    let owner: String
    let isService: Bool
    let isThis: Bool
    let scopes: [String]
    let created: Moment
    let expires: Ending?
    let used: Moment?
    let usedFrom: String?
    let address: String
    /// Whether its reader gets the new secret.
    let mayRotate: Bool

    init(_ token: TokenView, now: Date, reader: Caller) {
        name = token.name ?? "A token without a name"
        beginning = token.prefix.map { "\($0)…" } ?? "no known beginning"
        owner = token.owner
        isService = token.isService
        isThis = token.isThis
        scopes = token.scopes
        created = Moment(token.createdAt, now: now)
        expires = token.expiresAt.map { Ending($0, now: now) }
        used = token.lastUsedAt.map { Moment($0, now: now) }
        usedFrom = token.lastUsedFrom
        address = "/tokens/\(token.tokenID)"
        mayRotate = token.prefix != nil && (token.isService || token.owner == reader.name)
    }
}

/// A moment to come, for people: `in 3 days`.
struct Ending: Sendable {
    let text: String
    let exact: String
    /// Whether it comes within a week.
    let isSoon: Bool

    init(_ moment: String, now: Date) {
        exact = Moment(moment, now: now).exact
        let seconds = Moment.parse(moment)?.timeIntervalSince(now) ?? 0
        isSoon = seconds < 7 * 86_400
        text =
            seconds < 5400
            ? "in \(max(1, Int(seconds / 60))) min"
            : seconds < 129_600
                ? "in \(Int((seconds / 3600).rounded())) h"
                : "in \(Readable.plural(Int((seconds / 86_400).rounded()), "day"))"
    }
}

struct ServiceRow: Sendable {
    let name: String
    let roles: [String]
    let tokens: String
    let seen: Moment?
    let address: String
    let tokenAddress: String

    init(_ service: ServiceView, now: Date) {
        name = service.name
        roles = service.roles.map { role in role.role + (role.environment.map { " in \($0)" } ?? "") }
        tokens = Readable.plural(service.tokens, "token")
        seen = service.lastSeenAt.map { Moment($0, now: now) }
        address = "/services/\(service.name.encodedForAddress)"
        tokenAddress = "/tokens/new?service=\(service.name.encodedForAddress)"
    }
}

/// The form of a token as it was sent.
struct TokenForm: Sendable {
    let name: String
    let scopes: [String]
    let days: Int?
    let service: String?

    init(_ form: Form) {
        name = form["name"] ?? ""
        let scope = form["scope"] ?? "read"
        scopes = scope == "chosen" ? form.all("permission") : [scope]
        days = (form["days"] ?? "\(TokenDays.usual)").split(separator: " ").first.flatMap { Int($0) }
        service = form["service"]
    }

    var request: TokenRequest { TokenRequest(name: name, scopes: scopes, days: days ?? 0, service: service) }
}

struct TokenFormPage: Sendable {
    let name: String
    let isRead: Bool
    let isAll: Bool
    let isChosen: Bool
    let permissions: [Choice]
    let days: String
    let services: [Choice]
    let problem: ProblemNote?

    init(_ form: TokenForm, services: [ServiceView], caller: Caller, problem: Problem?) {
        name = form.name
        isRead = form.scopes == ["read"]
        isAll = form.scopes == ["all"]
        isChosen = !isRead && !isAll
        permissions = Permission.allCases.filter { caller.rights.maySomewhere($0) }.map { permission in
            Choice(
                value: permission.rawValue, label: permission.words,
                isChosen: form.scopes.contains(permission.rawValue))
        }
        days = form.days.map(String.init) ?? ""
        self.services =
            services.isEmpty
            ? []
            : [Choice(value: "", label: "Me", isChosen: form.service == nil)]
                + services.map { Choice(value: $0.name, label: $0.name, isChosen: $0.name == form.service) }
        self.problem = problem.map { ProblemNote($0) }
    }
}

struct TokenMadePage: Sendable {
    let secret: String
    let token: TokenRow
    let old: String?
}
