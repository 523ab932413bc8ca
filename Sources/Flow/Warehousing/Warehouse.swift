package import Foundation
package import Kernel

/// A kind of warehouse: it makes warehouses, says how they are, takes loads and hands out what dbt needs.
///
/// Every method may be called again after a crash at any point: what is done already is found and left as it is.
/// The fencing token of the job is passed wherever something is changed; a token older than one seen is refused with
/// `leaseLost`.
package protocol WarehouseAdapter: Sendable {
    /// `ducklake`, `postgres`, …
    var provider: String { get }
    var capabilities: WarehouseCapabilities { get }

    /// - Throws: `invalidInput` with what to change.
    func validate(_ place: WarehousePlace) throws

    /// What is still to be done to have this warehouse, in order; empty once it stands.
    /// - Throws: `metadataUnavailable`.
    func plan(_ place: WarehousePlace) async throws -> [ProvisioningStep]

    /// Carries out one step of `plan`; nothing happens if it is done already.
    /// - Throws: `diskFull`, `metadataUnavailable`, `internal`.
    func perform(_ step: ProvisioningStep, for place: WarehousePlace) async throws

    func status(of place: WarehousePlace) async throws -> WarehouseStatus

    /// Removes the warehouse with all its data.
    func destroy(_ place: WarehousePlace) async throws

    /// The key that raw and bronze files of this warehouse are encrypted with.
    func lakeKey(of place: WarehousePlace) async throws -> Secret<[UInt8]>

    /// Makes all loads of the batch visible in RAW in one transaction, together with their rows in `_weir_loads`.
    /// A load whose row is there already is left out, so a repeated batch changes nothing.
    /// - Returns: rows in RAW per load, as the warehouse itself says.
    /// - Throws: `leaseLost`, `diskFull`, `metadataUnavailable`.
    func commit(_ batch: LoadBatch, to place: WarehousePlace, fence: FencingToken) async throws -> [LoadID: Int64]

    /// How dbt reaches the warehouse, for one build. From then on a build of an older token changes nothing any more, even
    /// if its worker is gone and its dbt goes on.
    /// - Throws: `leaseLost` if a build of a later token has begun.
    func modelingTarget(for place: WarehousePlace, fence: FencingToken) async throws -> ModelingTarget

    /// How a query engine reaches the warehouse to read it, and nothing beside it.
    func readingTarget(for place: WarehousePlace) async throws -> ReadingTarget

    /// Names what the warehouse holds: as long as it stays the same, so do its tables. Nil if there is no warehouse here.
    /// It is asked for often, and has to be cheap.
    func version(of place: WarehousePlace) async throws -> String?

    /// Rows of each table whose count the warehouse knows without reading it.
    func rowCounts(of place: WarehousePlace) async throws -> [WarehouseTable: Int64]

    /// After a build: every table and view belongs to a schema that exists, every table's files are there.
    /// - Throws: `internal`, naming what is wrong.
    func checkCatalogue(of place: WarehousePlace) async throws

    /// Removes what builds that died have left: files outside RAW that no snapshot names and that were last written
    /// before `moment`. Call it when no build from before then is alive.
    func removeOrphans(of place: WarehousePlace, before moment: Date) async throws

    /// Lets go of the states that were superseded more than `keepDays` ago: nobody can read them from then on. What stood
    /// at that moment, and what came later, can still be read. Files that only such states name are removed a day
    /// afterwards, at a later call, so that a query which has begun can end. Nothing happens if there is no warehouse here.
    /// - Returns: how many files this call has removed.
    /// - Throws: `metadataUnavailable`, `internal`.
    func forget(keepDays: Int, of place: WarehousePlace) async throws -> Int
}

/// What planners may ask instead of "which warehouse is this?".
package struct WarehouseCapabilities: Sendable {
    /// How a transformer refers to the database that holds the schemas, `lake`.
    package let databaseName: String
    /// Whether several builds may go on at once.
    package let concurrentBuilds: Bool
    /// The threads dbt may use.
    package let buildThreads: Int

    package init(databaseName: String, concurrentBuilds: Bool, buildThreads: Int) {
        self.databaseName = databaseName
        self.concurrentBuilds = concurrentBuilds
        self.buildThreads = buildThreads
    }
}

/// Which warehouse: one environment of one organization.
package struct WarehousePlace: Sendable, Hashable, Codable {
    package var organization: OrganizationID
    /// The organization's slug, `acme`.
    package var slug: String
    /// One of `environments`.
    package var environment: String

    /// Those that there are.
    package static let environments = ["dev", "stage", "prod"]

    package init(organization: OrganizationID, slug: String, environment: String) {
        self.organization = organization
        self.slug = slug
        self.environment = environment
    }

    /// `acme_dev`.
    package var name: String { "\(slug)_\(environment)" }
}

/// The schemas of every warehouse, in the order in which data passes through them.
package enum WarehouseSchema: String, Sendable, CaseIterable, Codable {
    case raw = "RAW"
    case staging = "STAGING"
    case intermediate = "INTERMEDIATE"
    case marts = "MARTS"
}

/// A table of a warehouse, as it is named there.
package struct WarehouseTable: Sendable, Hashable {
    package var schema: String
    package var name: String

    package init(schema: String, name: String) {
        self.schema = schema
        self.name = name
    }
}

/// One thing to do to have a warehouse. `description` is one sentence for people.
package struct ProvisioningStep: Sendable, Hashable, Codable {
    package var id: String
    package var description: String

    package init(id: String, description: String) {
        self.id = id
        self.description = description
    }
}

package struct WarehouseStatus: Sendable, Codable {
    package var exists: Bool
    package var detail: String

    package init(exists: Bool, detail: String) {
        self.exists = exists
        self.detail = detail
    }
}

/// Grows each time a job is given to a worker; whoever holds an older one has lost the job.
package struct FencingToken: Sendable, Hashable, Codable, Comparable {
    package let value: Int64

    package init(_ value: Int64) { self.value = value }

    package static func < (left: FencingToken, right: FencingToken) -> Bool { left.value < right.value }
}
