package import Connecting
import Foundation
package import Jobs
import Kernel
package import Lakehouse
package import Warehousing

/// Bronze → RAW: all loads of a run in one transaction of the warehouse.
package struct LoadJob: JobHandler {
    package let kind = "load"
    private let layout: LakeLayout
    private let adapter: any WarehouseAdapter
    private let receipts: ReceiptBook
    private let place: @Sendable (ClaimedJob) throws -> WarehousePlace
    private let passed: @Sendable (JobContext) async throws -> [LakeLayout.Place]
    private let remember: @Sendable ([LandedStream], SourcePosition, ClaimedJob) async throws -> Void

    /// - Parameters:
    ///   - passed: the loads that passed validation.
    ///   - remember: keeps what stands in RAW now, for the models.
    package init(
        layout: LakeLayout, adapter: any WarehouseAdapter, receipts: ReceiptBook,
        place: @escaping @Sendable (ClaimedJob) throws -> WarehousePlace,
        passed: @escaping @Sendable (JobContext) async throws -> [LakeLayout.Place],
        remember: @escaping @Sendable ([LandedStream], SourcePosition, ClaimedJob) async throws -> Void
    ) {
        self.layout = layout
        self.adapter = adapter
        self.receipts = receipts
        self.place = place
        self.passed = passed
        self.remember = remember
    }

    package struct Outcome: Sendable, Codable {
        package var rows: Int64
    }

    /// Files are not copied, but their rows are counted.
    package var policy: JobPolicy { JobPolicy(timeout: .seconds(6 * 3600)) }

    package func perform(_ job: ClaimedJob, in context: JobContext) async throws -> any Encodable & Sendable {
        let manifests = try await passed(context).map { try Manifest.read(in: layout.bronze($0)) }
        let folders = try await passed(context).map(layout.bronze)
        guard let position = manifests.first?.position else {
            throw Problem(.dataInvalid, "No stream passed validation.", hint: "The receipts say why.")
        }
        let loads = zip(manifests, folders).map { manifest, folder in load(manifest, in: folder) }
        try await context.confirmLease()
        let counts = try await adapter.commit(
            LoadBatch(run: job.run, loads: loads), to: try place(job), fence: FencingToken(job.fence))
        FaultPoint.pass("load.committed")
        for load in loads { try await receipts.note(loadedRows: counts[load.id] ?? 0, ofTable: load.table, in: job) }
        try await remember(
            manifests.map { LandedStream(stream: $0.stream, table: $0.table, rows: $0.rows) }, position, job)
        let rows = loads.reduce(0) { $0 + $1.rows }
        try await context.report(
            JobProgress(done: Int64(loads.count), total: Int64(loads.count), unit: "tables", rows: rows))
        return Outcome(rows: rows)
    }

    private func load(_ manifest: Manifest, in folder: String) -> Load {
        Load(
            id: id(of: manifest), source: manifest.source, table: manifest.table,
            columns: zip(manifest.columns, manifest.stream.columns).map { Load.Column(name: $0, type: $1.carried) },
            files: manifest.files.map { Load.File(path: "\(folder)/\($0.name)", written: $0.written) },
            position: manifest.position, rows: manifest.rows)
    }

    /// A run that reads its source anew puts the files into the same folders of the lake, but loads other rows: the id
    /// depends on the snapshot too. Another attempt at what was read has the same.
    private func id(of manifest: Manifest) -> LoadID {
        let position = manifest.position
        return LoadID(LakeFiles.uuid(hashing: "\(manifest.load)/\(position.position)/\(position.takenAt)"))
    }
}
