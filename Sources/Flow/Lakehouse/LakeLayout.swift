import Foundation
package import Kernel

/// Where things lie in the lake. Paths are absolute.
///
/// `raw/clients/{client}/{source}/run_date=…/{table}/{load}/`, then `bronze/…/load_date=…/{load}/`, or `quarantine/…`;
/// `{table}` is the stream's name in RAW, which is safe in a path.
package struct LakeLayout: Sendable {
    /// The lake's folder.
    package let root: String

    package init(root: String) { self.root = root }

    /// One load of one stream.
    package struct Place: Sendable, Codable, Hashable {
        /// The organization's slug.
        package var client: String
        package var source: String
        package var table: String
        /// `YYYY-MM-DD`, the day of the run.
        package var day: String
        package var load: LoadID

        package init(client: String, source: String, table: String, day: String, load: LoadID) {
            self.client = client
            self.source = source
            self.table = table
            self.day = day
            self.load = load
        }
    }

    package func raw(_ place: Place) -> String {
        "\(root)/raw/clients/\(place.client)/\(place.source)/run_date=\(place.day)/\(place.table)/\(place.load)"
    }

    package func bronze(_ place: Place) -> String {
        "\(root)/bronze/clients/\(place.client)/\(place.source)/\(place.table)/load_date=\(place.day)/\(place.load)"
    }

    package func quarantine(_ place: Place) -> String {
        "\(root)/quarantine/clients/\(place.client)/\(place.source)/\(place.table)/load_date=\(place.day)/\(place.load)"
    }

    static let zones = ["raw", "bronze", "quarantine"]

    /// All that lies here of one client, but for its warehouses.
    package func folders(of client: String) -> [String] {
        Self.zones.map { "\(root)/\($0)/clients/\(client)" }
    }

    /// Where DuckDB may spill, encrypted, while it validates.
    package var spill: String { "\(root)/spill" }
}

/// A folder that is filled under a passing name and shown under its own only when it is whole.
package struct PendingFolder: Sendable {
    package let path: String
    private let final: String

    /// Makes the passing folder beside `final`; what an earlier attempt left of either is removed. Make sure of the lease
    /// just before.
    /// - Parameter attempt: the fencing token, which tells this attempt's folder from those of others.
    /// - Throws: `leaseLost` if a later attempt is at work there; `diskFull`, `internal`.
    package init(for final: String, attempt: Int64) throws {
        self.final = final
        let parent = (final as NSString).deletingLastPathComponent
        let name = (final as NSString).lastPathComponent
        path = "\(parent)/.\(name).\(attempt)"
        try LakeFiles.perform("make a folder in the lake") {
            for _ in 0..<5 {
                do {
                    return try make(named: name, in: parent, attempt)
                } catch let error where LakeFiles.isMissing(error) {
                    // Somebody took the folders above it away just then, which were empty.
                }
            }
            try make(named: name, in: parent, attempt)
        }
    }

    private func make(named name: String, in parent: String, _ attempt: Int64) throws {
        try FileManager.default.createDirectory(
            atPath: parent, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        for entry in try FileManager.default.contentsOfDirectory(atPath: parent) where entry.hasPrefix(".\(name).") {
            if let other = Int64(entry.dropFirst(name.count + 2)), other > attempt { throw Self.overtaken }
            try FileManager.default.removeItem(atPath: "\(parent)/\(entry)")
        }
        if FileManager.default.fileExists(atPath: final) { try FileManager.default.removeItem(atPath: final) }
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    }

    private static let overtaken = Problem(.leaseLost, "A later attempt is at work on the same load.")

    /// Writes `_SUCCESS` last, makes all durable and gives the folder its name.
    /// - Throws: `leaseLost` if a later attempt has removed it or shown its own; `diskFull`, `internal`.
    package func show() throws {
        guard FileManager.default.fileExists(atPath: path) else { throw Self.overtaken }
        try LakeFiles.write(Data(), to: "\(path)/_SUCCESS")
        try LakeFiles.perform("show a folder of the lake") {
            try LakeFiles.sync(path)
            guard rename(path, final) == 0 else { throw Self.overtaken }
            try LakeFiles.sync((final as NSString).deletingLastPathComponent)
        }
    }

    /// Removes it, and the folder that it is in if that is empty then. Nothing happens if it was shown.
    package func discard() {
        try? FileManager.default.removeItem(atPath: path)
        rmdir((path as NSString).deletingLastPathComponent)
    }
}
