import Foundation
import HTTPTypes
import HummingbirdTesting
import Kernel
import Testing
import Wire

@testable import API

@Suite struct IdempotencyTests {
    private static let name = HTTPField.Name("Idempotency-Key")

    @Test(
        "a clone's idempotency key is passed on, from the header in quotes or bare, else from the body",
        arguments: [
            (#""8e03978e-40d5""#, nil, "8e03978e-40d5"), ("8e03978e-40d5", nil, "8e03978e-40d5"),
            (#""a \"b\" \\ c""#, nil, #"a "b" \ c"#), (#""header""#, "body", "header"), (nil, "body", "body"),
            (nil, nil, nil), (String(repeating: "x", count: 200), nil, String(repeating: "x", count: 200)),
        ] as [(String?, String?, String?)])
    func passedOn(header: String?, body: String?, key: String?) async throws {
        let house = House()
        let response = try await clone(header: header, body: body, house)
        #expect(response.status == .accepted)
        #expect(try response.json["is_new"] == .bool(true))
        #expect(house.asked.all(CloneRequest.self).map(\.idempotencyKey) == [key])
    }

    @Test("a key that was seen before gets the run that is there, and is told so")
    func seen() async throws {
        let response = try await clone(header: #""seen""#, body: nil, House())
        #expect(response.status == .accepted)
        #expect(try response.json["is_new"] == .bool(false))
        #expect(try response.json["run_id"] == .text(House.run))
    }

    @Test(
        "a key that is none is refused, and starts nothing",
        arguments: [
            ("", nil), (#""""#, nil), (#""open"#, nil), (#""a" "b""#, nil), (#""a\n""#, nil), ("é", nil),
            (String(repeating: "x", count: 201), nil), (nil, ""), (nil, "a\tb"),
        ] as [(String?, String?)])
    func refused(header: String?, body: String?) async throws {
        let house = House()
        let response = try await clone(header: header, body: body, house)
        #expect(response.status == .badRequest)
        #expect(try response.json["detail"]?.string?.hasPrefix("The idempotency key must be") == true)
        #expect(house.asked.isEmpty)
    }

    private func clone(header: String?, body: String?, _ house: House) async throws -> TestResponse {
        var headers = HTTPFields()
        headers[try #require(Self.name)] = header
        let request = try WireJSON.encode(CloneRequest(url: "postgresql://u@h/d", idempotencyKey: body))
        return try await visit(
            .post, "/api/v1/clones", String(decoding: request, as: UTF8.self), headers: headers, house: house)
    }
}
