import Jobs
import Kernel
import Wire

struct MarkerPlace: Sendable {
    let house: House
    func marks(of schedule: Schedule) async throws -> [ScheduleMark] { [] }
    func firstLook(
        at location: String, with credentials: BucketCredentials?, for name: String, of organization: OrganizationID,
        slug: String
    ) async throws -> [ScheduleMark] { [] }
}
