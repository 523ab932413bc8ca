package import Foundation
package import Kernel
package import Wire

extension WireSamples {
    package static let token = TokenView(
        tokenID: "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a11", name: "nightly export", prefix: "weir_token_AbCd",
        owner: "admin", isService: false, scopes: ["read"], createdBy: "admin", createdAt: moment,
        expiresAt: "2027-02-19T07:30:00.123Z", lastUsedAt: moment, lastUsedFrom: "192.0.2.7", isThis: false)
    package static let tokenText = "weir_token_" + String(repeating: "x", count: 49)
    package static let service = ServiceView(
        serviceID: "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a12", name: "nightly-etl",
        roles: [PlacedRole(role: "engineer", environment: "dev")], createdAt: moment, lastSeenAt: moment, tokens: 1)
    package static let session = SessionView(
        sessionID: "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a13",
        browser: "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", createdAt: moment,
        createdFrom: "192.0.2.7", lastUsedAt: moment, lastUsedFrom: "192.0.2.8",
        expiresAt: "2026-11-21T19:30:00.123Z", isThis: true)
    package static let account = AccountView(
        organization: "acme", name: "ana@acme.example", display: "Ana",
        roles: [PlacedRole(role: "engineer", environment: "dev")], permissions: ["runs.read"],
        credentialID: "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a11", isPerson: true)
    package static let userCode = "BCDF-GHJK"
}

extension TokenOperations {
    package func tokens(all: Bool, as caller: Caller) async throws -> [TokenView] { [WireSamples.token] }

    package func makeToken(_ request: TokenRequest, as caller: Caller) async throws -> TokenMade {
        guard !request.scopes.isEmpty else {
            throw Problem(
                .invalidInput, "A token without scopes can do nothing.", hint: "Use read, all, or permissions.")
        }
        return TokenMade(token: WireSamples.token, secret: WireSamples.tokenText)
    }

    package func rotateToken(
        _ id: CredentialID, _ request: TokenRotation, as caller: Caller
    ) async throws -> TokenMade { TokenMade(token: WireSamples.token, secret: WireSamples.tokenText) }

    package func revokeToken(_ id: CredentialID, as caller: Caller) async throws {}
    package func services(as caller: Caller) async throws -> [ServiceView] { [WireSamples.service] }

    package func makeService(_ request: ServiceRequest, as caller: Caller) async throws -> ServiceView {
        guard request.name != "taken" else {
            throw Problem(.conflict, "There is a member taken already.", hint: "Choose another name.")
        }
        return WireSamples.service
    }

    package func removeService(_ name: String, as caller: Caller) async throws {}
}

extension DeviceOperations {
    package func beginDevice(_ request: DeviceRequest) async throws -> DeviceStarted {
        DeviceStarted(
            deviceCode: "weir_device_x", userCode: WireSamples.userCode,
            verificationUri: "http://127.0.0.1:8080/device",
            verificationUriComplete: "http://127.0.0.1:8080/device?code=\(WireSamples.userCode)", expiresIn: 600,
            interval: 5)
    }

    package func pollDevice(code: String) async throws -> DeviceWord {
        switch code {
        case "early": .authorizationPending
        case "hasty": .slowDown(10)
        case "denied": .accessDenied
        case "late": .expiredToken
        default:
            .granted(
                DeviceToken(
                    accessToken: WireSamples.tokenText, expiresIn: 3600, scope: "read", organization: "acme",
                    name: "admin"))
        }
    }

    package func device(userCode: String, as caller: Caller) async throws -> DeviceView {
        guard userCode == WireSamples.userCode else {
            throw Problem(.notFound, "No sign-in waits with this code.", hint: "Run weir login again.")
        }
        return DeviceView(
            userCode: userCode, machine: "ana at <script>alert(1)</script>", address: "192.0.2.7", scopes: ["read"],
            secondsLeft: 500)
    }

    package func answerDevice(userCode: String, _ approval: DeviceApproval?, as caller: Caller) async throws {
        _ = try await device(userCode: userCode, as: caller)
    }
}

extension AccountOperations {
    package var sessionLifetime: Duration { .seconds(12 * 3600) }
    package func account(as caller: Caller) async throws -> AccountView { WireSamples.account }
    package func sessions(as caller: Caller) async throws -> [SessionView] { [WireSamples.session] }
    package func endSession(_ id: CredentialID, as caller: Caller) async throws {}
    package func endSessions(of member: String?, as caller: Caller) async throws -> Int { 2 }
    package func owedConsent(as caller: Caller) async throws -> ConsentView? { nil }
    package func agree(to version: String, as caller: Caller) async throws {}
    package func exportAccount(as caller: Caller) async throws -> Data { Data("{}".utf8) }

    package func eraseAccount(confirmation: String, as caller: Caller) async throws {
        guard confirmation == WireSamples.account.name else {
            throw Problem(.invalidInput, "The name does not match.", hint: "Give your own name.")
        }
    }
}
