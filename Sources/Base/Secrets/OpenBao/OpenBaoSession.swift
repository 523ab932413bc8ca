import Foundation
import Kernel
import Outbound

/// Weirhouse's token at OpenBao: got by AppRole, renewed after two thirds of its time, got anew when it cannot be.
/// (OpenBao API: "AppRole auth method", "Token auth method".)
actor OpenBaoSession {
    private let location: OpenBaoLocation
    private let signIn: OpenBaoSignIn
    private let http: OutboundHTTP
    private var token: Token?
    /// Only one signs in at a time; the others wait for it.
    private var underway: Task<Token, any Error>?
    private var renewal: Task<Void, Never>?

    struct Token: Sendable {
        let secret: Secret<String>
        /// Nil: it does not end.
        let end: ContinuousClock.Instant?
        let isRenewable: Bool

        var isOver: Bool { end.map { $0 <= .now } ?? false }
    }

    init(_ location: OpenBaoLocation, _ signIn: OpenBaoSignIn, http: OutboundHTTP) {
        self.location = location
        self.signIn = signIn
        self.http = http
    }

    deinit { renewal?.cancel() }

    /// A token that is good as far as is known.
    /// - Throws: `secretsRefused`, `secretsUnavailable`.
    func current() async throws -> Secret<String> {
        if let token, !token.isOver { return token.secret }
        return try await fresh().secret
    }

    /// Another token than `refused`, which OpenBao does not take; nil if there can be none.
    func replacement(for refused: Secret<String>) async throws -> Secret<String>? {
        if let token, token.secret != refused, !token.isOver { return token.secret }
        guard case .appRole = signIn else { return nil }
        if token?.secret == refused { token = nil }
        return try await fresh().secret
    }

    private func fresh() async throws -> Token {
        if let underway { return try await underway.value }
        let task = Task { try await obtain() }
        underway = task
        defer { underway = nil }
        let made = try await task.value
        keep(made)
        return made
    }

    private func obtain() async throws -> Token {
        switch signIn {
        case .token(let secret): return try await lookUp(secret)
        case .appRole(let roleID, let secretID):
            let body = ["role_id": roleID, "secret_id": try secretID().reveal()]
            let answer = try await post("auth/\(location.auth)/login", body, token: nil)
            guard answer.status == 200 else {
                throw OpenBaoRefusal.problem(
                    answer, "OpenBao refuses Weirhouse's sign-in with AppRole.",
                    hint: "Give Weirhouse a new secret id of its role.")
            }
            return try answer.decoded(AuthAnswer.self).auth.token
        }
    }

    /// How long a given token is good for, which its first renewal says; one that cannot be renewed is taken as it is.
    private func lookUp(_ secret: Secret<String>) async throws -> Token {
        let request = OutboundRequest(
            "GET", try location.address("auth/token/lookup-self"), headers: headers(secret), timeout: .seconds(10))
        let answer = try await http.ask(request)
        guard answer.status == 200 else {
            throw OpenBaoRefusal.problem(
                answer, "OpenBao does not take Weirhouse's token.", hint: "Give Weirhouse a new one.")
        }
        let found = try answer.decoded(LookUpAnswer.self).data
        return Token(
            secret: secret, end: found.ttl > 0 ? .now + .seconds(found.ttl) : nil, isRenewable: found.renewable ?? false
        )
    }

    /// Remembers a token and sees to it that it is renewed in time.
    private func keep(_ made: Token) {
        token = made
        renewal?.cancel()
        guard let end = made.end else { return }
        let due = (end - .now) * 2 / 3
        renewal = Task { [weak self] in
            try? await Task.sleep(for: due)
            guard !Task.isCancelled else { return }
            await self?.renew(made)
        }
    }

    /// A token that cannot be renewed any longer is replaced while it is still good; if that fails too it serves on to
    /// its end, and whoever asks then hears why.
    private func renew(_ old: Token) async {
        guard token?.secret == old.secret else { return }
        let answer =
            old.isRenewable ? try? await post("auth/token/renew-self", [:] as [String: String], token: old.secret) : nil
        guard token?.secret == old.secret else { return }
        if let answer, answer.status == 200, let renewed = try? answer.decoded(AuthAnswer.self).auth.token,
            let before = old.end, let after = renewed.end, after - before > .milliseconds(500)
        {
            keep(renewed)
        } else if case .appRole = signIn, (try? await fresh()) != nil {
            return
        } else if token?.secret == old.secret, let end = old.end, end > .now {
            // OpenBao may be away for a moment.
            keep(Token(secret: old.secret, end: end, isRenewable: old.isRenewable))
        }
    }

    private func post(
        _ path: String, _ body: [String: String], token: Secret<String>?
    ) async throws -> OutboundResponse {
        try await http.ask(
            OutboundRequest(
                "POST", try location.address(path), headers: headers(token), body: try JSONEncoder().encode(body),
                timeout: .seconds(10)))
    }

    private func headers(_ token: Secret<String>?) -> OutboundHeaders {
        location.headers(token: token)
    }

    private struct AuthAnswer: Decodable {
        let auth: Auth

        struct Auth: Decodable {
            let clientToken: String
            let leaseDuration: Int
            let renewable: Bool

            var token: Token {
                Token(
                    secret: Secret(clientToken), end: leaseDuration > 0 ? .now + .seconds(leaseDuration) : nil,
                    isRenewable: renewable)
            }
        }
    }

    private struct LookUpAnswer: Decodable {
        let data: Found

        struct Found: Decodable {
            let ttl: Int
            let renewable: Bool?
        }
    }
}

extension OpenBaoLocation {
    func headers(token: Secret<String>?) -> OutboundHeaders {
        var headers: OutboundHeaders = ["X-Vault-Request": "true"]
        if let token { headers["X-Vault-Token"] = token.reveal() }
        if let namespace { headers["X-Vault-Namespace"] = namespace }
        return headers
    }
}

/// What OpenBao's statuses mean (OpenBao API, "HTTP status codes").
enum OpenBaoRefusal {
    static func problem(_ answer: OutboundResponse, _ detail: String, hint: String) -> Problem {
        switch answer.status {
        case 400, 401, 403, 404, 405: Problem(.secretsRefused, detail, hint: hint)
        case 503:
            Problem(
                .secretsUnavailable, "OpenBao is sealed, or not ready.", hint: "Whoever runs OpenBao unseals it.")
        default:
            Problem(
                .secretsUnavailable, "OpenBao answers with status \(answer.status).", hint: "Look at OpenBao's own log."
            )
        }
    }
}
