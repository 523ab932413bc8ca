import Access
import Crypto
import Foundation
import Kernel
import Postgres
import Wire

// What the audit keeps of things before and after a change: what people set, and nothing that changes by itself.

struct ScheduleAudit: Encodable {
    let source: String
    let environment: String
    let trigger: TriggerView
    let catchUp: String
    let tables: [String]
    let views: Bool
    let isPaused: Bool
    let pausedBecause: String?

    init(_ view: ScheduleView) {
        source = view.source
        environment = view.environment
        trigger = view.trigger
        catchUp = view.catchUp
        tables = view.tables
        views = view.views
        isPaused = view.isPaused
        pausedBecause = view.pausedBecause
    }
}

struct BackfillAudit: Encodable {
    let from: String
    let through: String
    let runs: Int?

    init(_ request: BackfillRequest, runs: Int? = nil) {
        from = request.from
        through = request.through
        self.runs = runs
    }
}

struct SubscriptionAudit: Encodable {
    let channel: String
    let target: String
    let source: String?
    let environment: String?
    let events: [String]

    init(_ view: SubscriptionView) {
        channel = view.channel
        target = view.target.auditedAddress
        source = view.source
        environment = view.environment
        events = view.events
    }
}

struct ExpectationAudit: Encodable {
    let source: String
    let environment: String
    let table: String?
    let freshWithinMinutes: Int

    init(_ view: ExpectationView) {
        source = view.source
        environment = view.environment
        table = view.table
        freshWithinMinutes = view.freshWithinMinutes
    }
}

struct LimitAudit: Encodable {
    let most: Int?
    let secondsBetweenStarts: Double?
    let pausedUntil: String?
    let pausedBecause: String?

    init(_ view: LimitView) {
        most = view.most
        secondsBetweenStarts = view.secondsBetweenStarts
        pausedUntil = view.pausedUntil
        pausedBecause = view.pausedBecause
    }
}

struct WindowAudit: Encodable {
    let key: String
    let expression: String
    let timeZone: String
    let minutes: Int
    let because: String?

    init(_ view: WindowView) {
        key = view.key
        expression = view.expression
        timeZone = view.timeZone
        minutes = view.minutes
        because = view.because
    }
}

struct RunAudit: Encodable {
    var state: StateWord?
    var note: String?
    /// The kind of job that it was taken up from.
    var from: String?
}

struct CloneAudit: Encodable {
    /// Host and name of the database, if its address was given.
    let database: String?
    let tables: [String]?
    let views: Bool?
    let runID: String?

    init(_ request: CloneRequest, run: String? = nil) {
        database = request.url?.auditedPlace
        tables = request.tables
        views = request.views
        runID = run
    }
}

/// Of SQL only what tells whether it was the same: the text may hold anything.
struct ChartAudit: Encodable {
    let place: PlaceRequest
    let range: DayRange
}

struct QueryAudit: Encodable {
    let sqlSHA256: String
    let sqlBytes: Int
    let format: String

    init(_ request: QueryRequest) {
        sqlSHA256 = SHA256.hash(data: Data(request.sql.utf8)).hexadecimal
        sqlBytes = request.sql.utf8.count
        format = (request.format ?? .json).rawValue
    }

    private enum CodingKeys: String, CodingKey {
        case sqlSHA256 = "sql_sha256"
        case sqlBytes, format
    }
}

extension CloneRequest {
    var auditTarget: AuditTarget {
        let name = source ?? url.flatMap { try? ConnectionAddress($0).database } ?? "?"
        return AuditTarget("source", "\(environment ?? "dev")/\(name)")
    }
}

extension QueryRequest {
    var auditTarget: AuditTarget { AuditTarget("warehouse", environment ?? "dev") }
}

extension SubscriptionRequest {
    var auditTarget: AuditTarget { AuditTarget("subscription", "\(channel) \(target.auditedAddress)") }
}

extension ExpectationView {
    /// Whether a request changes this one.
    func isAbout(_ request: ExpectationRequest) -> Bool {
        guard source == request.source, environment == request.environment ?? "dev" else { return false }
        guard let asked = request.table, let table else { return request.table == nil && self.table == nil }
        return table == asked || table == "\(source)__\(asked)"
    }
}

extension String {
    /// Of a database's address: where it is and what it is called; nil if it is none.
    var auditedPlace: String? {
        guard let address = try? ConnectionAddress(self) else { return nil }
        return "\(address.place)/\(address.database)"
    }

    /// Of a webhook only the host: paths of webhooks are secrets with many services. Of mail all.
    var auditedAddress: String {
        guard contains("://") else { return self }
        guard let parts = URLComponents(string: self), let scheme = parts.scheme, let host = parts.host else {
            return AuditDetail.hidden
        }
        let port = parts.port.map { ":\($0)" } ?? ""
        return "\(scheme)://\(host)\(port)/\(AuditDetail.hidden)"
    }
}
