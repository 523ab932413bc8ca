import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import Logging
import NIOCore
import Synchronization
import Testing

@testable import Telemetry

/// A receiver of traces that answers as it is told to.
final class Receiver: Sendable {
    struct Answer: Sendable {
        var status: HTTPResponse.Status
        var retryAfter: String?
    }

    private let state = Mutex((answers: [Answer](), bodies: [ByteBuffer](), headers: [HTTPFields]()))

    var bodies: [ByteBuffer] { state.withLock { $0.bodies } }
    var headers: [HTTPFields] { state.withLock { $0.headers } }

    /// Runs beside `work`, which is given its address. The first answers are `answers`, all others 200.
    func serve(_ answers: [Answer] = [], _ work: @escaping @Sendable (String) async throws -> Void) async throws {
        state.withLock { $0.answers = answers }
        let (ports, found) = AsyncStream<Int>.makeStream()
        let router = Router()
        router.post("/v1/traces") { [self] request, _ in
            let body = try await request.body.collect(upTo: 16 << 20)
            let answer = state.withLock { state in
                state.bodies.append(body)
                state.headers.append(request.headers)
                return state.answers.isEmpty ? Answer(status: .ok) : state.answers.removeFirst()
            }
            return Response(status: answer.status, headers: answer.retryAfter.map { [.retryAfter: $0] } ?? [:])
        }
        let application = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { found.yield($0.localAddress?.port ?? 0) },
            logger: Logger(label: "receiver") { _ in SwiftLogNoOpLogHandler() })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await application.run() }
            var iterator = ports.makeAsyncIterator()
            let port = await iterator.next() ?? 0
            try await work("http://127.0.0.1:\(port)/v1/traces")
            group.cancelAll()
        }
    }
}

/// Counts what has become of spans, and wakes who waits for it.
final class Fates: Sendable {
    private let counts = Mutex<[SpanFate: Int]>([:])

    @Sendable func count(_ fate: SpanFate, _ spans: Int) { counts.withLock { $0[fate, default: 0] += spans } }

    subscript(_ fate: SpanFate) -> Int { counts.withLock { $0[fate] ?? 0 } }
}

@Suite("Traces over OTLP")
struct ExporterTests {
    private let fates = Fates()

    private func exporter(
        _ address: String, headers: [(name: String, value: Secret<String>)] = [], interval: Duration = .milliseconds(20)
    ) -> OTLPExporter {
        OTLPExporter(
            OTLPSettings(address: address, headers: headers), part: "test", version: "1", interval: interval,
            firstPause: .milliseconds(10), count: fates.count)
    }

    private func tell(_ exporter: OTLPExporter, spans: Int) {
        for _ in 0..<spans {
            exporter.observe(
                .spanEnded(
                    Span(
                        name: "s", role: .inside, context: .begin(), parent: nil, began: Date(), ended: Date(),
                        attributes: [:], problem: nil)))
        }
    }

