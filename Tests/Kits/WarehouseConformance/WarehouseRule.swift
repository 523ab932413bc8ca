/// One promise of `WarehouseAdapter`, checked on a real warehouse.
package struct WarehouseRule: Sendable, CustomStringConvertible {
    /// The promise, as a sentence.
    package let description: String
    package let check: @Sendable (any WarehouseUnderTest) async throws -> Void

    init(_ description: String, _ check: @escaping @Sendable (any WarehouseUnderTest) async throws -> Void) {
        self.description = description
        self.check = check
    }

    /// Every adapter's tests run all of them.
    package static let all = provisioning + loading + sharing + forgetting
}
