import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import Logging
import NIOCore
import Testing
import Wire

@testable import Console

/// Asks the console for pages as a browser would, without a network.
struct Browser {
    let operations: FixtureOperations
    let responder: RouterResponder<FixtureContext>
    let observed = Observed()
    let attempts = AttemptLimits()
    let console: Console

    /// - Parameter changes: with them pages are kept for a moment.
    init(_ operations: FixtureOperations = FixtureOperations(), changes: ChangeCounts? = nil) throws {
        self.operations = operations
        let router = Router(context: FixtureContext.self)
        console = try Fixtures.console(operations, attempts: attempts, changes: changes, observe: observed.note)
        console.addRoutes(to: router)
        responder = router.buildResponder()
    }

    func get(_ path: String, _ fields: [String: String] = [:], signedIn: Bool = true) async throws -> Answer {
        try await send(.get, path, fields, form: nil, signedIn: signedIn)
    }

    /// - Parameter saysWhere: whether it says where the form is from, as browsers do: from our own pages, unless a field
    ///   says otherwise.
    func post(
        _ path: String, _ form: String = "", _ fields: [String: String] = [:], signedIn: Bool = true,
        saysWhere: Bool = true
    ) async throws -> Answer {
        try await send(.post, path, fields, form: form, signedIn: signedIn, saysWhere: saysWhere)
    }

    static func head(_ method: HTTPRequest.Method, _ path: String, signedIn: Bool = true) -> HTTPRequest {
        var head = HTTPRequest(method: method, scheme: "http", authority: "weir.test:8080", path: path)
        if signedIn { head.headerFields[.cookie] = "other=1; weir_session=\(FixtureOperations.session)" }
        return head
    }

    private func send(
        _ method: HTTPRequest.Method, _ path: String, _ fields: [String: String], form: String?, signedIn: Bool,
        saysWhere: Bool = false
    ) async throws -> Answer {
        var head = Self.head(method, path, signedIn: signedIn)
        let names = Set(fields.keys)
        if saysWhere, names.isDisjoint(with: ["Origin", "Sec-Fetch-Site"]) {
            head.headerFields[.origin] = "http://weir.test:8080"
        }
        for (name, value) in fields { head.headerFields[try #require(HTTPField.Name(name))] = value }
        let request = Request(head: head, body: RequestBody(buffer: ByteBuffer(string: form ?? "")))
        let context = FixtureContext(source: FixtureSource())
        let response = try await responder.respond(to: request, context: context)
        return Answer(status: response.status.code, headers: response.headers, body: try await response.body.text())
    }
}

struct Answer {
    let status: Int
    let headers: HTTPFields
    let body: String

    subscript(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }
}

struct FixtureSource: RequestContextSource {
    let logger = Logger(label: "console tests") { _ in SwiftLogNoOpLogHandler() }
}

struct FixtureContext: RequestContext {
    typealias Source = FixtureSource

    var coreContext: CoreRequestContextStorage

    init(source: FixtureSource) { coreContext = CoreRequestContextStorage(source: source) }
}

/// What the console observed.
final class Observed: @unchecked Sendable {
    private let lock = NSLock()
    private var observations: [Observation] = []

    /// The routes of requests that failed.
    var failures: [String] {
        lock.withLock {
            observations.compactMap { observation in
                if case .requestFailed(_, _, let path, _) = observation { path } else { nil }
            }
        }
    }

    func note(_ observation: Observation) { lock.withLock { observations.append(observation) } }
}

enum Fixtures {
    /// The real scripts if they were set up, else empty ones: pages only name them.
    static func console(
        _ operations: FixtureOperations, attempts: AttemptLimits = AttemptLimits(), changes: ChangeCounts? = nil,
        observe: @escaping Observe = { _ in }
    ) throws -> Console {
        let time = TimeSource(now: { Shop.now }, makeUUID: { UUID() })
        return try Console(
            operations: operations, assetsFolder: try assetsFolder(), attempts: attempts, time: time,
            changes: changes, freshness: .seconds(3_600), observe: observe)
    }

    static func assetsFolder() throws -> String {
        let real = root.appending(path: ".venv/assets").path
        if FileManager.default.fileExists(atPath: "\(real)/echarts.min.js") { return real }
        let folder = FileManager.default.temporaryDirectory.appending(path: "weir-console-assets").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for name in ["htmx.min.js", "echarts.min.js"] {
            try Data("// \(name)".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(name)"), options: .atomic)
        }
        return folder
    }

    /// The repository.
    static var root: URL {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
    }
}

extension ResponseBody {
    fileprivate func text() async throws -> String {
        let collected = Collected()
        try await write(CollectingWriter(collected: collected))
        return String(buffer: collected.buffer)
    }
}

private final class Collected: @unchecked Sendable {
    var buffer = ByteBuffer()
}

private struct CollectingWriter: ResponseBodyWriter {
    let collected: Collected

    mutating func write(_ buffer: ByteBuffer) async throws { collected.buffer.writeImmutableBuffer(buffer) }
    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
