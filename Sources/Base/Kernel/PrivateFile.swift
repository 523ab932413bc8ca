package import Foundation
import Glibc

/// Files that only this user can read. They stand whole or not at all, also after the machine has lost its power.
package enum PrivateFile {
    /// Writes a file, in the place of one that may be there.
    /// - Throws: `diskFull`, `internal`.
    package static func write(_ data: Data, to path: String) throws(Problem) {
        try give(data, to: path) { rename($0, path) == 0 }
    }

    /// Makes a file unless there is one. Of all processes and tasks that make it at once, one wins.
    /// - Returns: what the file holds then, for all of them the same.
    /// - Throws: `diskFull`, `internal`.
    package static func create(_ data: Data, at path: String) throws(Problem) -> Data {
        try give(data, to: path) { link($0, path) == 0 || errno == EEXIST }
        guard let found = FileManager.default.contents(atPath: path) else {
            throw Problem(.internal, "\(path) cannot be read.", hint: "Check its rights.")
        }
        return found
    }

    /// Writes it under a name that nobody else has, neither another process nor another task of this one, then lets
    /// `named` give it its own; if that says false, errno says why.
    private static func give(_ data: Data, to path: String, named: (_ passing: String) -> Bool) throws(Problem) {
        let passing = "\(path).\(UUID().uuidString.lowercased())"
        let descriptor = open(passing, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw problem(errno, path) }
        defer { unlink(passing) }
        let reason = write(data, descriptor) && fsync(descriptor) == 0 ? 0 : errno
        close(descriptor)
        guard reason == 0 else { throw problem(reason, path) }
        guard named(passing) else { throw problem(errno, path) }
        // Its name is on the disk too once the folder is.
        let folder = open((path as NSString).deletingLastPathComponent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw problem(errno, path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw problem(errno, path) }
    }

    private static func write(_ data: Data, _ descriptor: Int32) -> Bool {
        data.withUnsafeBytes { bytes in
            var rest = bytes
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            }
            return true
        }
    }

    private static func problem(_ code: Int32, _ path: String) -> Problem {
        guard code != ENOSPC, code != EDQUOT else {
            return Problem(
                .diskFull, "The disk is full: \(path) cannot be written.", hint: "Free some space, then try again.")
        }
        return Problem(
            .internal, "\(path) cannot be written: \(String(cString: strerror(code))).",
            hint: "Check the folder's rights, and its disk.")
    }
}
