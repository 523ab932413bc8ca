package import Foundation

/// A UUID that cannot be mixed up with the id of another kind of thing.
package struct ID<Tag>: Hashable, Sendable, Codable, CustomStringConvertible {
    package let uuid: UUID

    package init(_ uuid: UUID) { self.uuid = uuid }

    /// Of nothing that there is (RFC 9562, section 5.9).
    package static var none: ID { ID(UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))) }

    /// Nil if the text is no UUID.
    package init?(_ text: some StringProtocol) {
        guard let uuid = UUID(uuidString: String(text)) else { return nil }
        self.uuid = uuid
    }

    package init(from decoder: any Decoder) throws {
        uuid = try UUID(from: decoder)
    }

    package func encode(to encoder: any Encoder) throws {
        try description.encode(to: encoder)
    }

    /// Lower-case, as PostgreSQL prints it.
    package var description: String { uuid.uuidString.lowercased() }
}

package enum OrganizationTag {}
package enum RunTag {}
package enum JobTag {}
package enum LoadTag {}
package enum WarehouseTag {}
package enum SourceTag {}
package enum PrincipalTag {}
package enum ScheduleTag {}
package enum SubscriptionTag {}
package enum DeliveryTag {}
package enum PersonTag {}
package enum CredentialTag {}

package typealias OrganizationID = ID<OrganizationTag>
package typealias RunID = ID<RunTag>
package typealias JobID = ID<JobTag>
package typealias LoadID = ID<LoadTag>
package typealias WarehouseID = ID<WarehouseTag>
package typealias SourceID = ID<SourceTag>
package typealias PrincipalID = ID<PrincipalTag>
package typealias ScheduleID = ID<ScheduleTag>
package typealias SubscriptionID = ID<SubscriptionTag>
package typealias DeliveryID = ID<DeliveryTag>
package typealias PersonID = ID<PersonTag>
package typealias CredentialID = ID<CredentialTag>
