import Foundation
import Jobs
import Kernel
import Warehousing

/// Keys of limits as people write them, and as `weir.limits` has them.
///
/// `organization`, `source/{environment}/{name}`, `warehouse/{environment}`.
enum LimitKey {
    /// - Throws: `invalidInput`.
    static func stored(_ text: String, of organization: OrganizationID) throws -> String {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        switch (parts.first, parts.count) {
        case ("organization", 1): return JobLimits.organization(organization)
        case ("source", 3) where WarehousePlace.environments.contains(parts[1]) && Slug.isValid(parts[2]):
            return JobLimits.source(parts[2], environment: parts[1], of: organization)
        case ("warehouse", 2) where WarehousePlace.environments.contains(parts[1]):
            return JobLimits.warehouse(environment: parts[1], of: organization)
        default:
            throw Problem(
                .invalidInput, "There is no limit \(text.prefix(80)).",
                hint: "Use organization, source/dev/NAME or warehouse/dev; the environment is dev, stage or prod.")
        }
    }

    /// For people; a key of another form as it is, without what only the queue needs to know.
    static func told(_ key: String) -> String {
        let parts = key.split(separator: "/").map(String.init)
        switch (parts.first, parts.count) {
        case ("organization", 2): return "organization"
        case ("notices", 2): return "notices"
        case ("source", 4): return "source/\(parts[2])/\(parts[3])"
        case ("warehouse", 3): return "warehouse/\(parts[2])"
        case ("one", 2...): return String(key.dropFirst(4))
        default: return key
        }
    }
}
