import Foundation
import Glibc
import Kernel

/// An open file or folder. What is below a folder is reached from it, name by name, never over a symbolic link.
final class OpenFile: Sendable {
    let descriptor: Int32
    private let path: String

    struct Status {
        let isRegular: Bool
        let isFolder: Bool
        let size: Int64
        let modifiedAt: Date
        let etag: String

        init(_ status: stat) {
            isRegular = status.st_mode & S_IFMT == S_IFREG
            isFolder = status.st_mode & S_IFMT == S_IFDIR
            size = Int64(status.st_size)
            let seconds = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) / 1_000_000_000
            modifiedAt = Date(timeIntervalSince1970: seconds)
            // A file that replaces another is a new inode.
            etag = [Int(status.st_ino), Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
                .map { String($0, radix: 16) }.joined(separator: "-")
        }
    }

    private init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    deinit { close(descriptor) }

    /// - Throws: `sourceMissing` if there is no such folder.
    convenience init(folder path: String) throws(Problem) {
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            guard code == ENOENT || code == ENOTDIR else { throw problem(code, path) }
            throw Problem(.sourceMissing, "There is no folder \(path).", hint: "Check its path on this machine.")
        }
        self.init(descriptor: descriptor, path: path)
    }

    /// Nil if there is no such file, or if it is a symbolic link.
    func open(_ name: String, _ flags: Int32) throws(Problem) -> OpenFile? {
        let opened = openat(descriptor, name, flags | O_NOFOLLOW | O_CLOEXEC, 0o666)
        if opened >= 0 { return OpenFile(descriptor: opened, path: "\(path)/\(name)") }
        let code = errno
        // ENXIO: a socket, or a pipe.
        guard [ENOENT, ENOTDIR, ELOOP, ENXIO].contains(code) else { throw problem(code, "\(path)/\(name)") }
        return nil
    }

    /// The folder of this name in this one. Nil if there is none and none is to be made.
    /// - Throws: `conflict` if it cannot be made because something else has its name.
    func folder(_ name: String, making: Bool) throws(Problem) -> OpenFile? {
        if let folder = try open(name, O_RDONLY | O_DIRECTORY) { return folder }
        guard making else { return nil }
        if mkdirat(descriptor, name, 0o777) != 0, errno != EEXIST { throw problem(errno, "\(path)/\(name)") }
        guard let folder = try open(name, O_RDONLY | O_DIRECTORY) else {
            throw Problem(.conflict, "\(path)/\(name) is no folder, so that nothing can stand below it.")
        }
        try flush()
        return folder
    }

    func status() throws(Problem) -> Status? {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw problem(errno, path) }
        return Status(status)
    }

    /// Nil if there is nothing of this name. A symbolic link is neither a file nor a folder.
    func status(of name: String) throws(Problem) -> Status? {
        var status = stat()
        if fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 { return Status(status) }
        guard errno == ENOENT else { throw problem(errno, "\(path)/\(name)") }
        return nil
    }

    /// Names in a folder, in no order.
    func names() throws(Problem) -> [String] {
        // The stream closes its own descriptor.
        guard let own = Optional(openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), own >= 0,
            let stream = fdopendir(own)
        else { throw problem(errno, path) }
        defer { closedir(stream) }
        var names: [String] = []
        errno = 0
        while let entry = readdir(stream) {
            let start = UnsafeRawPointer(entry).advanced(by: MemoryLayout<dirent>.offset(of: \.d_name) ?? 0)
            if let name = String(validatingCString: start.assumingMemoryBound(to: CChar.self)), name != ".",
                name != ".."
            {
                names.append(name)
            }
            errno = 0
        }
        guard errno == 0 else { throw problem(errno, path) }
        return names
    }

    func read(atMost limit: Int) throws(Problem) -> Data {
        var all = Data()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw problem(errno, path) }
            if count == 0 { return all }
            all.append(contentsOf: buffer[..<count])
            guard all.count <= limit else {
                throw Problem(.unsupported, "\(path) has grown over \(limit) bytes, which are read at most.")
            }
        }
    }

    /// Writes all and waits until it is on the disk.
    func write(_ bytes: Data) throws(Problem) {
        let code = bytes.withUnsafeBytes { buffer -> Int32 in
            var rest = UnsafeRawBufferPointer(rebasing: buffer[...])
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
                if count < 0, errno == EINTR { continue }
                if count < 0 { return errno }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            }
            return 0
        }
        guard code == 0 else { throw problem(code, path) }
        try flush()
    }

    func flush() throws(Problem) {
        guard fsync(descriptor) == 0 else { throw problem(errno, path) }
    }

    /// Gives a finished file of this folder its name, at once for all who look.
    /// - Returns: false if `ifAbsent` and there is one.
    func give(_ file: String, name: String, ifAbsent: Bool) throws(Problem) -> Bool {
        let result =
            ifAbsent
            ? linkat(descriptor, file, descriptor, name, 0) : renameat(descriptor, file, descriptor, name)
        if result == 0 { return true }
        let code = errno
        if code == EEXIST || code == EISDIR, try status(of: name)?.isRegular == false {
            throw Problem(.conflict, "\(path)/\(name) is no file, so that none can stand there.")
        }
        guard ifAbsent, code == EEXIST else { throw problem(code, "\(path)/\(name)") }
        return false
    }

    /// It is no error if there is none.
    func remove(_ name: String) { unlinkat(descriptor, name, 0) }
}

private func problem(_ code: Int32, _ path: String) -> Problem {
    let reason = String(cString: strerror(code))
    return switch code {
    case EACCES, EPERM, EROFS: Problem(.sourcePermission, "\(path) may not be used: \(reason).")
    case ENOSPC, EDQUOT: Problem(.diskFull, "The disk of \(path) is full.", hint: "Free space, then try again.")
    case ENAMETOOLONG: Problem(.invalidInput, "The path \(path.prefix(80))… is too long for this machine.")
    case ENOENT, EIO, ESTALE, EMFILE, ENFILE: Problem(.sourceInterrupted, "\(path) cannot be used now: \(reason).")
    default: Problem(.internal, "\(path) cannot be used: \(reason).")
    }
}
