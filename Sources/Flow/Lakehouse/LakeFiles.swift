import Crypto
package import Foundation
import Kernel

/// Files of the lake on this machine.
package enum LakeFiles {
    /// Runs file work and turns its failures into problems.
    package static func perform<Value>(_ what: String, _ work: () throws -> Value) throws -> Value {
        do {
            return try work()
        } catch let problem as Problem {
            throw problem
        } catch {
            let nsError = error as NSError
            let underlying = nsError.userInfo[NSUnderlyingErrorKey] as? NSError
            let numbers = [nsError, underlying].compactMap { $0 }.filter { $0.domain == NSPOSIXErrorDomain }.map(\.code)
            if nsError.code == CocoaError.fileWriteOutOfSpace.rawValue || numbers.contains(Int(ENOSPC))
                || numbers.contains(Int(EDQUOT))
            {
                throw Problem(
                    .diskFull, "The disk that holds the lake is full.", hint: "Free space, then clone again.",
                    cause: error)
            }
            throw Problem(
                .internal, "Weirhouse could not \(what).", hint: "Check the data folder's rights.", cause: error)
        }
    }

    /// Whether something failed because a file or folder was not there.
    static func isMissing(_ error: any Error) -> Bool {
        if let code = (error as? CocoaError)?.code { return code == .fileNoSuchFile || code == .fileReadNoSuchFile }
        let nsError = error as NSError
        return nsError.domain == NSPOSIXErrorDomain && nsError.code == Int(ENOENT)
    }

    package static func write(_ data: Data, to path: String) throws {
        try perform("write a file of the lake") {
            try data.write(to: URL(fileURLWithPath: path))
            try sync(path)
        }
    }

    /// Makes a file's or folder's content survive a power cut (fsync(2)).
    package static func sync(_ path: String) throws {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
    }

    /// A second name for the same bytes; a copy where the file system has no hard links. A file that is there stays.
    package static func link(_ path: String, as new: String) throws {
        try perform("link a file of the lake") {
            if Foundation.link(path, new) == 0 || errno == EEXIST { return }
            try FileManager.default.copyItem(atPath: path, toPath: new)
        }
    }

    /// SHA-256 of a file in lower-case hex, read in pieces of 1 MB.
    package static func sha256(_ path: String) throws -> String {
        try perform("read a file of the lake") {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? handle.close() }
            var hasher = SHA256()
            while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty { hasher.update(data: piece) }
            return hasher.finalize().hexadecimal
        }
    }

    /// A UUID that depends on `name` alone: version 8 from SHA-256 (RFC 9562, section 5.8).
    package static func uuid(hashing name: String) -> UUID {
        var bytes = Array(SHA256.hash(data: Data(name.utf8)).prefix(16))
        bytes[6] = bytes[6] & 0x0F | 0x80
        bytes[8] = bytes[8] & 0x3F | 0x80
        return bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }

    /// The folders above `path` that hold nothing any more are removed, up to `root`.
    package static func removeWithEmptyParents(_ path: String, upTo root: String) {
        try? FileManager.default.removeItem(atPath: path)
        var parent = (path as NSString).deletingLastPathComponent
        while parent.hasPrefix(root + "/"), rmdir(parent) == 0 {
            parent = (parent as NSString).deletingLastPathComponent
        }
    }
}
