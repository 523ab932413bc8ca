package import Foundation

/// Bytes by key: a folder or a bucket. What stands there may have been put there by others, and may change at any time.
///
/// Keys are UTF-8, ordered and compared by their bytes: two spellings of `ü` are two keys. `put` takes keys that every
/// adapter can hold (`ObjectKey`). A folder refuses all others with `invalidInput`; a bucket may hold them, and lists and
/// reads them.
///
/// Whatever a method throws is a `Problem`, or `CancellationError` when the task is cancelled:
/// - `sourceUnreachable`, `sourceInterrupted`, `busy`: it may pass by itself.
/// - `sourceMissing`: there is no such folder or bucket. `sourcePermission`, `sourceCredentials`: it may not be used.
/// - `forbidden`: its address is private. `diskFull`. `dataInvalid`: its answers cannot be understood.
package protocol ObjectStore: Sendable {
    /// Where it is, for messages: `s3://bucket/prefix`, or the folder's path. Never a secret.
    var place: String { get }

    /// The objects whose keys begin with `prefix`, in the order of their keys, page by page as it is read. What is put
    /// or deleted meanwhile may be seen or not.
    /// - Parameter key: only keys that come after it; it need not exist.
    func list(prefix: String, after key: String?) -> ObjectListing

    /// All bytes of an object, of one version of it.
    /// - Throws: also `notFound`; `unsupported` if it has more than `limit` bytes.
    func get(_ key: String, limit: Int) async throws -> Data

    /// Stores all bytes or none: nobody ever sees a part of them. When it returns they are durable. Whether they were
    /// stored is not known after `sourceInterrupted` or a cancellation.
    /// - Parameter ifAbsent: leave what is there, if something is. Of several at once only one finds nothing. (Services
    ///   that speak S3's protocol and do not know `If-None-Match` replace it.)
    /// - Returns: whether it was stored; true without `ifAbsent`.
    /// - Throws: also `conflict` if the key is a folder, or one of its folders is an object.
    @discardableResult
    func put(_ key: String, _ bytes: Data, ifAbsent: Bool) async throws -> Bool

    /// Whether there is an object of this key.
    func exists(_ key: String) async throws -> Bool

    /// Removes an object; it is no error if there is none.
    func delete(_ key: String) async throws
}

extension ObjectStore {
    package func list(prefix: String = "") -> ObjectListing { list(prefix: prefix, after: nil) }

    @discardableResult
    package func put(_ key: String, _ bytes: Data) async throws -> Bool { try await put(key, bytes, ifAbsent: false) }
}

/// One object of a listing.
package struct StoredObject: Sendable, Hashable {
    package let key: String
    /// In bytes.
    package let size: Int64
    package let modifiedAt: Date
    /// Another one whenever the bytes are replaced. What it is made of is the store's affair.
    package let etag: String
}

/// Objects in the order of their keys. Reading goes on as far as they are asked for.
package struct ObjectListing: AsyncSequence, Sendable {
    package typealias Element = StoredObject

    let begin: @Sendable () -> any ObjectPages

    package struct AsyncIterator: AsyncIteratorProtocol {
        let pages: any ObjectPages
        var page: ArraySlice<StoredObject> = []

        package mutating func next() async throws -> StoredObject? {
            while page.isEmpty {
                guard let next = try await pages.next() else { return nil }
                page = next[...]
            }
            return page.popFirst()
        }
    }

    package func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pages: begin()) }
}

/// Where a listing stands; asked for one page after the other.
protocol ObjectPages: Sendable {
    /// Nil at the end. A page may be empty.
    func next() async throws -> [StoredObject]?
}
