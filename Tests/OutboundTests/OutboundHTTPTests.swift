import Foundation
import Kernel
import Peers
import Synchronization
import Testing

@testable import Outbound

@Suite("Requests to others", .timeLimit(.minutes(10)))
struct OutboundHTTPTests {
    private func kind(_ request: OutboundRequest, _ http: OutboundHTTP) async throws -> OutboundFailure.Kind? {
        try await failure { _ = try await http.send(request) }?.kind
    }

    @Test("arrive as they were meant: method, path, headers and body", arguments: ["POST", "PUT", "PATCH", "DELETE"])
    func arrives(method: String) async throws {
        let http = OutboundHTTP(try .local())
        try await Peer.use("receiver.py") { peer in
            let body = Data((0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
            let address = try await peer.address("/a/../b/%2F%20?q=1&r=%C3%BC")
            let answer = try await http.send(
                OutboundRequest(
                    method, address, headers: ["Content-Type": "application/json", "X-Empty": ""], body: body))
            #expect(answer.status == 204)
            #expect(answer.body.isEmpty)
            #expect(answer.headers["server"] != nil)
            let received: ReceivedRequest = try await peer.next()
            #expect(received.method == method)
            #expect(received.path == "/a/../b/%2F%20?q=1&r=%C3%BC")
            #expect(received.bytes == body)
            #expect(received.headers["content-type"] == "application/json")
            #expect(received.headers["x-empty"] == "")
            #expect(received.headers["content-length"] == "200000")
            #expect(received.headers["user-agent"] == "Weirhouse")
            for name in ["expect", "traceparent", "cookie", "authorization"] { #expect(received.headers[name] == nil) }
        }
    }

    @Test("without a body: GET, HEAD, an empty POST")
    func bodiless() async throws {
        let http = OutboundHTTP(try .local())
        try await Peer.use("receiver.py") { peer in
            #expect(
                try await http.send(OutboundRequest("GET", peer.address("/status/404"))).body == Data("so it is".utf8))
            let head = try await http.send(OutboundRequest("HEAD", peer.address("/status/200")))
            #expect(head.body.isEmpty && head.headers["CONTENT-LENGTH"] == "8")
            _ = try await http.send(OutboundRequest("POST", peer.address("/")))
            for method in ["GET", "HEAD", "POST"] {
                let received: ReceivedRequest = try await peer.next()
                #expect(received.method == method)
                #expect(received.headers["content-length"] == (method == "POST" ? "0" : nil))
            }
        }
    }

    @Test("every status is an answer, and a redirect is not followed")
    func statuses() async throws {
        let http = OutboundHTTP(try .local())
        try await Peer.use("receiver.py") { peer in
            for status in [200, 400, 410, 429, 500, 503] {
                #expect(
                    try await http.send(OutboundRequest("POST", peer.address("/status/\(status)"))).status == status)
            }
            let redirect = try await peer.address("/redirect/302/http://169.254.169.254/latest/meta-data")
            let answer = try await http.send(OutboundRequest("POST", redirect))
            #expect(answer.status == 302)
            #expect(answer.headers["Location"] == "http://169.254.169.254/latest/meta-data")
            #expect(try await http.send(OutboundRequest("POST", peer.address("/fail-first/1"))).status == 500)
            #expect(try await http.send(OutboundRequest("POST", peer.address("/fail-first/1"))).status == 204)
        }
    }

    @Test("go to no private address, whatever it is called, and nothing arrives there")
    func privateAddresses() async throws {
        let http = OutboundHTTP(.publicOnly)
        try await Peer.use("receiver.py") { peer in
            let port = try await peer.port
            for host in [
                "127.0.0.1", "localhost", "127.1", "0x7f000001", "2130706433", "[::1]", "[::ffff:127.0.0.1]",
                "[::ffff:7f00:1]", "0.0.0.0", "0", "169.254.169.254", "[fe80::1]", "[fd00:ec2::254]", "10.0.0.1",
            ] {
                let failure = try await failure {
                    _ = try await http.send(OutboundRequest("POST", WebAddress("http://\(host):\(port)/private")))
                }
                #expect(failure?.kind == .refusedAddress, "\(host)")
                #expect(failure?.outcome == .refused)
                #expect(failure?.problem.code == .forbidden)
                #expect(failure?.problem.hint?.contains("WEIR_ALLOW_PRIVATE_ADDRESSES") == true)
            }
            // The first that arrives is this one.
            _ = try await OutboundHTTP(.local()).send(OutboundRequest("GET", peer.address("/after")))
            #expect(try await peer.next(ReceivedRequest.self).path == "/after")
        }
    }

    @Test("a name is judged by where it leads at the connection, not by where it led before, each address by itself")
    func rebinding() async throws {
        try await Peer.use("receiver.py") { peer in
            let port = try await peer.port
            let request = OutboundRequest(
                "POST", try WebAddress("http://rebound.example:\(port)/"), timeout: .seconds(5))
            var http = OutboundHTTP(.publicOnly)
            http.resolved = ["rebound.example:\(port):127.0.0.1"]
            #expect(try await kind(request, http) == .refusedAddress)
            http.resolved = ["rebound.example:\(port):10.0.0.1,[::1],169.254.169.254"]
            #expect(try await kind(request, http) == .refusedAddress)
            // One of two is allowed: it is reached by that one.
            http = OutboundHTTP(try AddressGuard(allowing: "127.0.0.1"))
            http.resolved = ["rebound.example:\(port):127.0.0.2,127.0.0.1"]
            #expect(try await http.send(request).status == 204)
            #expect(try await peer.next(ReceivedRequest.self).headers["host"] == "rebound.example:\(port)")
        }
    }

    @Test("proxies of the environment get nothing")
    func proxies() async throws {
        // In a process of its own: the environment belongs to the whole process.
        await #expect(processExitsWith: .success) {
            setenv("http_proxy", "http://127.0.0.1:9", 1)
            setenv("ALL_PROXY", "http://127.0.0.1:9", 1)
            let http = OutboundHTTP(try .local())
            try await Peer.use("receiver.py") { peer in
                _ = try await http.send(OutboundRequest("GET", peer.address("/direct")))
                _ = try await peer.next(ReceivedRequest.self)
            }
        }
    }

