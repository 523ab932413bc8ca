import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Kernel
import NIOCore
import Testing
import Wire

@testable import API

@Suite("Answers of the API at once")
struct AtOnceTests {
    private let changes = ChangeCounts()
    private let api: API

    init() { api = Self.api(changes) }

    private static func api(_ changes: ChangeCounts) -> API {
        API(
            operations: House(), time: .system, changes: changes, freshness: .seconds(3_600), observe: { _ in },
            heartbeats: .every(.seconds(15)))
    }

    private func head(
        _ path: String, _ method: HTTPRequest.Method = .get, token: String? = House.token
    ) -> HTTPRequest {
        var head = HTTPRequest(method: method, scheme: "http", authority: "weir.test", path: path)
        head.headerFields[.authorization] = token.map { "Bearer \($0)" }
        return head
    }

    /// What the routes answer.
    private func ask(_ path: String) async throws -> TestResponse {
        let router = Router()
        api.addRoutes(to: router)
        return try await Application(router: router).test(.router) { client in
            try await client.execute(uri: path, method: .get, headers: head(path).headerFields)
        }
    }

    @Test(
        "they are what the routes answer, byte for byte",
        arguments: [
            ("/api/v1/runs?limit=2", "/api/v1/runs"), ("/api/v1/dashboards", "/api/v1/dashboards"),
            ("/api/v1/dashboards/shop", "/api/v1/dashboards/{name}"),
        ])
    func same(path: String, route: String) async throws {
        #expect(api.answerAtOnce(head(path)) == nil)
        let made = try await ask(path)
        #expect(made.status == .ok)
        let ready = try #require(api.answerAtOnce(head(path)))
        #expect(ready.body == made.body)
        #expect(ready.route == route)
        var expected = made.headers
        for name in [HTTPField.Name.contentLength, .correlation] { expected[name] = nil }
        #expect(ready.fields == expected)
    }

    @Test("nothing is given to those whom it does not know by heart, nor after a change")
    func refused() async throws {
        let path = "/api/v1/runs"
        _ = try await ask(path)
        #expect(api.answerAtOnce(head(path)) != nil)
        #expect(api.answerAtOnce(head(path, token: nil)) == nil)
        #expect(api.answerAtOnce(head(path, token: "weir_other")) == nil)
        #expect(api.answerAtOnce(head(path, .head)) == nil)
        #expect(api.answerAtOnce(head(path + "?limit=2")) == nil)
        // A token that nobody has used here goes by the limits of attempts first.
        let another = Self.api(changes)
        #expect(another.answerAtOnce(head(path)) == nil)
        changes.note(in: House.admin.organization)
        #expect(api.answerAtOnce(head(path)) == nil)
    }
}
