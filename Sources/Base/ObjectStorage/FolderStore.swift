import Dispatch
package import Foundation
import Glibc
import Kernel

/// Objects as files below a folder. Symbolic links are neither followed nor listed, so that nothing outside of it can be
/// reached through a key or a link that somebody puts there; only the folder's own path may lead over one.
/// Names that are no UTF-8 are not listed.
package struct FolderStore: ObjectStore {
    private let root: String

    /// - Parameter root: the folder's path. It need not exist yet.
    package init(_ root: String) { self.root = root }

    package var place: String { root }

    package func list(prefix: String, after key: String?) -> ObjectListing {
        ObjectListing { FolderWalk(root: root, prefix: prefix, after: key) }
    }

    package func get(_ key: String, limit: Int) async throws -> Data {
        try ObjectKey.check(key)
        return try await onThread {
            guard let (folder, name) = try parent(of: key) else { throw missing(key) }
            // A pipe that somebody has put there would else wait for its other end.
            guard let file = try folder.open(name, O_RDONLY | O_NONBLOCK), let status = try file.status(),
                status.isRegular
            else { throw missing(key) }
            guard status.size <= limit else {
                throw Problem(.unsupported, "\(key) in \(root) has \(status.size) bytes; \(limit) are read at most.")
            }
            return try file.read(atMost: limit)
        }
    }

    @discardableResult
    package func put(_ key: String, _ bytes: Data, ifAbsent: Bool) async throws -> Bool {
        try ObjectKey.check(key)
        return try await onThread {
            guard let (folder, name) = try parent(of: key, making: true) else { throw missing(key) }
            let unfinished = ObjectKey.unfinished + UUID().uuidString.lowercased()
            guard let file = try folder.open(unfinished, O_WRONLY | O_CREAT | O_EXCL) else { throw missing(key) }
            do {
                try file.write(bytes)
                let isStored = try folder.give(unfinished, name: name, ifAbsent: ifAbsent)
                if ifAbsent { folder.remove(unfinished) }
                try folder.flush()
                return isStored
            } catch {
                folder.remove(unfinished)
                throw error
            }
        }
    }

    package func exists(_ key: String) async throws -> Bool {
        try ObjectKey.check(key)
        return try await onThread {
            guard let (folder, name) = try parent(of: key) else { return false }
            return try folder.status(of: name)?.isRegular == true
        }
    }

    package func delete(_ key: String) async throws {
        try ObjectKey.check(key)
        try await onThread {
            guard let (folder, name) = try parent(of: key), try folder.status(of: name)?.isRegular == true else {
                return
            }
            folder.remove(name)
            try folder.flush()
        }
    }

    /// The folder that a key's file stands in, and the file's name; nil if there is no such folder.
    private func parent(of key: String, making: Bool = false) throws(Problem) -> (OpenFile, String)? {
        var parts = key.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
        guard let name = parts.popLast() else { return nil }
        var folder = try OpenFile(folder: root)
        for part in parts {
            guard let next = try folder.folder(part, making: making) else { return nil }
            folder = next
        }
        return (folder, name)
    }

    private func missing(_ key: String) -> Problem { Problem(.notFound, "There is no \(key) in \(root).") }
}

/// Runs work that waits for a disk on a thread of its own, so that nobody else's task waits with it.
/// - Throws: what the work throws; `CancellationError` if the task was cancelled before.
package func onThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try Task.checkCancellation()
    return try await withCheckedThrowingContinuation { continuation in
        DispatchQueue(label: "weirhouse.objects").async { continuation.resume(with: Result { try work() }) }
    }
}
