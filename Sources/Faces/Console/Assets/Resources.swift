import Foundation
import Kernel

/// The console's own files: templates, styles and scripts.
enum Resources {
    /// - Throws: `missingDependency` if they are not beside the program.
    static func folder() throws -> String {
        let folder = "\(Bundle.module.bundlePath)/Resources"
        guard FileManager.default.fileExists(atPath: folder) else {
            throw Problem(
                .missingDependency, "The console's files are not beside the program.",
                hint: "Build Weirhouse again: make build.")
        }
        return folder
    }
}
