import AsyncHTTPClient
import Foundation
package import Kernel
import NIOCore
import NIOHTTP1

/// What has become of spans.
package enum SpanFate: Sendable, Hashable {
    case exported
    case dropped(SpanLoss)
}

package enum SpanLoss: String, Sendable, CaseIterable {
    case bufferFull = "buffer_full"
    /// The receiver does not want them.
    case refused
    /// The receiver did not take them in several attempts.
    case unreachable
}

/// Sends spans to a receiver of OpenTelemetry: OTLP/HTTP with binary protobuf (OTLP specification 1.x, "OTLP/HTTP").
///
/// The work never waits for it: spans go into a bounded buffer, what finds no room is counted and forgotten.
package struct OTLPExporter: Sendable {
    private let settings: OTLPSettings
    private let resource: [String: String]
    private let version: String
    private let count: @Sendable (SpanFate, Int) -> Void
    private let buffer = SpanBuffer(limit: 4096, batch: 512)
    /// Between two batches that are not full.
    private let interval: Duration
    /// Of the pauses between attempts.
    private let firstPause: Duration
    private let attempts = 5

    /// - Parameters:
    ///   - part: of Weirhouse, such as `worker`.
    ///   - count: hears of the fate of all spans.
    package init(
        _ settings: OTLPSettings, part: String, version: String, interval: Duration = .seconds(2),
        firstPause: Duration = .seconds(1), count: @escaping @Sendable (SpanFate, Int) -> Void
    ) {
        self.settings = settings
        self.version = version
        self.interval = interval
        self.firstPause = firstPause
        self.count = count
        let process = ProcessInfo.processInfo
        resource = [
            "service.name": settings.service, "service.version": version,
            "service.instance.id": UUID().uuidString.lowercased(), "host.name": process.hostName,
            "process.pid": String(process.processIdentifier), "weir.part": part,
        ]
    }

    /// Takes ended spans; everything else is nothing to it.
    @Sendable package func observe(_ observation: Observation) {
        guard case .spanEnded(let span) = observation else { return }
        if !buffer.add(span) { count(.dropped(.bufferFull), 1) }
    }

    /// Sends until the task is cancelled; then it sends what is left, for at most three seconds.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [buffer, interval] in
                while !Task.isCancelled {
                    try? await Task.sleep(for: interval)
                    buffer.ring()
                }
            }
            for await _ in buffer.rings {
                while !Task.isCancelled {
                    let batch = buffer.take()
                    guard !batch.isEmpty else { break }
                    await deliver(batch)
                }
            }
            group.cancelAll()
        }
        // In a task of its own: this one is cancelled.
        await Task { await deliverRest(until: .now + .seconds(3)) }.value
    }

    private func deliver(_ batch: [Span]) async {
        let body = TraceMessage.encode(batch, resource: resource, version: version)
        for attempt in 1...attempts {
            let answer = await post(body, timeout: settings.timeout)
            guard !Task.isCancelled || answer == .taken else {
                let lost = buffer.putBack(batch)
                return lost > 0 ? count(.dropped(.bufferFull), lost) : ()
            }
            switch answer {
            case .taken: return count(.exported, batch.count)
            case .refused: return count(.dropped(.refused), batch.count)
            case .later(let pause):
                guard attempt < attempts else { break }
                try? await Task.sleep(for: pause ?? randomPause(after: attempt))
            }
        }
        count(.dropped(.unreachable), batch.count)
    }

    /// One attempt for each batch.
    private func deliverRest(until deadline: ContinuousClock.Instant) async {
        while true {
            let batch = buffer.take()
            guard !batch.isEmpty else { return }
            let left = deadline - .now
            let body = TraceMessage.encode(batch, resource: resource, version: version)
            let answer: Answer = left > .zero ? await post(body, timeout: min(left, settings.timeout)) : .later(nil)
            count(answer == .taken ? .exported : .dropped(answer == .refused ? .refused : .unreachable), batch.count)
        }
    }

    /// Processes whose receiver was away come back apart.
    private func randomPause(after attempt: Int) -> Duration {
        backoff(after: attempt, base: firstPause) * Double.random(in: 0.5...1)
    }

    // One request -----------------------------------------------------------------------------------------------------

    private enum Answer: Equatable {
        case taken
        case refused
        /// With the pause that the receiver asks for.
        case later(Duration?)
    }

    private func post(_ body: [UInt8], timeout: Duration) async -> Answer {
        var request = HTTPClientRequest(url: settings.address)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/x-protobuf")
        request.headers.add(name: "user-agent", value: "weirhouse/\(version)")
        for header in settings.headers { request.headers.replaceOrAdd(name: header.name, value: header.value.reveal()) }
        request.body = .bytes(ByteBuffer(bytes: body))
        let limit = TimeAmount.nanoseconds(Int64(timeout / .nanoseconds(1)))
        guard let response = try? await HTTPClient.shared.execute(request, timeout: limit) else { return .later(nil) }
        // Read to its end, so that the connection can be used again. What it says matters to nobody.
        _ = try? await response.body.collect(upTo: 1 << 20)
        switch response.status.code {
        case 200..<300: return .taken
        case 429, 502, 503, 504: return .later(Self.pause(response.headers.first(name: "retry-after")))
        default: return .refused
        }
    }

    /// `Retry-After` in seconds (RFC 9110, section 10.2.3), at most 30; its other form, a date, is left to the backoff.
    static func pause(_ retryAfter: String?) -> Duration? {
        retryAfter.flatMap { Int($0.trimmingCharacters(in: .whitespaces)) }.map { .seconds(min(max($0, 0), 30)) }
    }
}
