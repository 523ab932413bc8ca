import HTTPTypes
import HummingbirdTesting
import Kernel
import Testing

@testable import API

@Suite struct DeviceTests {
    @Test(
        "a machine that asks hears OAuth's words until a person has answered",
        arguments: [
            ("early", "authorization_pending"), ("hasty", "slow_down"), ("denied", "access_denied"),
            ("late", "expired_token"),
        ])
    func words(code: String, error: String) async throws {
        let answer = try await visit(.post, "/api/v1/device/token", #"{"device_code": "\#(code)"}"#, token: nil)
        #expect(answer.status == .badRequest)
        #expect(answer.headers[.contentType] == "application/problem+json")
        #expect(try answer.json["error"]?.string == error)
        #expect(try answer.json["code"]?.string == "unauthenticated")
    }

    @Test("only OAuth's grant type is taken, and no body but the RFC's")
    func grantType() async throws {
        for body in [#"{"device_code": "a", "grant_type": "password"}"#, "{}", #"{"device_code": 1}"#] {
            #expect(try await visit(.post, "/api/v1/device/token", body, token: nil).status == .badRequest)
        }
        #expect(
            try await visit(.post, "/api/v1/device", #"{"machine": "m", "scopes": ["root"]}"#).status == .badRequest)
    }

    @Test("tokens and accounts are for those who show one", arguments: ["tokens", "services", "sessions", "account"])
    func closed(path: String) async throws {
        #expect(try await visit(.get, "/api/v1/\(path)", token: nil).status == .unauthorized)
        #expect(try await visit(.get, "/api/v1/\(path)", token: "wrong").status == .unauthorized)
    }

    @Test("other problems have no word of OAuth's")
    func others() async throws {
        #expect(try await visit(.get, "/api/v1/runs", token: nil).json["error"] == nil)
    }
}
