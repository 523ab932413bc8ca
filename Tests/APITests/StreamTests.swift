import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Kernel
import NIOCore
import Synchronization
import Testing
import Wire

@testable import API

@Suite struct StreamTests {
    private let path = "/api/v1/runs/\(House.run)/events"

    @Test("a run's events carry the log's sequence as their id and end with the run")
    func events() async throws {
        let text = try await visit(.get, path).text
        let blocks = text.split(separator: "\n\n")
        #expect(blocks.first == "retry: 2000")
        #expect(
            blocks.filter { $0.hasPrefix("event: log\nid: ") }.compactMap {
                $0.split(separator: "\n").dropFirst().first
            } == ["id: 1", "id: 2", "id: 3"])
        #expect(blocks.dropFirst().first?.hasPrefix("event: run\ndata: {") == true)
        #expect(blocks.last?.contains(#""state":"SUCCESS""#) == true)
        #expect(blocks.allSatisfy { $0.split(separator: "\n").count <= 3 })
    }

    @Test("a reader that comes back gets only what it has not read")
    func resuming() async throws {
        let header = try await visit(.get, path + "?after=1", headers: [.lastEventID: "2"]).text
        #expect(!header.contains("id: 2\n") && header.contains("id: 3\n"))
        let parameter = try await visit(.get, path + "?after=1").text
        #expect(!parameter.contains("id: 1\n") && parameter.contains("id: 2\n"))
        #expect(try await visit(.get, path, headers: [.lastEventID: "x"]).status == .badRequest)
    }

    @Test("a silent stream sends comment lines, and goes on after them")
    func heartbeats() async throws {
        let (ticks, clock) = AsyncStream<Void>.makeStream()
        let (events, run) = AsyncThrowingStream<RunEvent, any Error>.makeStream()
        let feed = feed(events, Heartbeats { ticks })
        clock.yield()
        var pieces: [String] = []
        try await feed.write { piece in
            pieces.append(piece)
            if piece == ": heartbeat\n\n" {
                run.yield(.log(House.line(7)))
                run.finish()
            }
        }
        #expect(pieces.count == 3)
        #expect(pieces.last?.hasPrefix("event: log\nid: 7\n") == true)
    }

    @Test("a slow reader makes no queue, and gets every line")
    func slowReader() async throws {
        let given = Mutex<Int64>(0)
        let events = AsyncThrowingStream<RunEvent, any Error> {
            let sequence = given.withLock { count -> Int64 in
                count += 1
                return count
            }
            return sequence <= 20_000 ? .log(House.line(sequence)) : nil
        }
        var got: Int64 = 0
        var ahead: Int64 = 0
        try await feed(events, Heartbeats { AsyncStream { () } }).write { piece in
            guard piece.hasPrefix("event:") else { return }
            got += 1
            #expect(piece.hasPrefix("event: log\nid: \(got)\n"))
            await Task.yield()
            ahead = max(ahead, given.withLock { $0 } - got)
        }
        #expect(got == 20_000)
        #expect(ahead == 0)
    }

    @Test("the log comes in pages that leave out nothing")
    func logPages() async throws {
        var sequences: [Int64] = []
        var after: Int64? = 0
        while let position = after {
            let answer = try await visit(.get, "/api/v1/runs/\(House.run)/logs?limit=500&after=\(position)")
            let page = try WireJSON.decode(LogPage.self, from: Data(answer.text.utf8))
            sequences += page.lines.map(\.sequence)
            after = page.next
        }
        #expect(sequences == Array(1...1200))
        let path = "/api/v1/runs/\(House.run)/logs"
        #expect(try WireJSON.decode(LogPage.self, from: Data(try await visit(.get, path).text.utf8)).lines.count == 500)
        for limit in ["0", "1001", "x"] {
            #expect(try await visit(.get, path + "?limit=\(limit)").status == .badRequest)
        }
    }

    @Test("a reader that goes ends the work for it")
    func readerGoes() async throws {
        let (events, run) = AsyncThrowingStream<RunEvent, any Error>.makeStream()
        let (ended, end) = AsyncStream<Void>.makeStream()
        run.onTermination = { _ in end.finish() }
        run.yield(.log(House.line(1)))
        await #expect(throws: ChannelError.self) {
            try await feed(events, Heartbeats { AsyncStream { _ in } }).write { piece in
                if piece.hasPrefix("event:") { throw ChannelError.ioOnClosedChannel }
            }
        }
        for await _ in ended {}
    }

    @Test("a stream that fails says so with a problem, and shows nothing raw")
    func failing() async throws {
        let witness = Witness()
        let house = House(events: { _ in AsyncThrowingStream { $0.finish(throwing: House.RawError()) } })
        let text = try await visit(.get, path, house: house, witness: witness).text
        #expect(text.contains("event: problem\ndata: {") && text.contains(#""code":"internal""#))
        #expect(!text.contains("hunter2"))
        #expect(witness.faults.count == 1)
    }

    @Test("csv and parquet come as they are", arguments: ["csv", "parquet"])
    func exports(format: String) async throws {
        let response = try await visit(.post, "/api/v1/query", #"{"sql": "x", "format": "\#(format)"}"#)
        #expect(response.status == .ok)
        #expect(response.headers[.contentType] == QueryFormat(rawValue: format)?.contentType)
        #expect(response.headers[.contentLength] == nil)
        #expect(response.text == "a,b\r\n1,2\r\n")
    }

    @Test("an export that fails before its first byte is a problem")
    func exportFailsAtOnce() async throws {
        let response = try await visit(.post, "/api/v1/query", #"{"sql": "fails at once", "format": "csv"}"#)
        #expect(response.status.code == 422)
        #expect(try response.json["code"] == "query_failed")
    }

    @Test("an export that fails midway is broken off and reported")
    func exportFailsMidway() async throws {
        let witness = Witness()
        await #expect(throws: House.RawError.self) {
            _ = try await visit(
                .post, "/api/v1/query", #"{"sql": "fails midway", "format": "csv"}"#, witness: witness)
        }
        #expect(witness.faults.count == 1)
    }

    @Test("a chart's csv holds all of its rows and says until when it is verified")
    func chartCSV() async throws {
        let response = try await visit(.get, "/api/v1/dashboards/shop/charts/c/data?format=csv&from=2024-02-29")
        #expect(response.text == "a,b\r\n1,2\r\n")
        #expect(response.headers[.verifiedThrough] == "2026-11-21T07:30:00.123Z")
        #expect(response.headers[.contentDisposition] == "attachment; filename=\"shop-c.csv\"")
    }

    @Test("numbers that JSON does not have come as texts")
    func notANumber() async throws {
        let rows = try await visit(.get, "/api/v1/tables/RAW/a%20b/rows").json["rows"]
        #expect(rows == [["NaN", "x,\"y\""], [.integer(1), .null], [.bool(true), ""]])
    }

    private func feed(_ events: AsyncThrowingStream<RunEvent, any Error>, _ heartbeats: Heartbeats) -> EventFeed {
        let api = API(operations: House(), observe: { _ in })
        let request = Request(
            head: .init(method: .get, scheme: nil, authority: nil, path: path), body: .init(buffer: ByteBuffer()))
        return EventFeed(
            events: events, heartbeats: heartbeats, faults: FaultReport(api: api, request: request, correlation: "c"))
    }
}
