import HTTPTypes
import HummingbirdTesting
import Kernel
import Testing
import Wire
import WireSamples

@testable import API

extension Sample {
    static func bodyOfPeople(of endpoint: Endpoint) -> String? {
        switch endpoint.name {
        case "foundOrganization": #"{"slug": "globex", "name": null}"#
        case "renameOrganization": #"{"name": "Acme Ltd"}"#
        case "putEnvironment":
            """
            {"size": "medium", "keep_runs_days": 90, "keep_logs_days": 14, "keep_data_days": 7, "monthly_budget": 250.5}
            """
        case "suspendOrganization": #"{"because": "the invoice is open"}"#
        case "inviteMember": #"{"email": "ana@acme.example", "role": "engineer", "environment": "dev"}"#
        case "grantRole", "revokeRole": #"{"role": "viewer", "environment": null}"#
        default: nil
        }
    }

    static func query(of endpoint: Endpoint) -> String {
        endpoint.name == "explainAccess" ? "?member=ana%40acme.example&permission=runs.manage&environment=dev" : ""
    }
}

@Suite("Routes of people and organizations") struct PeopleTests {
    @Test(
        "what cannot be is refused before it is asked",
        arguments: [
            ("POST", "/api/v1/members", #"{"email": "a@b.example", "role": "king"}"#),
            ("POST", "/api/v1/members", #"{"email": "a@b.example", "role": "viewer", "environment": "moon"}"#),
            ("PUT", "/api/v1/organizations/acme/environments/moon", "{}"),
            (
                "PUT", "/api/v1/organizations/acme/environments/dev",
                #"{"size": "small", "keep_runs_days": 0, "keep_logs_days": 1}"#
            ),
            (
                "PUT", "/api/v1/organizations/acme/environments/dev",
                #"{"size": "small", "keep_runs_days": 1, "keep_logs_days": 1, "keep_data_days": 0}"#
            ),
            ("GET", "/api/v1/access/explain?member=ana", ""),
            ("GET", "/api/v1/access/explain?member=ana&permission=fly.high", ""),
        ])
    func refused(method: String, path: String, body: String) async throws {
        let method = try #require(HTTPRequest.Method(rawValue: method))
        let response = try await visit(method, path, body.isEmpty ? nil : body)
        #expect(response.status.code == 400)
    }

    @Test(
        "how long old data is kept may be left out",
        arguments: ["", #", "keep_data_days": null"#, #", "keep_data_days": 36500"#])
    func oldData(more: String) async throws {
        let body = #"{"size": "small", "keep_runs_days": 1, "keep_logs_days": 1\#(more)}"#
        #expect(try await visit(.put, "/api/v1/organizations/acme/environments/dev", body).status.code == 200)
    }

    @Test(
        "another organization than the caller's is not found",
        arguments: ["/organizations/other", "/members?organization=other"])
    func foreign(path: String) async throws {
        #expect(try await visit(.get, "/api/v1\(path)").status.code == 404)
    }

    @Test("a member may be named by address, whose @ may be written as it is")
    func names() async throws {
        for name in ["ana@acme.example", "ana%40acme.example", WireSamples.member.memberID] {
            #expect(try await visit(.post, "/api/v1/members/\(name)/deactivate").status.code == 200)
        }
        #expect(try await visit(.post, "/api/v1/members/bob@acme.example/deactivate").status.code == 404)
    }

    @Test("why not is an answer, not a refusal")
    func explained() async throws {
        let path = "/api/v1/access/explain?member=ana&permission=secrets.manage"
        let answer = try await visit(.get, path)
        #expect(answer.status.code == 200)
        #expect(try answer.json["is_allowed"] == .bool(false))
        #expect(try answer.json["reason"]?.string?.contains("takes one of the roles admin, owner") == true)
    }
}
