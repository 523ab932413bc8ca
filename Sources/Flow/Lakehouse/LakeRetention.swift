import Connecting
package import Foundation
package import Kernel

/// A load as it lies in a zone of the lake, with a manifest that says the same as its place.
package struct StoredLoad: Sendable, Hashable {
    /// `raw`, `bronze` or `quarantine`.
    package var zone: String
    /// Of its folder, absolute.
    package var path: String
    package var id: LoadID
    package var run: RunID
    package var environment: String
    package var source: String
    package var table: String
    /// The moment of the source's snapshot, RFC 3339 in UTC.
    package var takenAt: String
    /// When its manifest was written, by this machine's clock.
    package var writtenAt: Date
    /// Whether it has its own name. Else it is what an attempt, or a removal, that died has left.
    package var isWhole: Bool

    package init(
        zone: String, path: String, id: LoadID, run: RunID, environment: String, source: String, table: String,
        takenAt: String, writtenAt: Date, isWhole: Bool
    ) {
        self.zone = zone
        self.path = path
        self.id = id
        self.run = run
        self.environment = environment
        self.source = source
        self.table = table
        self.takenAt = takenAt
        self.writtenAt = writtenAt
        self.isWhole = isWhole
    }

    /// Grows with the moment of the snapshot as texts do; nil if that is in another form. PostgreSQL leaves zeros at the
    /// end away, so that a `Z` would come after digits.
    fileprivate var order: String? { takenAt.hasSuffix("Z") ? String(takenAt.dropLast()) : nil }
}

/// Which loads in the lake nobody needs any more. The plan is a value; `LakeLayout.remove` performs it.
package enum LakeRetention {
    /// Loads that a newer one of the same stream took the place of, in the same environment and zone, before the moment
    /// given; one in quarantine also by a newer one in bronze. The newest of each stays, however old it is.
    /// - Parameters:
    ///   - since: the moment, by environment. Loads of other environments stay.
    ///   - open: runs that are not over, or can still be taken up again: their loads stay.
    package static func superseded(
        among loads: [StoredLoad], since: [String: Date], open: Set<RunID>
    ) -> [StoredLoad] {
        let old = loads.filter { load in
            guard let moment = since[load.environment] else { return false }
            return load.writtenAt < moment
        }
        // What stood by that moment: all before it were superseded by then.
        var standing: [Line: String] = [:]
        for load in old where load.isWhole {
            guard let order = load.order else { continue }
            for zone in load.zone == "bronze" ? ["bronze", "quarantine"] : [load.zone] {
                let line = Line(load, in: zone)
                standing[line] = max(standing[line] ?? "", order)
            }
        }
        return old.filter { load in
            guard !open.contains(load.run) else { return false }
            guard load.isWhole else { return true }
            guard let order = load.order, let newest = standing[Line(load, in: load.zone)] else { return false }
            return order < newest
        }
    }

    /// A stream in an environment and a zone.
    private struct Line: Hashable {
        let zone: String
        let environment: String
        let source: String
        let table: String

        init(_ load: StoredLoad, in zone: String) {
            self.zone = zone
            environment = load.environment
            source = load.source
            table = load.table
        }
    }
}

extension LakeLayout {
    /// The loads of a client whose manifests were last written before `moment`, from all zones. Others land files in the
    /// lake too: only a folder with our manifest, of that client, source, table and load, is one.
    /// - Parameter source: nil: all sources.
    package func storedLoads(of client: String, source: String? = nil, before moment: Date) -> [StoredLoad] {
        shelves(of: client, source: source).flatMap { shelf in
            names(in: shelf.path).compactMap { name -> StoredLoad? in
                let path = "\(shelf.path)/\(name)"
                guard let (id, attempt) = Self.load(named: name), isFolder(path),
                    let writtenAt = modified("\(path)/\(Manifest.fileName)"), writtenAt < moment,
                    let manifest = try? Manifest.read(in: path), manifest.load == id, manifest.client == client,
                    manifest.source == shelf.source, manifest.table == shelf.table
                else { return nil }
                return StoredLoad(
                    zone: shelf.zone, path: path, id: id, run: manifest.run, environment: manifest.environment,
                    source: shelf.source, table: shelf.table, takenAt: manifest.position.takenAt, writtenAt: writtenAt,
                    isWhole: attempt == nil)
            }
        }
    }

