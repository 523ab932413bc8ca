import Crypto
import CryptoExtras
import Foundation
import Kernel
import Outbound
import Peers
import Testing

@testable import Secrets

/// There is no emulator of Google's Secret Manager: these tests hold requests and answers against its published REST
/// API, no more.
@Suite("Requests to Google Secret Manager", .timeLimit(.minutes(10)))
struct GoogleTests {
    private struct Canned: Encodable {
        let status: Int
        let body: String
    }

    private struct Queued: Decodable {
        let queued: Int
    }

    private struct Heard: Decodable {
        let method: String
        let path: String
        let headers: [String: String]
        let body: String

        var text: String { Data(base64Encoded: body).map { String(decoding: $0, as: UTF8.self) } ?? "" }
    }

    private let acme = OrganizationID(UUID(uuidString: "00000000-0000-0000-0000-00000000000a") ?? UUID())
    private let id = "weir-00000000-0000-0000-0000-00000000000a-source_sdev_sshop_u2"
    private let name = "source/dev/shop_2"
    private let token = Canned(status: 200, body: #"{"access_token":"ya29.x","expires_in":3599,"token_type":"Bearer"}"#)
    private let missing = Canned(
        status: 404, body: #"{"error":{"code":404,"message":"Secret not found","status":"NOT_FOUND"}}"#)

    /// A store whose Google gives these answers, and what it was asked after the token.
    private func ask(
        _ answers: [Canned], _ work: @Sendable (GoogleSecretStore) async throws -> Void
    ) async throws -> [Heard] {
        try await Peer.use("receiver.py", ["--answers"]) { peer in
            let server = "http://127.0.0.1:\(try await peer.port)"
            let store = try GoogleSecretStore(
                project: "acme-data", signIn: .metadataServer(server),
                http: OutboundHTTP(try AddressGuard(allowing: "127.0.0.1")), api: server)
            for answer in [token] + answers { _ = try await peer.ask(answer, Queued.self) }
            try await work(store)
            let first: Heard = try await peer.next()
            #expect(first.path == "/computeMetadata/v1/instance/service-accounts/default/token")
            #expect(first.headers["metadata-flavor"] == "Google")
            var heard: [Heard] = []
            for _ in answers { heard.append(try await peer.next()) }
            #expect(heard.allSatisfy { $0.headers["authorization"] == "Bearer ya29.x" })
            return heard
        }
    }

    private func version(_ number: Int) -> Canned {
        Canned(
            status: 200,
            body: """
                {"name":"projects/1/secrets/\(id)/versions/\(number)","createTime":"2026-11-24T10:00:00.123456789Z","state":"ENABLED"}
                """)
    }

    @Test("a value is read with versions.access")
    func get() async throws {
        let value = Data("swordfish".utf8).base64EncodedString()
        let answer = Canned(
            status: 200,
            body: #"{"name":"projects/1/secrets/a/versions/3","payload":{"data":"\#(value)","dataCrc32c":"1"}}"#)
        let disabled = Canned(
            status: 400, body: #"{"error":{"code":400,"message":"m","status":"FAILED_PRECONDITION"}}"#)
        let heard = try await ask([answer, missing, disabled]) { store async throws in
            #expect(try await store.get(name, of: acme) == swordfish)
            #expect(try await store.get(name, of: acme) == nil)
            #expect(try await store.get(name, of: acme) == nil)
        }
        #expect(heard[0].method == "GET")
        #expect(heard[0].path == "/v1/projects/acme-data/secrets/\(id)/versions/latest:access")
    }

    @Test("a value is put with addVersion, a new secret made first")
    func put() async throws {
        let heard = try await ask([missing, Canned(status: 200, body: "{}"), version(1), version(2)]) {
            store async throws in
            #expect(try await store.put(swordfish, named: name, of: acme) == 1)
            #expect(try await store.put(swordfish, named: name, of: acme) == 2)
        }
        #expect(heard.map(\.method) == ["POST", "POST", "POST", "POST"])
        #expect(heard[1].path == "/v1/projects/acme-data/secrets?secretId=\(id)")
        #expect(heard[1].text == #"{"replication":{"automatic":{}}}"#)
        #expect(heard[2].path == "/v1/projects/acme-data/secrets/\(id):addVersion")
        #expect(heard[2].text == #"{"payload":{"data":"c3dvcmRmaXNo"}}"#)
    }

    @Test("only who has made a secret gives it its first value; one that was left empty is taken away after a minute")
    func ensure() async throws {
        let exists = Canned(status: 409, body: #"{"error":{"code":409,"message":"m","status":"ALREADY_EXISTS"}}"#)
        let old = Canned(status: 200, body: #"{"name":"n","createTime":"2026-01-01T00:00:00Z","etag":"\"a b\""}"#)
        let made = try await ask([missing, Canned(status: 200, body: "{}"), version(1)]) { store async throws in
            #expect(try await store.ensure(named: name, of: acme) { swordfish } == swordfish)
        }
        #expect(made.map(\.method) == ["GET", "POST", "POST"])
        let other = try await ask([missing, exists, missing, old, Canned(status: 200, body: "{}")]) {
            store async throws in
            let problem = await #expect(throws: Problem.self) {
                _ = try await store.ensure(named: name, of: acme) { swordfish }
            }
            #expect(problem?.code == .busy)
        }
        #expect(other.last?.method == "DELETE")
        #expect(other.last?.path == "/v1/projects/acme-data/secrets/\(id)?etag=%22a%20b%22")
    }

    @Test("secrets are listed page by page, with their newest version each")
    func list() async throws {
        let first = Canned(
            status: 200,
            body: """
                {"secrets":[{"name":"projects/1/secrets/\(id)"},{"name":"projects/1/secrets/other"}],"nextPageToken":"p/2"}
                """)
        let second = Canned(
            status: 200, body: #"{"secrets":[{"name":"projects/1/secrets/\#(id.replacing("_u2", with: ""))"}]}"#)
        let heard = try await ask([first, version(3), second, missing]) { store async throws in
            let entries = try await store.list(of: acme)
            #expect(entries.map(\.name) == [name] && entries.map(\.version) == [3])
            #expect(entries.first?.changedAt.rfc3339 == "2026-11-24T10:00:00.123Z")
        }
        let prefix = "weir-00000000-0000-0000-0000-00000000000a-"
        #expect(heard[0].path == "/v1/projects/acme-data/secrets?pageSize=250&filter=name:\(prefix)")
        #expect(heard[2].path == "/v1/projects/acme-data/secrets?pageSize=250&filter=name:\(prefix)&pageToken=p%2F2")
        #expect(heard[1].path == "/v1/projects/acme-data/secrets/\(id)/versions/latest")
    }

    @Test("a secret is deleted whole")
    func delete() async throws {
        let heard = try await ask([Canned(status: 200, body: "{}"), missing]) { store async throws in
            #expect(try await store.delete(name, of: acme))
            #expect(try await store.delete(name, of: acme) == false)
        }
        #expect(heard[0].method == "DELETE" && heard[0].path == "/v1/projects/acme-data/secrets/\(id)")
    }

    @Test(
        "answers that say no have one meaning each",
        arguments: [
            (401, Problem.Code.secretsRefused), (403, .secretsRefused), (429, .secretsUnavailable),
            (500, .secretsUnavailable), (503, .secretsUnavailable), (400, .secretsRefused),
        ])
    func refusals(status: Int, code: Problem.Code) async throws {
        let answer = Canned(status: status, body: #"{"error":{"code":1,"message":"geheim","status":"X"}}"#)
        _ = try await ask([answer, answer]) { store async throws in
            let got = await #expect(throws: Problem.self) { _ = try await store.get(name, of: acme) }
            let put = await #expect(throws: Problem.self) { try await store.put(swordfish, named: name, of: acme) }
            #expect(got?.code == code && put?.code == code)
            #expect(got?.description.contains("geheim") == false)
        }
    }

    @Test("a service account's JWT is signed with RS256, and says what Google asks for")
    func assertion() throws {
        let key = try _RSA.Signing.PrivateKey(keySize: .bits2048)
        let file = [
            "type": "service_account", "client_email": "weir@acme-data.iam.gserviceaccount.com", "private_key_id": "k1",
            "private_key": key.pemRepresentation, "token_uri": "https://oauth2.googleapis.com/token",
        ]
        let account = try GoogleServiceAccount(json: JSONEncoder().encode(file))
        let parts = try account.assertion(at: Date(timeIntervalSince1970: 1_795_000_000)).split(separator: ".")
        try #require(parts.count == 3)
        func decoded(_ part: Substring) -> Data {
            let text = part.replacing("-", with: "+").replacing("_", with: "/")
            return Data(base64Encoded: text + String(repeating: "=", count: (4 - text.count % 4) % 4)) ?? Data()
        }
        let head = try JSONDecoder().decode([String: String].self, from: decoded(parts[0]))
        #expect(head == ["alg": "RS256", "typ": "JWT", "kid": "k1"])
        let claims = try JSONDecoder().decode(JSON.self, from: decoded(parts[1]))
        #expect(try claims["iss"].string == "weir@acme-data.iam.gserviceaccount.com")
        #expect(try claims["aud"].string == "https://oauth2.googleapis.com/token")
        #expect(try claims["scope"].string == "https://www.googleapis.com/auth/cloud-platform")
        #expect(claims["iat"].int == 1_795_000_000 && claims["exp"].int == 1_795_003_600)
        let signature = _RSA.Signing.RSASignature(rawRepresentation: decoded(parts[2]))
        let signed = Data("\(parts[0]).\(parts[1])".utf8)
        #expect(key.publicKey.isValidSignature(signature, for: signed, padding: .insecurePKCS1v1_5))
        #expect(!"\(account)".contains("PRIVATE KEY"))
        #expect(throws: Problem.self) { try GoogleServiceAccount(json: Data("{}".utf8)) }
    }

    @Test("every name has an id of its own, of the letters that Google takes")
    func ids() {
        let names = [
            "a", "a/b", "a_b", "a_s", "a_u", "a__", "a-b", "a/s", "a_/u", String(repeating: "_/", count: 49) + "__",
        ]
        let ids = names.map(GoogleSecretID.of)
        #expect(Set(ids).count == names.count)
        for (id, name) in zip(ids, names) {
            #expect("weir-\(acme)-\(id)".count <= 255)
            #expect(id.wholeMatch(of: /[a-z0-9_-]+/) != nil)
            if (try? SecretName.check(name)) != nil { #expect(GoogleSecretID.name(id) == name) }
        }
    }
}
