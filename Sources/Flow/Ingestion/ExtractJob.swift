package import Connecting
import Foundation
package import Jobs
package import Kernel
package import Lakehouse

/// What is to be cloned: the payload of every job of a clone run.
package struct CloneOrder: Sendable, Codable, Hashable {
    /// The organization's slug.
    package var client: String
    package var environment: String
    /// The source's name.
    package var source: String
    /// `table` or `schema.table`; empty for all tables.
    package var tables: [String]
    /// Also all views.
    package var views: Bool
    /// `YYYY-MM-DD`: the day of the run, in paths.
    package var day: String

    package init(client: String, environment: String, source: String, tables: [String], views: Bool, day: String) {
        self.client = client
        self.environment = environment
        self.source = source
        self.tables = tables
        self.views = views
        self.day = day
    }
}

/// What the extraction leaves for the jobs after it.
package struct Extraction: Sendable, Codable {
    package var position: SourcePosition
    package var loads: [Landed]

    package init(position: SourcePosition, loads: [Landed]) {
        self.position = position
        self.loads = loads
    }

    package struct Landed: Sendable, Codable {
        package var stream: String
        package var place: LakeLayout.Place

        package init(stream: String, place: LakeLayout.Place) {
            self.stream = stream
            self.place = place
        }
    }
}

/// Source → raw: all streams in one snapshot of the source. After a crash it starts over in a new snapshot, because the
/// old one went with the worker.
package struct ExtractJob: JobHandler {
    package let kind = "extract"
    private let layout: LakeLayout
    private let receipts: ReceiptBook
    private let parallelism: Int
    private let openSource: @Sendable (CloneOrder, ClaimedJob) async throws -> any Source
    private let lakeKey: @Sendable (CloneOrder, ClaimedJob) async throws -> Secret<[UInt8]>
    private let knownTables: @Sendable (CloneOrder, ClaimedJob) async throws -> [StreamName: String]

    /// - Parameters:
    ///   - parallelism: reads of the source at once.
    ///   - openSource: the source with its credentials.
    ///   - lakeKey: what raw files are encrypted with.
    ///   - knownTables: the tables in RAW that streams of the source have already.
    package init(
        layout: LakeLayout, receipts: ReceiptBook, parallelism: Int,
        openSource: @escaping @Sendable (CloneOrder, ClaimedJob) async throws -> any Source,
        lakeKey: @escaping @Sendable (CloneOrder, ClaimedJob) async throws -> Secret<[UInt8]>,
        knownTables: @escaping @Sendable (CloneOrder, ClaimedJob) async throws -> [StreamName: String]
    ) {
        self.layout = layout
        self.receipts = receipts
        self.parallelism = parallelism
        self.openSource = openSource
        self.lakeKey = lakeKey
        self.knownTables = knownTables
    }

    /// A day: a huge table behind a slow line takes many hours.
    package var policy: JobPolicy { JobPolicy(timeout: .seconds(24 * 3600)) }

    package func perform(_ job: ClaimedJob, in context: JobContext) async throws -> any Encodable & Sendable {
        let order: CloneOrder = try job.payload()
        let source = try await openSource(order, job)
        let discovered = try await source.discover()
        let tables = RawNaming.tables(
            for: discovered.map(\.stream.name), source: order.source, known: try await knownTables(order, job))
        let chosen = try StreamChoice(order).choose(from: discovered)
        try await receipts.open(
            chosen.map { ($0.stream.name.description, tables[$0.stream.name] ?? "") }, of: job)
        for refused in chosen {
            guard let refusal = refused.refusal else { continue }
            try await receipts.note(refusal.problem, with: refused.stream.name.description, in: job)
            try await context.log(.warning, "\(refused.stream.name): \(refusal.detail)")
        }
        // Each attempt uses the same folders and clears away what the one before left; LoadJob tells snapshots apart.
        let plans = chosen.filter { $0.refusal == nil }.map { found in
            StreamPlan(
                stream: found.stream,
                place: LakeLayout.Place(
                    client: order.client, source: order.source, table: tables[found.stream.name] ?? "", day: order.day,
                    load: .named("\(job.run)/\(tables[found.stream.name] ?? "")")))
        }
        guard !plans.isEmpty else {
            throw chosen.first?.refusal?.problem
                ?? Problem(.sourceMissing, "The source has no tables.", hint: "Check the database's name.")
        }
        let snapshot = try await source.openSnapshot(of: plans.map(\.stream), parallelism: parallelism)
        do {
            let key = try await lakeKey(order, job)
            try await context.log("Reading \(plans.count) streams at \(snapshot.position.position).")
            let extraction = try await Reading(
                snapshot: snapshot, layout: layout, receipts: receipts, job: job, context: context, order: order,
                key: key
            ).read(plans, atOnce: parallelism + 1)
            await snapshot.close()
            FaultPoint.pass("extract.done")
            return extraction
        } catch {
            await snapshot.close()
            throw error
        }
    }
}

/// Which streams of a source an order means.
package struct StreamChoice {
    private let order: CloneOrder

    package init(_ order: CloneOrder) { self.order = order }

    /// - Throws: `sourceMissing` naming what is not there.
    package func choose(from discovered: [DiscoveredStream]) throws -> [DiscoveredStream] {
        guard !order.tables.isEmpty else {
            // A table without columns has nothing to carry; named on purpose, it is refused.
            return discovered.filter { found in
                !found.stream.columns.isEmpty
                    && (found.stream.kind.isDefault || (order.views && found.stream.kind.isView))
            }
        }
        var chosen: Set<StreamName> = []
        for wanted in order.tables {
            let found = discovered.map(\.stream.name).filter { name in
                name.description == wanted || (name.table == wanted && name.schema == "public")
            }
            guard !found.isEmpty else {
                throw Problem(
                    .sourceMissing, "The source has no table \(wanted).",
                    hint: "Name tables as table (in public) or schema.table.")
            }
            chosen.formUnion(found)
        }
        return discovered.filter { chosen.contains($0.stream.name) }
    }
}

extension SourceStream.Kind {
    var isView: Bool { self == .view || self == .materializedView }
}

extension ID {
    /// The same id for the same name, always: a UUID of version 8 from SHA-256 (RFC 9562, section 5.8).
    static func named(_ name: String) -> ID { ID(LakeFiles.uuid(hashing: name)) }
}

/// A stream and where it goes.
struct StreamPlan: Sendable {
    var stream: SourceStream
    var place: LakeLayout.Place
}
