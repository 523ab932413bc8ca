import Connecting
import Foundation
package import Jobs
package import Kernel
package import Lakehouse

/// Raw → bronze, or quarantine. Bronze files are second names of the raw files: what was checked is what is loaded.
package struct ValidateJob: JobHandler {
    package let kind = "validate"
    private let layout: LakeLayout
    private let receipts: ReceiptBook
    private let openValidation: @Sendable () async throws -> Validation
    private let lakeKey: @Sendable (CloneOrder, ClaimedJob) async throws -> Secret<[UInt8]>

    package init(
        layout: LakeLayout, receipts: ReceiptBook, openValidation: @escaping @Sendable () async throws -> Validation,
        lakeKey: @escaping @Sendable (CloneOrder, ClaimedJob) async throws -> Secret<[UInt8]>
    ) {
        self.layout = layout
        self.receipts = receipts
        self.openValidation = openValidation
        self.lakeKey = lakeKey
    }

    /// The loads that passed.
    package struct Passed: Sendable, Codable {
        package var places: [LakeLayout.Place]
    }

    /// Every byte is read once more, from disk.
    package var policy: JobPolicy { JobPolicy(timeout: .seconds(6 * 3600)) }

    package func perform(_ job: ClaimedJob, in context: JobContext) async throws -> any Encodable & Sendable {
        let order: CloneOrder = try job.payload()
        let extraction: Extraction = try await context.result(of: "extract")
        let key = try await lakeKey(order, job)
        let validation = try await openValidation()
        var passed: [LakeLayout.Place] = []
        for (index, landed) in extraction.loads.enumerated() {
            if let problem = earlierQuarantine(of: landed.place) {
                try await receipts.note(problem, with: landed.stream, in: job)
                continue
            }
            do {
                let manifest = try await validation.check(landed.place, key: key)
                try await context.confirmLease()
                try show(manifest, of: landed.place, in: layout.bronze(landed.place), attempt: job.fence)
                passed.append(landed.place)
                FaultPoint.pass("validate.passed")
            } catch let problem as Problem where problem.code == .dataInvalid {
                try await context.confirmLease()
                try quarantine(landed.place, because: problem, attempt: job.fence)
                try await receipts.note(problem, with: landed.stream, in: job)
                try await context.log(.warning, "Quarantined. \(problem.description)")
            }
            try await context.report(
                JobProgress(
                    done: Int64(index + 1), total: Int64(extraction.loads.count), unit: "tables", note: landed.stream))
        }
        return Passed(places: passed)
    }

    private func show(_ manifest: Manifest, of place: LakeLayout.Place, in final: String, attempt: Int64) throws {
        let folder = try PendingFolder(for: final, attempt: attempt)
        do {
            for file in manifest.files {
                try LakeFiles.link("\(layout.raw(place))/\(file.name)", as: "\(folder.path)/\(file.name)")
            }
            try manifest.write(in: folder.path)
            try folder.show()
        } catch {
            folder.discard()
            throw error
        }
    }

    /// Why an attempt before this one quarantined a load; its files are not in raw any more.
    private func earlierQuarantine(of place: LakeLayout.Place) -> Problem? {
        let folder = layout.quarantine(place)
        guard FileManager.default.fileExists(atPath: "\(folder)/_SUCCESS"),
            !FileManager.default.fileExists(atPath: layout.raw(place)),
            let reason = FileManager.default.contents(atPath: "\(folder)/reason.json")
        else { return nil }
        return try? JSONDecoder().decode(StoredProblem.self, from: reason).problem
    }

    /// Moves what is there out of raw, with the reason beside it.
    private func quarantine(_ place: LakeLayout.Place, because problem: Problem, attempt: Int64) throws {
        let folder = try PendingFolder(for: layout.quarantine(place), attempt: attempt)
        let raw = layout.raw(place)
        try LakeFiles.perform("quarantine a load") {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: raw)) ?? [] where name != "_SUCCESS" {
                try LakeFiles.link("\(raw)/\(name)", as: "\(folder.path)/\(name)")
            }
            let reason = try JSONEncoder().encode(StoredProblem(problem))
            try LakeFiles.write(reason, to: "\(folder.path)/reason.json")
        }
        try folder.show()
        LakeFiles.removeWithEmptyParents(raw, upTo: layout.root)
    }
}
