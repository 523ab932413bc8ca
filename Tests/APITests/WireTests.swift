import Foundation
import Kernel
import Testing
import Wire

@Suite struct WireTests {
    @Test("keys are in snake_case, also where a name ends in several ids, and come back as they were")
    func keys() throws {
        let sent = try WireJSON.encode(BulkRequest(action: "retry", runIDs: ["a"]))
        #expect(String(decoding: sent, as: UTF8.self) == #"{"action":"retry","run_ids":["a"]}"#)
        #expect(try WireJSON.decode(BulkRequest.self, from: sent).runIDs == ["a"])
        let named = try WireJSON.encode(Named(dashboardURL: "u", correlationID: "c", perSecond: 1, aboutURLPath: "p"))
        #expect(
            String(decoding: named, as: UTF8.self)
                == #"{"about_url_path":"p","correlation_id":"c","dashboard_url":"u","per_second":1}"#)
        #expect(try WireJSON.decode(Named.self, from: named).aboutURLPath == "p")
    }

    @Test("keys of a dictionary stay as they are")
    func dictionaries() throws {
        let sent = String(decoding: try WireJSON.encode(["operationId": 1, "X-Id": 2]), as: UTF8.self)
        #expect(sent == #"{"X-Id":2,"operationId":1}"#)
    }

    private struct Named: Codable {
        var dashboardURL: String
        var correlationID: String
        var perSecond: Int
        var aboutURLPath: String
    }
}
