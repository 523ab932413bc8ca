import Connecting
import Foundation
import Jobs
import Kernel
import Lakehouse

/// Reads streams of one snapshot into the raw zone.
struct Reading: Sendable {
    let snapshot: any SourceSnapshot
    let layout: LakeLayout
    let receipts: ReceiptBook
    let job: ClaimedJob
    let context: JobContext
    let order: CloneOrder
    let key: Secret<[UInt8]>

    /// Streams go on side by side, at most `atOnce`; the largest first, so that none is left for the end.
    /// A stream's own problem is noted on its receipt; a problem of the whole source ends all.
    func read(_ plans: [StreamPlan], atOnce: Int) async throws -> Extraction {
        let tally = Tally(streams: plans.count, context: context)
        var waiting = plans.sorted { ($0.stream.estimatedBytes ?? 0) > ($1.stream.estimatedBytes ?? 0) }[...]
        var landed: [Extraction.Landed] = []
        try await withThrowingTaskGroup(of: Extraction.Landed?.self) { group in
            for plan in waiting.prefix(atOnce) { group.addTask { try await readNoting(plan, tally) } }
            waiting = waiting.dropFirst(atOnce)
            while let result = try await group.next() {
                if let result { landed.append(result) }
                if let plan = waiting.popFirst() { group.addTask { try await readNoting(plan, tally) } }
            }
        }
        return Extraction(position: snapshot.position, loads: landed.sorted { $0.stream < $1.stream })
    }

    private func readNoting(_ plan: StreamPlan, _ tally: Tally) async throws -> Extraction.Landed? {
        let name = plan.stream.name.description
        do {
            try await read(plan, tally)
            try await tally.finished(name)
            return Extraction.Landed(stream: name, place: plan.place)
        } catch let problem as Problem where problem.code.concernsOneStream {
            try await receipts.note(problem, with: name, in: job)
            try await context.log(.warning, problem.description)
            try await tally.finished(name)
            return nil
        }
    }

    private func read(_ plan: StreamPlan, _ tally: Tally) async throws {
        var stream = plan.stream
        while true {
            try await context.confirmLease()
            let folder = try PendingFolder(for: layout.raw(plan.place), attempt: job.fence)
            do {
                try await fill(folder, with: stream, plan, tally)
                return
            } catch let needed as ColumnNeedsText {
                folder.discard()
                let carried = stream.carryAsText(needed.column)
                try await context.log("\(stream.name): \(needed.column) holds NaN and is carried as text.")
                guard carried else { throw Problem(.internal, "\(stream.name) asks for the same column twice.") }
            } catch {
                folder.discard()
                throw error
            }
        }
    }

    private func fill(
        _ folder: PendingFolder, with stream: SourceStream, _ plan: StreamPlan, _ tally: Tally
    ) async throws {
        async let counted = snapshot.count(stream)
        let files = try await write(stream, into: folder, tally)
        let sourceRows = try await counted
        try await receipts.note(sourceRows: sourceRows, of: stream.name.description, in: job)
        try Manifest(
            load: plan.place.load, run: job.run, client: order.client, environment: order.environment,
            source: order.source, position: snapshot.position, stream: stream, table: plan.place.table,
            sourceRows: sourceRows, files: files
        ).write(in: folder.path)
        FaultPoint.pass("extract.manifest")
        try await context.confirmLease()
        try folder.show()
        FaultPoint.pass("extract.shown")
    }

    private func write(
        _ stream: SourceStream, into folder: PendingFolder, _ tally: Tally
    ) async throws -> [Manifest.File] {
        let parts = try await snapshot.parts(of: stream)
        return try await withThrowingTaskGroup(of: (Int, Manifest.File).self) { group in
            for part in parts {
                group.addTask {
                    let name =
                        "part-\(String(repeating: "0", count: 5 - min(5, String(part.number).count)))\(part.number).parquet"
                    let path = "\(folder.path)/\(name)"
                    let written = try await snapshot.write(part, of: stream, to: ParquetTarget(path: path, key: key))
                    FaultPoint.pass("extract.part")
                    try LakeFiles.perform("keep a file of the lake") { try LakeFiles.sync(path) }
                    let file = Manifest.File(name: name, sha256: try LakeFiles.sha256(path), written: written)
                    try await tally.wrote(written, of: stream.name.description)
                    return (part.number, file)
                }
            }
            var files: [(Int, Manifest.File)] = []
            for try await file in group { files.append(file) }
            return files.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}

/// Counts what has been done, for the progress.
actor Tally {
    private let streams: Int
    private let context: JobContext
    private var done = 0
    private var rows: Int64 = 0
    private var bytes: Int64 = 0

    init(streams: Int, context: JobContext) {
        self.streams = streams
        self.context = context
    }

    func wrote(_ file: WrittenFile, of stream: String) async throws {
        rows += file.rows
        bytes += file.bytes
        try await report(at: stream)
    }

    func finished(_ stream: String) async throws {
        done += 1
        try await report(at: stream)
    }

    private func report(at stream: String) async throws {
        try await context.report(
            JobProgress(
                done: Int64(done), total: Int64(streams), unit: "tables", rows: rows, bytes: bytes,
                note: done == streams ? nil : stream))
    }
}

extension Problem.Code {
    /// Whether the other streams may go on.
    var concernsOneStream: Bool {
        switch self {
        case .sourcePermission, .sourceChanged, .unsupported, .dataInvalid: true
        default: false
        }
    }
}

extension SourceStream {
    /// False if it is carried as text already.
    mutating func carryAsText(_ name: String) -> Bool {
        guard let index = columns.firstIndex(where: { $0.name == name }), columns[index].carried != .text else {
            return false
        }
        columns[index].carried = .text
        columns[index].meaning = .decimalText
        return true
    }
}
