import Foundation
import Testing

/// Compares with `Tests/Golden/command-line/<name>`; `WEIR_UPDATE_GOLDEN=1` writes the file anew.
func expectGolden(_ text: String, _ name: String, at location: SourceLocation = #_sourceLocation) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let file = folder.appending(path: "Golden/command-line/\(name)")
    if ProcessInfo.processInfo.environment["WEIR_UPDATE_GOLDEN"] == "1" {
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }
    let wanted = try String(decoding: Data(contentsOf: file), as: UTF8.self)
    #expect(text == wanted, sourceLocation: location)
}