    /// Runs the exporter until `condition` holds, then stops it as a process that ends does.
    private func run(_ exporter: OTLPExporter, until condition: @escaping @Sendable () -> Bool) async throws {
        let task = Task { await exporter.run() }
        let deadline = ContinuousClock.now + .seconds(20)
        while !condition(), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(5)) }
        task.cancel()
        await task.value
    }

    @Test("spans are sent in batches of at most 512, with the headers that are set")
    func batches() async throws {
        let receiver = Receiver()
        try await receiver.serve { [self] address in
            let exporter = exporter(address, headers: [("X-Key", Secret("k"))])
            tell(exporter, spans: 1200)
            try await run(exporter) { [fates] in fates[.exported] == 1200 }
        }
        #expect(fates[.exported] == 1200)
        #expect(receiver.bodies.count == 3)
        #expect(receiver.headers[0][.contentType] == "application/x-protobuf")
        #expect(receiver.headers[0][try #require(HTTPField.Name("X-Key"))] == "k")
    }

    @Test("a busy receiver is asked again, with the same batch", arguments: [429, 502, 503, 504])
    func busy(status: Int) async throws {
        let receiver = Receiver()
        try await receiver.serve([
            .init(status: .init(code: status)), .init(status: .init(code: status), retryAfter: "0"),
        ]) {
            [self] address in
            let exporter = exporter(address)
            tell(exporter, spans: 3)
            try await run(exporter) { [fates] in fates[.exported] == 3 }
        }
        #expect(fates[.exported] == 3)
        #expect(receiver.bodies.count == 3)
        #expect(Set(receiver.bodies).count == 1)
    }

    @Test("what a receiver refuses is not sent again")
    func refused() async throws {
        let receiver = Receiver()
        try await receiver.serve([.init(status: .badRequest)]) { [self] address in
            let exporter = exporter(address)
            tell(exporter, spans: 3)
            try await run(exporter) { [fates] in fates[.dropped(.refused)] == 3 }
        }
        #expect(fates[.dropped(.refused)] == 3)
        #expect(receiver.bodies.count == 1)
    }

    @Test("spans that wait when the process ends are sent")
    func lastFlush() async throws {
        let receiver = Receiver()
        try await receiver.serve { [self] address in
            let exporter = exporter(address, interval: .seconds(3600))
            tell(exporter, spans: 7)
            let task = Task { await exporter.run() }
            task.cancel()
            await task.value
            // Told after the end: nobody sends it, nothing breaks.
            tell(exporter, spans: 1)
        }
        #expect(fates[.exported] == 7)
    }

    @Test("with no receiver the buffer has an end, and the process too")
    func noReceiver() async throws {
        let exporter = exporter("http://127.0.0.1:1/v1/traces")
        tell(exporter, spans: 5000)
        #expect(fates[.dropped(.bufferFull)] == 5000 - 4096)
        let task = Task { await exporter.run() }
        task.cancel()
        await task.value
        #expect(fates[.dropped(.unreachable)] == 4096)
    }

    @Test(
        "the pause that a receiver asks for is at most half a minute",
        arguments: [
            ("3", Duration.seconds(3)), ("-1", .zero), ("86400", .seconds(30)), (" 7 ", .seconds(7)), ("soon", nil),
            (nil, nil),
        ] as [(String?, Duration?)])
    func pauses(header: String?, pause: Duration?) { #expect(OTLPExporter.pause(header) == pause) }
}

@Suite("Settings of traces")
struct OTLPSettingsTests {
    private func read(_ variables: [String: String]) throws -> OTLPSettings? { try OTLPSettings.read { variables[$0] } }

    @Test("the general address gets the path of traces, their own is taken as it is")
    func addresses() throws {
        #expect(try read([:]) == nil)
        #expect(try read(["OTEL_EXPORTER_OTLP_ENDPOINT": ""]) == nil)
        #expect(try read(["OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318"])?.address == "http://h:4318/v1/traces")
        #expect(try read(["OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318/a/"])?.address == "http://h:4318/a/v1/traces")
        let both = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://h", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://t/x"]
        #expect(try read(both)?.address == "https://t/x")
    }

    @Test("headers are decoded; nobody sees their values in a message")
    func headers() throws {
        let settings = try read([
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://h",
            "OTEL_EXPORTER_OTLP_HEADERS": "a=b%20c, Authorization=Basic eA==",
        ])
        #expect(settings?.headers.map(\.name) == ["a", "Authorization"])
        #expect(settings?.headers.map { $0.value.reveal() } == ["b c", "Basic eA=="])
        let wrong = #expect(throws: Problem.self) {
            try read(["OTEL_EXPORTER_OTLP_ENDPOINT": "http://h", "OTEL_EXPORTER_OTLP_HEADERS": "topsecret"])
        }
        #expect(wrong?.description.contains("topsecret") == false)
    }

    @Test(
        "what cannot work is refused by the variable's name",
        arguments: [
            ["OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"],
            ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://h", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"],
            ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://h", "OTEL_EXPORTER_OTLP_TIMEOUT": "soon"],
        ])
    func refused(variables: [String: String]) {
        let problem = #expect(throws: Problem.self) { try read(variables) }
        #expect(problem?.code == .invalidInput)
        #expect(problem?.detail.hasPrefix("OTEL_EXPORTER_OTLP_") == true)
    }

    @Test("traces can be turned off")
    func off() throws {
        let on = ["OTEL_EXPORTER_OTLP_ENDPOINT": "http://h"]
        #expect(try read(on.merging(["OTEL_SDK_DISABLED": "true"]) { $1 }) == nil)
        #expect(try read(on.merging(["OTEL_TRACES_EXPORTER": "none"]) { $1 }) == nil)
        #expect(try read(on)?.service == "weirhouse")
    }
}