    /// The sources of a client that have a folder in some zone, sorted.
    package func sources(of client: String) -> [String] {
        Set(folders(of: client).flatMap { names(in: $0) }).sorted()
    }

    /// Removes a load, and the folders above it that it leaves empty, up to its source's. It loses its name at once, so
    /// that nobody meets half of it, and its manifest last: what a crash leaves is found again.
    /// - Returns: false if somebody else has removed it, or does so at this moment.
    /// - Throws: `internal`.
    package func remove(_ load: StoredLoad) throws -> Bool {
        let passing = passingName(of: load)
        if load.path != passing, rename(load.path, passing) != 0 {
            // Not empty: what an earlier removal has left lies there, and is a load of its own in the list.
            guard [ENOENT, ENOTEMPTY, EEXIST].contains(errno) else {
                throw Problem(
                    .internal, "Weirhouse could not remove an old load of \(load.table) from the lake.",
                    hint: "Check the data folder's rights.", cause: POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO))
            }
            return false
        }
        do {
            for name in try FileManager.default.contentsOfDirectory(atPath: passing) where name != Manifest.fileName {
                try FileManager.default.removeItem(atPath: "\(passing)/\(name)")
            }
        } catch let error where LakeFiles.isMissing(error) {
            return false
        } catch {
            throw Problem(
                .internal, "Weirhouse could not remove an old load of \(load.table) from the lake.",
                hint: "Check the data folder's rights.", cause: error)
        }
        let source = (0..<3).reduce(load.path) { path, _ in (path as NSString).deletingLastPathComponent }
        LakeFiles.removeWithEmptyParents(passing, upTo: source)
        return true
    }

    /// Removes the empty folders that removals which died have left: they have no manifest any more.
    package func removeEmptied(of client: String) {
        for shelf in shelves(of: client) {
            for name in names(in: shelf.path) where Self.load(named: name)?.attempt == Self.removal {
                // Only what is empty goes, here and above it.
                guard rmdir("\(shelf.path)/\(name)") == 0, rmdir(shelf.path) == 0 else { continue }
                rmdir((shelf.path as NSString).deletingLastPathComponent)
            }
        }
    }

    /// As an attempt's that was before all others (`PendingFolder`): fencing tokens begin with 1. So whoever fills a
    /// folder of that name anew clears it away.
    private static let removal: Int64 = 0

    private func passingName(of load: StoredLoad) -> String {
        "\((load.path as NSString).deletingLastPathComponent)/.\(load.id).\(Self.removal)"
    }

    /// `{load}`, or `.{load}.{attempt}` as a passing folder is called.
    private static func load(named name: String) -> (id: LoadID, attempt: Int64?)? {
        if let id = LoadID(name), "\(id)" == name { return (id, nil) }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].isEmpty, let id = LoadID(parts[1]), let attempt = Int64(parts[2]),
            ".\(id).\(attempt)" == name
        else { return nil }
        return (id, attempt)
    }

    /// A folder that holds loads of one table.
    private struct Shelf {
        let zone: String
        let source: String
        let table: String
        let path: String
    }

    /// Two levels below a source: `run_date=…/{table}` in raw, else `{table}/load_date=…`.
    private func shelves(of client: String, source: String? = nil) -> [Shelf] {
        Self.zones.flatMap { zone -> [Shelf] in
            let home = "\(root)/\(zone)/clients/\(client)"
            return (source.map { [$0] } ?? names(in: home)).flatMap { source in
                names(in: "\(home)/\(source)").flatMap { first in
                    names(in: "\(home)/\(source)/\(first)").map { second in
                        Shelf(
                            zone: zone, source: source, table: zone == "raw" ? second : first,
                            path: "\(home)/\(source)/\(first)/\(second)")
                    }
                }
            }
        }
    }

    /// None if it is no folder.
    private func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }

    /// A link to one is none: what it leads to belongs to somebody else.
    private func isFolder(_ path: String) -> Bool {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.type] as? FileAttributeType == .typeDirectory
    }

    private func modified(_ path: String) -> Date? {
        (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
    }
}
