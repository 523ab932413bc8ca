package import ObjectStorage

/// One promise of `ObjectStore`, checked on a real store that is empty at the beginning.
package struct ObjectStoreRule: Sendable, CustomStringConvertible {
    /// The promise, as a sentence.
    package let description: String
    package let check: @Sendable (any ObjectStore) async throws -> Void

    init(_ description: String, _ check: @escaping @Sendable (any ObjectStore) async throws -> Void) {
        self.description = description
        self.check = check
    }

    /// Every adapter's tests run all of them.
    package static let all = storing + listing
}
