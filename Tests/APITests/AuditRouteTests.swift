import HTTPTypes
import HummingbirdTesting
import Kernel
import Testing
import Wire

@testable import API

@Suite struct AuditRouteTests {
    @Test("what is searched for arrives as it was asked, and nothing that was not")
    func search() async throws {
        let house = House()
        let path = "/api/v1/audit?who=Ana%20S&action=schedules&target=night&outcome=refused&from=2026-11-01"
        _ = try await visit(.get, path + "&until=2026-11-02&text=a%25b&chain=house&limit=7&before=99", house: house)
        #expect(
            house.asked.all(AuditFilter.self) == [
                AuditFilter(
                    chain: .house, limit: 7, before: "99", who: "Ana S", action: "schedules", target: "night",
                    outcome: "refused", from: "2026-11-01", until: "2026-11-02", text: "a%b")
            ])
        _ = try await visit(.get, "/api/v1/audit", house: house)
        #expect(house.asked.all(AuditFilter.self).last == AuditFilter())
    }

    @Test("an export is the bytes as they come, in its format's type")
    func export() async throws {
        let csv = try await visit(.get, "/api/v1/audit/export?format=csv&who=ana")
        #expect(csv.headers[.contentType] == "text/csv; charset=utf-8")
        #expect(csv.text == "first\nsecond\n")
        #expect(try await visit(.get, "/api/v1/audit/export").headers[.contentType] == "application/jsonl")
    }

    @Test(
        "what cannot be is refused before anything is asked",
        arguments: ["?outcome=maybe", "?chain=mine", "?limit=0", "?limit=501", "?limit=x", "?sql=1"])
    func refused(query: String) async throws {
        let house = House()
        #expect(try await visit(.get, "/api/v1/audit" + query, house: house).status == .badRequest)
        #expect(house.asked.isEmpty)
    }

    @Test("a head that was kept is checked against, and the days of retention are taken within their bounds")
    func headAndRetention() async throws {
        let house = House()
        _ = try await visit(.get, "/api/v1/audit/verification?since_head=1%3Aab", house: house)
        #expect(house.asked.all(String.self) == ["organization since 1:ab"])
        for days in [89, 36_501] {
            let answer = try await visit(.put, "/api/v1/audit/retention", #"{"keep_days": \#(days)}"#, house: house)
            #expect(answer.status == .badRequest)
        }
        _ = try await visit(.put, "/api/v1/audit/retention", #"{"keep_days": 365}"#, house: house)
        #expect(house.asked.all(Int.self) == [365])
    }
}
