import Foundation
import Kernel

@testable import Weirhouse

extension Trials {
    static let composition: [Trial] = [
        .text("limit key", ["organization", "source/dev/shop", "warehouse/prod"]) { text in
            let stored = try LimitKey.stored(text, of: OrganizationID(UUID()))
            try hold(LimitKey.told(stored) == text, "it is told as \(LimitKey.told(stored))")
        }
    ]
}
