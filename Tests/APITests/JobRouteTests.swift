import Foundation
import HTTPTypes
import HummingbirdTesting
import Kernel
import NIOCore
import Testing
import Wire
import WireSamples

@testable import API

@Suite struct JobRouteTests {
    @Test("a list of runs is asked for by all that a filter has, decoded")
    func filter() async throws {
        let house = House()
        let query =
            "limit=7&before=a%2Bb&state=RETRYABLE,FAILED&kind=notify&source=shop&environment=dev"
            + "&schedule=nightly&search=a%20%22b%25%27%3B%20--"
        let answer = try await visit(.get, "/api/v1/runs?\(query)", house: house)
        #expect(answer.status == .ok)
        #expect(try answer.json["next"] == "older")
        let wanted = RunFilter(
            limit: 7, before: "a+b", states: [.retryable, .failed], kind: "notify", source: "shop", environment: "dev",
            schedule: "nightly", search: #"a "b%'; --"#)
        #expect(house.asked.all(RunFilter.self) == [wanted])
        _ = try await visit(.get, "/api/v1/runs", house: house)
        #expect(house.asked.all(RunFilter.self).last == RunFilter())
    }

    @Test("several runs are changed in one request; each has its own outcome")
    func bulk() async throws {
        let house = House()
        let ids = [House.run, "0B7F2F5E-0D6C-4C5E-9A55-3D6F5F2F8AFF"]
        let body = #"{"action": "cancel", "run_ids": ["\#(ids[0])", "\#(ids[1])"], "note": null}"#
        let answer = try await visit(.post, "/api/v1/runs/actions", body, house: house)
        #expect(house.asked.all(BulkRequest.self).map(\.runIDs) == [ids])
        guard case .list(let outcomes)? = try answer.json["outcomes"] else { return #expect(Bool(false)) }
        #expect(outcomes.map { $0["run_id"]?.string } == ids)
    }

    @Test(
        "what a list of runs, a schedule or a message cannot be is refused before anything is asked",
        arguments: [
            (
                HTTPRequest.Method.get, "/api/v1/runs?state=DONE", nil,
                "The parameter `state` must be a list, separated by commas, each one of PENDING, RUNNING, SUCCESS, "
                    + "FAILED, RETRYABLE, RESOLVED, CANCELLED."
            ),
            (.get, "/api/v1/runs?state=FAILED,,FAILED", nil, nil),
            (.get, "/api/v1/runs?state=", nil, nil),
            (.get, "/api/v1/runs?state=FAILED&state=RUNNING", nil, "The query parameter `state` is given twice."),
            (.get, "/api/v1/runs?environment=test", nil, nil),
            (.get, "/api/v1/runs?search=%00", nil, "The parameter `search` must be free of the character NUL."),
            (.get, "/api/v1/schedules/a%00b", nil, "The parameter `name` must be free of the character NUL."),
            (
                .post, "/api/v1/runs/actions", #"{"action": "delete", "run_ids": []}"#,
                "The field `action` must be one of cancel, retry, resolve."
            ),
            (
                .post, "/api/v1/runs/actions", #"{"action": "retry", "run_ids": ["1"]}"#,
                "Each item of the field `run_ids` must be a UUID."
            ),
            (.post, "/api/v1/runs/actions", #"{"action": "retry", "run_ids": "1"}"#, nil),
            (
                .post, "/api/v1/runs/actions", #"{"action": "resolve", "run_ids": [], "note": "a\u0000b"}"#,
                "The field `note` must not hold the character NUL."
            ),
            (.put, "/api/v1/schedules/nightly", #"{"source": "shop"}"#, "The body lacks the field `trigger`."),
            (
                .put, "/api/v1/schedules/nightly", #"{"source": "shop", "trigger": {"kind": "yearly"}}"#,
                "The field `kind` must be one of every, cron, file, after."
            ),
            (
                .put, "/api/v1/schedules/nightly",
                #"{"source": "shop", "trigger": {"kind": "every", "minutes": 9223372036854775807}}"#,
                "The field `minutes` must be a whole number from 1 to 527040."
            ),
            (
                .put, "/api/v1/schedules/nightly",
                #"{"source": "shop", "trigger": {"kind": "cron", "cron": "* * * * *"}}"#,
                "The field `trigger` has the unknown field `cron`; it takes kind, minutes, expression, time_zone, "
                    + "location, source."
            ),
            (
                .put, "/api/v1/schedules/nightly",
                #"{"source": "shop", "trigger": {"kind": "file"}, "catch_up": "some"}"#, nil
            ),
            (.post, "/api/v1/schedules/preview", #"{"expression": "* * * * *"}"#, "The body lacks the field `kind`."),
            (
                .post, "/api/v1/schedules/nightly/backfill", #"{"from": "2026-11-31", "through": "2026-12-01"}"#,
                "The field `from` must be a day of the form YYYY-MM-DD."
            ),
            (
                .post, "/api/v1/schedules/nightly/backfill", #"{"from": "2026-11-02", "through": "2026-11-01"}"#,
                "The day `from` lies after the day `through`."
            ),
            (.post, "/api/v1/schedules/nightly/pause", "", "The body is not valid JSON."),
            (.post, "/api/v1/schedules/nightly/pause", #"{"because": 1}"#, nil),
            (
                .post, "/api/v1/subscriptions", #"{"channel": "fax", "target": "x"}"#,
                "The field `channel` must be one of email, webhook."
            ),
            (
                .post, "/api/v1/subscriptions", #"{"channel": "email", "target": "a@b.c", "events": ["done"]}"#,
                "Each item of the field `events` must be one of failure, recovery, late, fresh."
            ),
            (.delete, "/api/v1/subscriptions/1", nil, "The parameter `id` must be a UUID."),
            (.get, "/api/v1/deliveries?state=lost", nil, nil),
            (.get, "/api/v1/deliveries?limit=501", nil, nil),
            (
                .put, "/api/v1/expectations", #"{"source": "shop", "fresh_within_minutes": 0}"#,
                "The field `fresh_within_minutes` must be a whole number from 1 to 527040."
            ),
            (.put, "/api/v1/expectations", #"{"source": "shop", "fresh_within_minutes": 1.5}"#, nil),
            (.put, "/api/v1/limits", #"{"key": "organization", "most": -1}"#, nil),
            (.put, "/api/v1/limits", #"{"most": 1}"#, "The body lacks the field `key`."),
            (.put, "/api/v1/limits", #"{"key": "organization", "seconds_between_starts": "1"}"#, nil),
            (.post, "/api/v1/limits/pause", #"{"key": "organization", "minutes": -1}"#, nil),
            (.put, "/api/v1/maintenance-windows/weekend", #"{"key": "organization", "minutes": 5}"#, nil),
        ] as [(HTTPRequest.Method, String, String?, String?)])
    func refused(method: HTTPRequest.Method, path: String, body: String?, detail: String?) async throws {
        let house = House()
        let response = try await visit(method, path, body, house: house)
        #expect(response.status == .badRequest)
        #expect(try response.json["code"] == "invalid_input")
        if let detail { #expect(try response.json["detail"] == .text(detail)) }
        #expect(house.asked.isEmpty)
    }

    @Test("what there is not is 404, what never fires 400, and a private address 403")
    func problems() async throws {
        for path in [
            "/api/v1/schedules/x", "/api/v1/schedules/%2e%2e%2f'%3b%20DROP%20TABLE", "/api/v1/schedules/preview",
        ] {
            let response = try await visit(.get, path)
            #expect(response.status == .notFound)
            #expect(try response.json["code"] == "not_found")
        }
        let stranger = "/api/v1/subscriptions/0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8aff"
        #expect(try await visit(.delete, stranger).status == .notFound)
        let never = try await visit(
            .post, "/api/v1/schedules/preview", #"{"kind": "cron", "expression": "0 0 30 2 *"}"#)
        #expect(never.status == .badRequest)
        #expect(try never.json["hint"] == "February has no 30th day.")
        let inside = try await visit(
            .post, "/api/v1/subscriptions", #"{"channel": "webhook", "target": "http://127.0.0.1:80/"}"#)
        #expect(inside.status == .forbidden)
    }

    @Test("an address that another one's literal path stands in the way of is reached all the same")
    func shadowed() async throws {
        let house = House()
        for method in [HTTPRequest.Method.get, .head, .put, .delete] {
            let body =
                method == .put ? Sample.body(of: try #require(Endpoint.all.first { $0.name == "putSchedule" })) : nil
            #expect(try await visit(method, "/api/v1/schedules/preview", body, house: house).status == .notFound)
        }
        #expect(house.asked.all(String.self) == Array(repeating: "preview", count: 4))
        #expect(try await visit(.post, "/api/v1/schedules/preview/run").status == .accepted)
        // No run's id is `actions`.
        let run = try await visit(.get, "/api/v1/runs/actions")
        #expect(run.status == .methodNotAllowed)
        #expect(run.headers[.allow] == "POST")
    }

    @Test("wrong methods are told the right ones, and every GET takes HEAD")
    func methods() async throws {
        for (path, allowed) in [
            ("/api/v1/schedules", "GET, HEAD"), ("/api/v1/schedules/nightly", "GET, HEAD, PUT, DELETE"),
            ("/api/v1/schedules/nightly/run", "POST"), ("/api/v1/limits", "GET, HEAD, PUT"),
            ("/api/v1/subscriptions", "GET, HEAD, POST"), ("/api/v1/expectations/1", "DELETE"),
            ("/api/v1/maintenance-windows/weekend", "PUT, DELETE"),
        ] {
            let response = try await visit(try #require(HTTPRequest.Method("PATCH")), path)
            #expect(response.status == .methodNotAllowed)
            #expect(response.headers[.allow] == allowed)
        }
        for endpoint in Endpoint.all where endpoint.answersHead {
            let response = try await visit(.head, Sample.path(of: endpoint))
            #expect(response.status == .ok)
            #expect(response.body.readableBytes == 0)
        }
    }

    @Test("a name may hold anything that an address can carry")
    func names() async throws {
        let house = House()
        _ = try await visit(.get, "/api/v1/schedules/Gr%C3%B6%C3%9Fe%20%2F%3F%23", house: house)
        #expect(house.asked.all(String.self) == ["Größe /?#"])
    }

    @Test("deliveries are asked for by state")
    func deliveries() async throws {
        let house = House()
        _ = try await visit(.get, "/api/v1/deliveries?state=dead&limit=3", house: house)
        _ = try await visit(.get, "/api/v1/deliveries", house: house)
        #expect(house.asked.all(String.self) == ["dead 3", "all 50"])
    }
}
