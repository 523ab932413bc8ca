import Foundation
package import Kernel
package import Outbound

/// Talks to OpenID providers: the thin performer of the values beside it. One for the process: it keeps what providers
/// publish for a while.
package actor OpenIDClient {
    /// Discovery documents are believed for so long.
    private static let documentLifetime: TimeInterval = 3600
    private static let answerLimit = 500_000

    private let http: OutboundHTTP
    private let time: TimeSource
    private var documents: [String: (metadata: ProviderMetadata, at: Date)] = [:]
    private var caches: [EndpointAddress: KeyCache] = [:]
    /// What is being fetched now, for all who wait for it.
    private var fetches: [EndpointAddress: Task<KeySet, any Error>] = [:]

    package init(http: OutboundHTTP, time: TimeSource) {
        self.http = http
        self.time = time
    }

    /// What the provider says of itself.
    /// - Parameter again: asks even if it is known.
    /// - Throws: `invalidInput` for a document that is none, what `OutboundFailure.problem` says if there is no answer.
    package func metadata(of issuer: Issuer, again: Bool = false) async throws -> ProviderMetadata {
        let now = time.now()
        if !again, let known = documents[issuer.identifier],
            now.timeIntervalSince(known.at) < Self.documentLifetime
        {
            return known.metadata
        }
        try issuer.check()
        let document = try await get(ProviderMetadata.address(of: issuer.identifier), "its description")
        let metadata = try ProviderMetadata(document, of: issuer.identifier)
        documents[issuer.identifier] = (metadata, now)
        return metadata
    }

    /// How many keys a provider publishes that tokens can be checked with. It is asked for them now.
    package func keys(of metadata: ProviderMetadata) async throws -> Int {
        try await fetchKeys(metadata.keys)
    }

    /// Redeems the code of a sign-in and checks all that comes back.
    /// - Throws: `unauthenticated` if it is not believed; `deliveryFailed` if the provider does not answer.
    package func account(
        code: String, secrets: SignInSecrets, redirect: String, issuer: Issuer, metadata: ProviderMetadata
    ) async throws -> (account: Account, token: IDToken) {
        let request = TokenRequest(
            issuer: issuer, metadata: metadata, code: code, verifier: secrets.verifier, redirect: redirect)
        let answer = try TokenAnswer(try await send(request.request))
        let rules = IDTokenRules(
            issuer: issuer, metadata: metadata, nonce: secrets.nonce, accessToken: answer.accessToken?.reveal())
        let token: IDToken = try await believe(answer.idToken, metadata) { [time] token, key throws(TokenFault) in
            try rules.check(token, signedWith: key, at: time.now())
        }
        let more = try await userInfo(about: token, answer.accessToken, issuer, metadata)
        let account = Account(
            token, userInfo: more, issuer: issuer, isForManyTenants: metadata.isForManyTenants)
        return (account, token)
    }

    /// A logout token that is believed. That it comes once only is for the caller to see to.
    /// - Throws: `unauthenticated`; `deliveryFailed` if the provider's keys cannot be read.
    package func logout(_ text: String, issuer: Issuer) async throws -> LogoutToken {
        let metadata = try await metadata(of: issuer)
        let rules = LogoutTokenRules(issuer: issuer, metadata: metadata)
        return try await believe(text, metadata) { [time] token, key throws(TokenFault) in
            try rules.check(token, signedWith: key, at: time.now())
        }
    }

    private func believe<Believed: Sendable>(
        _ text: String, _ metadata: ProviderMetadata,
        _ check: @Sendable (SignedToken, VerificationKey) throws(TokenFault) -> Believed
    ) async throws -> Believed {
        do {
            let token = try SignedToken(text)
            return try check(token, try await key(for: token, at: metadata.keys))
        } catch let fault as TokenFault {
            throw fault.problem
        }
    }

    /// The key that a token is signed with. Keys that are not known are asked for, though not often.
    private func key(for token: SignedToken, at address: EndpointAddress) async throws -> VerificationKey {
        if let running = fetches[address] { _ = try? await running.value }
        while true {
            switch caches[address, default: KeyCache()].step(for: token, at: time.now()) {
            case .use(let key): return key
            case .refuse(let fault): throw fault
            case .fetch: _ = try await fetchKeys(address)
            }
        }
    }

    /// How many there are.
    private func fetchKeys(_ address: EndpointAddress) async throws -> Int {
        if let running = fetches[address] { return try await running.value.keys.count }
        let fetch = Task {
            let document = try await get(address, "its keys")
            do {
                return try KeySet(document)
            } catch {
                throw Problem(.deliveryFailed, "The provider's keys cannot be read.", hint: nil, cause: error)
            }
        }
        fetches[address] = fetch
        defer { fetches[address] = nil }
        let set = try await fetch.value
        caches[address, default: KeyCache()].keep(set, at: time.now())
        return set.keys.count
    }

    /// Claims that the ID token lacks (Core 1.0, section 5.3): an address, a name, groups.
    private func userInfo(
        about token: IDToken, _ accessToken: Secret<String>?, _ issuer: Issuer, _ metadata: ProviderMetadata
    ) async throws -> JSONTree? {
        let wanted = ["email", "name", issuer.groupsClaim]
        guard wanted.contains(where: { token.claims[$0] == nil }), let accessToken, let endpoint = metadata.userInfo
        else { return nil }
        let response = try await send(
            OutboundRequest(
                "GET", endpoint.address,
                headers: ["Authorization": "Bearer \(accessToken.reveal())", "Accept": "application/json"],
                timeout: .seconds(15), answerLimit: Self.answerLimit))
        guard response.status == 200, let tree = try? JSONTree(response.body) else {
            throw Problem(
                .deliveryFailed, "The provider does not say who it is (status \(response.status)).",
                hint: "Check the scopes of the issuer: weir issuers list")
        }
        // Section 5.3.2: it may be somebody else's answer.
        guard tree["sub"]?.text == token.subject else { throw TokenFault.subject.problem }
        return tree
    }

    private func get(_ endpoint: EndpointAddress, _ what: String) async throws -> Data {
        let response = try await send(
            OutboundRequest(
                "GET", endpoint.address, headers: ["Accept": "application/json"], timeout: .seconds(15),
                answerLimit: Self.answerLimit))
        guard response.status == 200 else {
            throw Problem(
                .deliveryFailed, "The provider does not give \(what) (status \(response.status)).",
                hint: "Check the address of the issuer.")
        }
        return response.body
    }

    private func send(_ request: OutboundRequest) async throws -> OutboundResponse {
        do {
            return try await http.send(request)
        } catch let failure as OutboundFailure {
            throw failure.problem
        }
    }
}
