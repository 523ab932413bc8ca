import Foundation
import Kernel
import Outbound
import Peers
import Synchronization
import Testing

@testable import OpenID

/// `provider.py`, and a client that may reach it, whose clock the test moves.
private struct Meeting: Sendable {
    let peer: Peer
    let issuer: Issuer
    let client: OpenIDClient
    let clock: Clock

    final class Clock: Sendable {
        private let offset = Mutex<TimeInterval>(0)

        func advance(_ seconds: TimeInterval) { offset.withLock { $0 += seconds } }

        var source: TimeSource {
            TimeSource(now: { [self] in Date().addingTimeInterval(offset.withLock { $0 }) }, makeUUID: { UUID() })
        }
    }

    private struct Place: Decodable, Sendable {
        let issuer: String
        let client: String
    }

    struct Done: Decodable, Sendable { let done: Bool }

    static func use(_ work: @Sendable (Meeting) async throws -> Void) async throws {
        try await Peer.use("provider.py") { peer in
            let place: Place = try await peer.ready()
            let clock = Clock()
            let http = OutboundHTTP(try AddressGuard(allowing: "127.0.0.0/8"))
            try await work(
                Meeting(
                    peer: peer, issuer: Issuer(name: "odd", identifier: place.issuer, clientID: place.client),
                    client: OpenIDClient(http: http, time: clock.source), clock: clock))
        }
    }

    /// Goes to the provider as a browser does, and comes back.
    func signIn() async throws -> (account: Account, token: IDToken) {
        let metadata = try await client.metadata(of: issuer)
        let secrets = SignInSecrets(seed: Secret(UUID().uuidString))
        let redirect = "http://127.0.0.1:9/sign-in/callback"
        let request = AuthorizationRequest(issuer: issuer, metadata: metadata, secrets: secrets, redirect: redirect)
        let http = OutboundHTTP(try AddressGuard(allowing: "127.0.0.0/8"))
        let answer = try await http.send(OutboundRequest("GET", WebAddress(request.address)))
        let back = try #require(answer.headers["Location"].flatMap { URLComponents(string: $0)?.queryItems })
        let code = try #require(back.first { $0.name == "code" }?.value)
        return try await client.account(
            code: code, secrets: secrets, redirect: redirect, issuer: issuer, metadata: metadata)
    }

    func refusal() async throws -> Problem? {
        do {
            _ = try await signIn()
            return nil
        } catch let problem as Problem {
            return problem
        }
    }

    func tell(_ order: [String: JSONValue]) async throws { _ = try await peer.ask(order, Done.self) }

    struct Counts: Decodable, Sendable { let counts: [String: Int] }

    func keyReads() async throws -> Int {
        try await peer.ask(["do": JSONValue.text("counts")], Counts.self).counts["/jwks"] ?? 0
    }
}

/// What a test tells the peer.
private enum JSONValue: Encodable, Sendable, ExpressibleByStringLiteral, ExpressibleByDictionaryLiteral {
    case text(String)
    case object([String: JSONValue])

    init(stringLiteral value: String) { self = .text(value) }
    init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(uniqueKeysWithValues: elements))
    }

    func encode(to encoder: any Encoder) throws {
        switch self {
        case .text(let text): try text.encode(to: encoder)
        case .object(let members): try members.encode(to: encoder)
        }
    }
}

@Suite("A sign-in at a provider", .timeLimit(.minutes(10)))
struct OpenIDClientTests {
    @Test("tells who it is")
    func good() async throws {
        try await Meeting.use { meeting in
            let (account, token) = try await meeting.signIn()
            #expect(account.email == "otto@acme.example" && account.name == "Otto" && account.subject == "otto")
            #expect(token.issuer == meeting.issuer.identifier)
        }
    }

    @Test("goes on when the keys change, and a key that was taken back is worth nothing")
    func rotation() async throws {
        try await Meeting.use { meeting in
            _ = try await meeting.signIn()
            try await meeting.tell(["do": "make_key", "name": "second", "kind": "RSA"])
            try await meeting.tell(["do": "unpublish", "name": "first"])
            try await meeting.tell(["do": "set", "key": "second"])
            _ = try await meeting.signIn()
            #expect(try await meeting.keyReads() == 2)
            _ = try await meeting.signIn()
            #expect(try await meeting.keyReads() == 2)
            try await meeting.tell(["do": "set", "key": "first"])
            for _ in 0..<5 {
                #expect(try await meeting.refusal()?.detail == TokenFault.unknownKey.reason)
            }
            #expect(try await meeting.keyReads() == 2)
            meeting.clock.advance(31)
            for _ in 0..<2 { #expect(try await meeting.refusal() != nil) }
            #expect(try await meeting.keyReads() == 3)
        }
    }

    @Test("is refused with another algorithm than is allowed, unsigned, or signed with what everybody knows")
    func algorithms() async throws {
        try await Meeting.use { meeting in
            for key: JSONValue in ["none", "public:first"] {
                try await meeting.tell(["do": "set", "key": key])
                let problem = try await meeting.refusal()
                #expect(problem?.code == .unauthenticated)
                #expect(problem?.detail.contains("which is not allowed") == true)
            }
        }
    }

    @Test("asks the userinfo endpoint for what the token lacks, and believes it only about the same person")
    func userInfo() async throws {
        try await Meeting.use { meeting in
            let claims: JSONValue = ["email": "x", "groups": "one"]
            try await meeting.tell([
                "do": "set", "claims": claims, "userinfo": ["sub": "mallory", "name": "Mallory"],
            ])
            _ = try await meeting.signIn()
            let again = Meeting(
                peer: meeting.peer, issuer: with(meeting.issuer) { $0.groupsClaim = "teams" },
                client: OpenIDClient(
                    http: OutboundHTTP(try AddressGuard(allowing: "127.0.0.0/8")), time: meeting.clock.source),
                clock: meeting.clock)
            #expect(try await again.refusal()?.detail == TokenFault.subject.reason)
            try await meeting.tell(["do": "set", "userinfo": ["sub": "otto", "teams": "data"]])
            #expect(try await again.signIn().account.groups == ["data"])
        }
    }

    @Test("goes to no private address unless it is allowed")
    func privateAddresses() async throws {
        try await Meeting.use { meeting in
            let guarded = OpenIDClient(http: OutboundHTTP(.publicOnly), time: .system)
            await #expect {
                _ = try await guarded.metadata(of: meeting.issuer)
            } throws: {
                ($0 as? Problem)?.code == .forbidden
            }
        }
    }
}

private func with(_ issuer: Issuer, _ change: (inout Issuer) -> Void) -> Issuer {
    var issuer = issuer
    change(&issuer)
    return issuer
}