    @Test("carry the trace, and are a span of it")
    func traces() async throws {
        let spans = Mutex<[Span]>([])
        let http = OutboundHTTP(try .local()) { observation in
            if case .spanEnded(let span) = observation { spans.withLock { $0.append(span) } }
        }
        let trace = TraceContext.begin()
        try await Peer.use("receiver.py") { peer in
            try await TraceContext.$current.withValue(trace) {
                _ = try await http.send(OutboundRequest("POST", peer.address("/secret-token")))
                await #expect(throws: OutboundFailure.self) {
                    _ = try await http.send(OutboundRequest("POST", peer.address("/close")))
                }
            }
            let received: ReceivedRequest = try await peer.next()
            let ended = spans.withLock { $0 }
            #expect(ended.map(\.name) == ["POST 127.0.0.1", "POST 127.0.0.1"])
            #expect(ended.map(\.problem) == [nil, .deliveryFailed])
            #expect(
                ended.allSatisfy { $0.role == .client && $0.parent == trace.span && $0.context.trace == trace.trace })
            #expect(received.headers["x-correlation-id"] == trace.correlation)
            #expect(received.headers["traceparent"] == ended.first?.context.traceparent)
        }
    }

    @Test("headers that would end their line, or are the connection's, are refused before anything is sent")
    func injection() async throws {
        let http = OutboundHTTP(try .local())
        let address = try WebAddress("http://127.0.0.1:9/")
        let bad: [OutboundRequest] = [
            OutboundRequest("POST", address, headers: ["X": "a\r\nHost: b"]),
            OutboundRequest("POST", address, headers: ["X": "a\nb"]),
            OutboundRequest("POST", address, headers: ["X\r\nY": "a"]),
            OutboundRequest("POST", address, headers: ["": "a"]),
            OutboundRequest("POST", address, headers: ["X": "a\0b"]),
            OutboundRequest("POST", address, headers: ["hOST": "b"]),
            OutboundRequest("POST", address, headers: ["Content-Length": "1"]),
            OutboundRequest("POST", address, headers: ["X:Y": "1"]),
            OutboundRequest("POST / HTTP/1.1\r\n", address), OutboundRequest("", address),
            OutboundRequest("GET", address, body: Data("x".utf8)),
        ]
        for request in bad {
            let problem = await #expect(throws: Problem.self) { _ = try await http.send(request) }
            #expect(problem?.code == .invalidInput)
        }
    }
}
