import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Kernel
import NIOCore
import Synchronization
import Wire
import WireSamples

@testable import API

/// What the API has said about its own faults.
final class Witness: Sendable {
    private let seen = Mutex<[(correlation: String, problem: Problem)]>([])

    var faults: [(correlation: String, problem: Problem)] { seen.withLock { $0 } }

    func observe(_ observation: Observation) {
        guard case .requestFailed(let correlation, _, _, let problem) = observation else { return }
        seen.withLock { $0.append((correlation, problem)) }
    }
}

/// One request to an API of its own, as a program that holds the token makes it.
func visit(
    _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, token: String? = House.token,
    headers: HTTPFields = [:], house: House = House(), witness: Witness = Witness()
) async throws -> TestResponse {
    let router = Router()
    API(operations: house, observe: witness.observe).addRoutes(to: router)
    router.get("/") { _, _ in "console" }
    var headers = headers
    if let token { headers[.authorization] = "Bearer \(token)" }
    if body != nil, headers[.contentType] == nil { headers[.contentType] = "application/json" }
    let fields = headers
    return try await Application(router: router).test(.router) { client in
        try await client.execute(uri: path, method: method, headers: fields, body: body.map { ByteBuffer(string: $0) })
    }
}

extension TestResponse {
    var text: String { String(buffer: body) }
    var json: AnyJSON { get throws { try JSONDecoder().decode(AnyJSON.self, from: Data(body.readableBytesView)) } }
    var correlation: String? { headers[.correlation] }
}

extension AnyJSON {
    subscript(_ key: String) -> AnyJSON? {
        if case .object(let members) = self { members[key] } else { nil }
    }

    var string: String? {
        if case .text(let text) = self { text } else { nil }
    }
}

/// A body that each endpoint takes, and values for the captures of its path.
enum Sample {
    static func body(of endpoint: Endpoint) -> String? {
        switch endpoint.name {
        case "testSource": #"{"url": "postgresql://u@h/d"}"#
        case "cancelRun": #"{"note": "wrong day"}"#
        case "retryRun": #"{"from": "load"}"#
        case "resolveRun": #"{"note": "by hand"}"#
        case "startClone":
            #"{"url": "postgresql://u@h/d", "tables": ["a"], "views": true, "environment": "dev", "source": null}"#
        case "query": #"{"sql": "SELECT 1", "limit": 5}"#
        case "changeRuns": #"{"action": "resolve", "run_ids": ["\#(House.run)"], "note": "by hand"}"#
        case "putSchedule":
            #"{"source": "shop", "environment": null, "trigger": \#(trigger), "catch_up": "all", "tables": ["a"]}"#
        case "previewTrigger": trigger
        case "pauseSchedule": #"{"because": "stocktaking"}"#
        case "backfillSchedule": #"{"from": "2026-11-01", "through": "2026-11-07"}"#
        case "subscribe":
            #"{"channel": "webhook", "target": "https://hooks.acme.example", "events": ["late"], "source": null}"#
        case "putExpectation": #"{"source": "shop", "table": "orders", "fresh_within_minutes": 360}"#
        case "replaceSecret": #"{"value": null, "password": "geheim"}"#
        case "putLimit": #"{"key": "source/dev/shop", "most": 1, "seconds_between_starts": 0.5}"#
        case "pauseLimit": #"{"key": "source/dev/shop", "minutes": 120, "because": "moving house"}"#
        case "resumeLimit": #"{"key": "source/dev/shop"}"#
        case "putWindow": #"{"key": "warehouse/dev", "expression": "0 2 * * 6", "time_zone": null, "minutes": 240}"#
        case "putIssuer":
            #"{"issuer": "https://login.acme.example", "client_id": "weirhouse", "scopes": ["openid"], "label": null}"#
        case "addSignInRule": #"{"issuer": "acme", "kind": "claim", "claim": "a", "value": "b", "role": "viewer"}"#
        case "keepAudit": #"{"keep_days": 365}"#
        case "createToken": #"{"name": "export", "scopes": ["read", "runs.manage"], "days": 30, "service": null}"#
        case "rotateToken": #"{"grace_hours": 0, "days": null}"#
        case "createService": #"{"name": "etl", "roles": [{"role": "engineer", "environment": "dev"}]}"#
        case "beginDevice": #"{"machine": "ana at box", "scopes": ["all"]}"#
        case "pollDevice":
            #"{"device_code": "right", "grant_type": "urn:ietf:params:oauth:grant-type:device_code"}"#
        case "eraseAccount": #"{"confirm": "ana@acme.example"}"#
        case "endSessions": #"{"member": null}"#
        default: bodyOfPeople(of: endpoint)
        }
    }

    private static let trigger = #"{"kind": "cron", "expression": "0 6 * * 1-5", "time_zone": "Europe/Berlin"}"#

    static func path(of endpoint: Endpoint) -> String {
        (endpoint.path + query(of: endpoint)).replacing("{schema}", with: "RAW").replacing("{table}", with: "a%20b")
            .replacing("schedules/{name}", with: "schedules/nightly").replacing("issuers/{name}", with: "issuers/acme")
            .replacing("secrets/{name}", with: "secrets/source%2Fdev%2Fshop").replacing("{name}", with: "shop")
            .replacing("runs/{id}", with: "runs/\(House.run)")
            .replacing("subscriptions/{id}", with: "subscriptions/\(WireSamples.subscription.subscriptionID)")
            .replacing("{slug}", with: "acme").replacing("{environment}", with: "dev")
            .replacing("tokens/{id}", with: "tokens/\(WireSamples.token.tokenID)")
            .replacing("sessions/{id}", with: "sessions/\(WireSamples.session.sessionID)")
            .replacing("{member}", with: WireSamples.member.memberID).replacing("{id}", with: "c")
            .replacing("{sequence}", with: "12")
    }
}
