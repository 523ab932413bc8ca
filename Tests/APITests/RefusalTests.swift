import HTTPTypes
import HummingbirdTesting
import Kernel
import NIOCore
import Testing
import Wire

@testable import API

@Suite struct RefusalTests {
    @Test("a request without a token, or with a wrong one, gets 401 and is told how to sign in")
    func tokens() async throws {
        for endpoint in Endpoint.all where endpoint.needsToken {
            let path = Sample.path(of: endpoint)
            let none = try await visit(endpoint.method, path, Sample.body(of: endpoint), token: nil)
            try expectProblem(none, status: 401, code: "unauthenticated")
            #expect(none.headers[.wwwAuthenticate] == "Bearer")
            let wrong = try await visit(endpoint.method, path, Sample.body(of: endpoint), token: "wrong")
            try expectProblem(wrong, status: 401, code: "unauthenticated")
        }
        #expect(
            Endpoint.all.filter { !$0.needsToken }.map(\.name) == [
                "live", "ready", "openAPI", "beginDevice", "pollDevice",
            ])
    }

    @Test(
        "a body that is not what the address takes is refused with a sentence that names the fault",
        arguments: [
            ("{", 400, "The body is not valid JSON."),
            ("", 400, "The body is not valid JSON."),
            ("[]", 400, "The body must be an object."),
            ("{}", 400, "The body lacks the field `sql`."),
            (#"{"sql": 1}"#, 400, "The field `sql` must be a text."),
            (#"{"sql": null}"#, 400, "The field `sql` must be a text."),
            (#"{"sql": "x", "limit": "5"}"#, 400, "The field `limit` must be a whole number from 1 to 10000."),
            (#"{"sql": "x", "limit": 10001}"#, 400, "The field `limit` must be a whole number from 1 to 10000."),
            (#"{"sql": "x", "format": "xml"}"#, 400, "The field `format` must be one of json, csv, parquet."),
            (
                #"{"sql": "x", "Limit": 5}"#, 400,
                "The body has the unknown field `Limit`; it takes sql, organization, environment, format, limit."
            ),
            (
                #"{"sql": ""# + String(repeating: "x", count: 1_048_576) + #""}"#, 413,
                "The body is larger than 1 MB, the most that is taken."
            ),
        ])
    func bodies(body: String, status: Int, detail: String) async throws {
        let response = try await visit(.post, "/api/v1/query", body)
        try expectProblem(response, status: status, code: "invalid_input")
        #expect(try response.json["detail"] == .text(detail))
    }

    @Test("a body that does not say it is JSON is refused")
    func mediaType() async throws {
        let response = try await visit(
            .post, "/api/v1/query", #"{"sql": "x"}"#, headers: [.contentType: "application/x-www-form-urlencoded"])
        try expectProblem(response, status: 415, code: "unsupported")
    }

    @Test(
        "a parameter that is unknown, given twice or of the wrong form is refused",
        arguments: [
            ("/api/v1/runs?limits=3", "There is no query parameter `limits` here."),
            ("/api/v1/runs?limit=3&limit=4", "The query parameter `limit` is given twice."),
            ("/api/v1/runs?limit=0", "The parameter `limit` must be a whole number from 1 to 500."),
            ("/api/v1/runs?limit=many", "The parameter `limit` must be a whole number from 1 to 500."),
            ("/api/v1/runs/1", "The parameter `id` must be a UUID."),
            ("/api/v1/tables?environment=test", "The parameter `environment` must be one of dev, stage, prod."),
            (chart + "?from=2026-02-30", "The parameter `from` must be a day of the form YYYY-MM-DD."),
            (chart + "?from=2026-02-02&to=2026-02-01", "The day `from` lies after the day `to`."),
        ])
    func parameters(path: String, detail: String) async throws {
        let response = try await visit(.get, path)
        try expectProblem(response, status: 400, code: "invalid_input")
        #expect(try response.json["detail"] == .text(detail))
    }

    @Test("an unknown address under /api is a problem with status 404; other faces keep theirs")
    func unknownAddresses() async throws {
        for path in ["/api", "/api/", "/api/v1", "/api/v1/nothing", "/api/v2/runs", "/health", "/api/v1/runs/a/b/c"] {
            try expectProblem(try await visit(.get, path), status: 404, code: "not_found")
        }
        #expect(try await visit(.get, "/", token: nil).text == "console")
        #expect(try await visit(.get, "/nothing").headers[.contentType] != "application/problem+json")
    }

    @Test("a wrong method is a problem with status 405 that says which are right")
    func wrongMethods() async throws {
        for method in [HTTPRequest.Method.delete, .put, .get, HTTPRequest.Method("BREW")].compactMap(\.self) {
            let response = try await visit(method, "/api/v1/query")
            try expectProblem(response, status: 405, code: "unsupported")
            #expect(response.headers[.allow] == "POST")
        }
        #expect(try await visit(.post, "/api/v1/runs").headers[.allow] == "GET, HEAD")
    }

    @Test("HEAD gives the headers of GET without a body")
    func head() async throws {
        let response = try await visit(.head, "/api/v1/status")
        #expect(response.status == .ok)
        #expect(response.headers[.contentType] == "application/json")
        #expect(response.body.readableBytes == 0)
    }

    @Test("a problem of the house comes out with its own status, detail and hint")
    func problems() async throws {
        let response = try await visit(.post, "/api/v1/query", #"{"sql": "DROP"}"#)
        try expectProblem(response, status: 403, code: "query_refused")
        let json = try response.json
        #expect(json["detail"] == "Only SELECT is allowed.")
        #expect(json["hint"] == "Write a SELECT.")
        #expect(json["title"] == .text(Problem.Code.queryRefused.title))
    }

    @Test("a server that is not ready says what is missing, and when to ask again")
    func notReady() async throws {
        let house = House(readiness: { throw Problem(.metadataUnavailable, "The metadata database does not answer.") })
        let response = try await visit(.get, "/health/ready", token: nil, house: house)
        #expect(response.status == .serviceUnavailable)
        #expect(response.headers[.retryAfter] == "5")
        #expect(try response.json["code"]?.string == "metadata_unavailable")
        #expect(try await visit(.get, "/health/ready", token: nil).text == #"{"ready":true}"#)
    }

    @Test("an answer's correlation id is its trace's id")
    func traced() async throws {
        let trace = TraceContext.begin()
        let response = try await TraceContext.$current.withValue(trace) {
            try await visit(.get, "/api/v1/runs/none")
        }
        #expect(response.correlation == trace.correlation)
        #expect(try response.json["correlation_id"]?.string == trace.correlation)
    }

    @Test("an unexpected error is `internal`, reported with its correlation id and never shown raw")
    func unexpected() async throws {
        let witness = Witness()
        let response = try await visit(.post, "/api/v1/sources/test", #"{"url": "raw error"}"#, witness: witness)
        try expectProblem(response, status: 500, code: "internal")
        #expect(!response.text.contains("hunter2"))
        #expect(witness.faults.map(\.correlation) == [response.correlation])
        #expect(witness.faults.first?.problem.cause is House.RawError)
    }

    @Test("what the caller did wrong is not reported as a fault of ours")
    func callersFaults() async throws {
        let witness = Witness()
        _ = try await visit(.get, "/api/v1/nothing", witness: witness)
        _ = try await visit(.post, "/api/v1/query", "{", witness: witness)
        #expect(witness.faults.isEmpty)
    }

    private static let chart = "/api/v1/dashboards/shop/charts/c/data"

    private func expectProblem(_ response: TestResponse, status: Int, code: String) throws {
        #expect(response.status.code == status)
        #expect(response.headers[.contentType] == "application/problem+json")
        let json = try response.json
        #expect(Schema.shape(Shapes.problem).fault(in: json, at: "The problem") == nil)
        #expect(json["status"] == .integer(status))
        #expect(json["code"] == .text(code))
        #expect(json["type"] == .text("urn:weirhouse:problem:\(code)"))
        #expect(response.correlation != nil)
        #expect(json["correlation_id"]?.string == response.correlation)
    }
}
