import Kernel

/// Walks through a folder in the order of keys. One call at a time, as an iterator makes them.
final class FolderWalk: ObjectPages, @unchecked Sendable {
    private struct Level {
        let folder: OpenFile
        /// What its keys begin with: empty, or ending with `/`.
        let path: String
        var entries: ArraySlice<Entry>
    }

    private struct Entry {
        let name: String
        let status: OpenFile.Status
    }

    private let root: String
    private let prefix: String
    private let after: String?
    private var levels: [Level] = []
    private var hasBegun = false

    init(root: String, prefix: String, after: String?) {
        self.root = root
        self.prefix = prefix
        self.after = after
    }

    func next() async throws -> [StoredObject]? { try await onThread { try self.page() } }

    private func page() throws(Problem) -> [StoredObject]? {
        if !hasBegun {
            try enter(OpenFile(folder: root), path: "")
            hasBegun = true
        }
        var found: [StoredObject] = []
        while found.count < 1000, let level = levels.last {
            guard let entry = level.entries.first else {
                levels.removeLast()
                continue
            }
            levels[levels.count - 1].entries.removeFirst()
            let key = level.path + entry.name
            if entry.status.isFolder {
                // Gone meanwhile, or a link now: then there is nothing of ours in it.
                if let folder = try level.folder.folder(entry.name, making: false) {
                    try enter(folder, path: "\(key)/")
                }
            } else {
                found.append(
                    StoredObject(
                        key: key, size: entry.status.size, modifiedAt: entry.status.modifiedAt, etag: entry.status.etag)
                )
            }
        }
        return found.isEmpty ? nil : found
    }

    private func enter(_ folder: OpenFile, path: String) throws(Problem) {
        var entries: [(order: String, entry: Entry)] = []
        for name in try folder.names() where !name.beginsInBytes(with: ObjectKey.unfinished) {
            guard mayMatter(path + name), let status = try folder.status(of: name) else { continue }
            // A folder stands where its keys stand: `a/b` comes after `a-b`.
            let order = status.isFolder ? "\(name)/" : name
            let key = path + order
            if status.isFolder ? holdsWanted(key) : status.isRegular && isWanted(key) {
                entries.append((order, Entry(name: name, status: status)))
            }
        }
        entries.sort { $0.order.precedesInBytes($1.order) }
        levels.append(Level(folder: folder, path: path, entries: entries.map(\.entry)[...]))
    }

    /// Whether a file or folder of this path may be part of the listing: its status is asked for only then.
    private func mayMatter(_ path: String) -> Bool {
        path.beginsInBytes(with: prefix) || prefix.beginsInBytes(with: "\(path)/")
    }

    private func isWanted(_ key: String) -> Bool {
        key.beginsInBytes(with: prefix) && after.map { $0.precedesInBytes(key) } != false
    }

    /// - Parameter path: ending with `/`.
    private func holdsWanted(_ path: String) -> Bool {
        (path.beginsInBytes(with: prefix) || prefix.beginsInBytes(with: path))
            && after.map { $0.precedesInBytes(path) || $0.beginsInBytes(with: path) } != false
    }
}
