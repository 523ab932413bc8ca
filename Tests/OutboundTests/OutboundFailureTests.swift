import Foundation
import Kernel
import Peers
import Testing

@testable import Outbound

@Suite("Requests that get no answer", .timeLimit(.minutes(10)))
struct OutboundFailureTests {
    private func failure(
        _ path: String, body: Data = Data("{}".utf8), timeout: Duration = .seconds(20), answerLimit: Int = 1_000_000
    ) async throws -> OutboundFailure? {
        let http = OutboundHTTP(try .local())
        return try await Peer.use("receiver.py") { peer in
            let request = OutboundRequest(
                "POST", try await peer.address(path), body: body, timeout: timeout, answerLimit: answerLimit)
            return try await OutboundTests.failure { _ = try await http.send(request) }
        }
    }

    @Test("a connection that is closed after the request: it may have arrived")
    func closedAfter() async throws {
        for body in [Data("{}".utf8), Data(), Data(count: 300_000)] {
            let failure = try await failure("/close", body: body)
            #expect(failure?.kind == .interrupted(afterRequestWasSent: true))
            #expect(failure?.outcome == .unknown)
            #expect(failure?.problem.code == .deliveryFailed)
        }
    }

    @Test("a connection that is reset in the middle of a long body: it has not arrived")
    func resetEarly() async throws {
        let failure = try await failure("/reset-early", body: Data(count: 50_000_000))
        #expect(failure?.kind == .interrupted(afterRequestWasSent: false))
        #expect(failure?.outcome == .notTaken)
    }

    @Test("an answer that does not come in time: it may have arrived")
    func hangs() async throws {
        let failure = try await failure("/hang", timeout: .milliseconds(300))
        #expect(failure?.kind == .timeout(afterRequestWasSent: true))
        #expect(failure?.outcome == .unknown)
    }

    @Test("an answer that is no HTTP")
    func garbage() async throws {
        #expect(try await failure("/garbage")?.kind == .interrupted(afterRequestWasSent: true))
    }

    @Test("an answer longer than allowed is cut off, and its status known")
    func tooLarge() async throws {
        #expect(try await failure("/big/1000", answerLimit: 1000) == nil)
        #expect(try await failure("/big/1001", answerLimit: 1000)?.kind == .tooLarge(status: 200))
        #expect(try await failure("/big/50000000")?.kind == .tooLarge(status: 200))
    }

    @Test("an endless header is cut off too")
    func longHeader() async throws {
        let failure = try await failure("/headers/10000000")
        #expect(failure?.kind == .tooLarge(status: 200))
    }

    @Test("nobody listens, or the name is not known: it has not arrived")
    func unreachable() async throws {
        let http = OutboundHTTP(try .local())
        let port = try await Peer.use("receiver.py") { try await $0.port }
        let nobody = try await OutboundTests.failure {
            _ = try await http.send(OutboundRequest("POST", WebAddress("http://127.0.0.1:\(port)/")))
        }
        #expect(nobody?.kind == .connect)
        #expect(nobody?.outcome == .notTaken)
        #expect(nobody?.problem.detail == "Nothing answers at 127.0.0.1:\(port).")
        let unknown = try await OutboundTests.failure {
            _ = try await http.send(OutboundRequest("POST", WebAddress("http://no-such-host.invalid/")))
        }
        #expect(unknown?.kind == .resolve)
        #expect(unknown?.outcome == .notTaken)
    }

    @Test("certificates are verified: of an unknown authority, and for another name")
    func certificates() async throws {
        try await Certificates.use { files in
            try await Peer.use("receiver.py", ["--certificate", files.certificate, "--key", files.key]) { peer in
                let request = OutboundRequest("POST", try await peer.address("/", scheme: "https", host: "localhost"))
                let untrusting = OutboundHTTP(try .local())
                let failure = try await OutboundTests.failure { _ = try await untrusting.send(request) }
                #expect(failure?.kind == .tls)
                #expect(failure?.outcome == .notTaken)
                #expect(failure?.problem.detail.contains("certificate") == true)

                let trusting = OutboundHTTP(try .local(), certificateAuthorities: files.authority)
                #expect(try await trusting.send(request).status == 204)
                #expect(try await peer.next(ReceivedRequest.self).method == "POST")
                // The same server by a name that is not in its certificate.
                var elsewhere = trusting
                elsewhere.resolved = ["other.example:\(try await peer.port):127.0.0.1"]
                let other = OutboundRequest("POST", try await peer.address("/", scheme: "https", host: "other.example"))
                let wrongName = try await OutboundTests.failure { [elsewhere] in _ = try await elsewhere.send(other) }
                #expect(wrongName?.kind == .tls)
            }
        }
    }

    @Test("a cancelled task ends its request at once")
    func cancelled() async throws {
        let http = OutboundHTTP(try .local())
        try await Peer.use("receiver.py") { peer in
            let request = OutboundRequest("POST", try await peer.address("/hang"), timeout: .seconds(50))
            let clock = ContinuousClock()
            let sending = Task { try await http.send(request) }
            _ = try await peer.next(ReceivedRequest.self)
            let began = clock.now
            sending.cancel()
            await #expect(throws: CancellationError.self) { try await sending.value }
            #expect(clock.now - began < .seconds(25))
        }
    }

    @Test("a task that was cancelled before sends nothing")
    func cancelledBefore() async throws {
        let http = OutboundHTTP(try .local())
        try await Peer.use("receiver.py") { peer in
            let request = OutboundRequest("POST", try await peer.address("/never"))
            let after = OutboundRequest("POST", try await peer.address("/after"))
            let sending = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                return try await http.send(request)
            }
            await #expect(throws: CancellationError.self) { try await sending.value }
            _ = try await http.send(after)
            #expect(try await peer.next(ReceivedRequest.self).path == "/after")
        }
    }

    @Test("many at once do not wait for each other")
    func concurrent() async throws {
        let http = OutboundHTTP(try .local())
        try await Peer.use("receiver.py") { peer in
            let hanging = OutboundRequest("POST", try await peer.address("/hang"), timeout: .seconds(50))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<20 { group.addTask { _ = try await http.send(hanging) } }
                for _ in 0..<20 { _ = try await peer.next(ReceivedRequest.self) }
                #expect(try await http.send(OutboundRequest("POST", peer.address("/quick"))).status == 204)
                group.cancelAll()
            }
        }
    }
}
