import Foundation

@testable import CommandLine

/// What a command said, and how it ended.
struct Said {
    var status: Int32
    var out: String
    var error: String
}

/// Runs one command line as the process would, with files for its outputs.
func said(_ arguments: [String]) async throws -> Said {
    let (out, error) = (try Scratch(), try Scratch())
    let status = await Output.$standardOutput.withValue(out.output) {
        await Output.$standardError.withValue(error.output) { await WeirCommandLine.run(arguments) }
    }
    return Said(status: status, out: try out.text(), error: try error.text())
}

/// A file that is an output, gone with its last reader.
final class Scratch: Sendable {
    private let file: URL
    private let handle: FileHandle

    init() throws {
        file = FileManager.default.temporaryDirectory.appending(path: "weir-said-\(UUID().uuidString)")
        try Data().write(to: file)
        handle = try FileHandle(forWritingTo: file)
    }

    deinit {
        try? handle.close()
        try? FileManager.default.removeItem(at: file)
    }

    var output: Output { Output(descriptor: handle.fileDescriptor) }

    func text() throws -> String { String(decoding: try Data(contentsOf: file), as: UTF8.self) }
}
