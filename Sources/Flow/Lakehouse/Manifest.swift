package import Connecting
import Foundation
package import Kernel

/// `manifest.json` of a load: what was read, from where, and how to see that it is whole.
package struct Manifest: Sendable, Codable {
    /// The form of this file.
    package var version = 1
    package var load: LoadID
    package var run: RunID
    package var client: String
    package var environment: String
    package var source: String
    package var position: SourcePosition
    package var stream: SourceStream
    /// The table in RAW and its columns there, in the stream's order.
    package var table: String
    package var columns: [String]
    /// Counted at the source, in the snapshot that was read.
    package var sourceRows: Int64
    package var files: [File]

    package init(
        load: LoadID, run: RunID, client: String, environment: String, source: String, position: SourcePosition,
        stream: SourceStream, table: String, sourceRows: Int64, files: [File]
    ) {
        self.load = load
        self.run = run
        self.client = client
        self.environment = environment
        self.source = source
        self.position = position
        self.stream = stream
        self.table = table
        columns = RawNaming.columns(of: stream)
        self.sourceRows = sourceRows
        self.files = files
    }

    package var rows: Int64 { files.reduce(0) { $0 + $1.written.rows } }
    package var bytes: Int64 { files.reduce(0) { $0 + $1.written.bytes } }

    package struct File: Sendable, Codable, Hashable {
        /// In the manifest's folder.
        package var name: String
        package var sha256: String
        package var written: WrittenFile

        package init(name: String, sha256: String, written: WrittenFile) {
            self.name = name
            self.sha256 = sha256
            self.written = written
        }
    }

    package static let fileName = "manifest.json"

    package func write(in folder: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try LakeFiles.write(try encoder.encode(self), to: "\(folder)/\(Self.fileName)")
    }

    /// - Throws: `dataInvalid` if it is missing, cannot be read, or is of a newer form.
    package static func read(in folder: String) throws -> Manifest {
        guard let data = FileManager.default.contents(atPath: "\(folder)/\(fileName)") else {
            throw Problem(.dataInvalid, "The manifest of a load is missing.", hint: "Clone the stream again.")
        }
        do {
            let manifest = try JSONDecoder().decode(Manifest.self, from: data)
            guard manifest.version == 1 else {
                throw Problem(.dataInvalid, "The manifest is of version \(manifest.version); this weir reads 1.")
            }
            return manifest
        } catch let error as DecodingError {
            throw Problem(
                .dataInvalid, "The manifest of a load cannot be read.", hint: "Clone the stream again.", cause: error)
        }
    }
}
