import Access
import Foundation
import Kernel
import Secrets

/// The data folder: all that one Weirhouse keeps on this machine.
struct DataFolder: Sendable {
    /// The form of the folder that this program reads and writes.
    static let version = 1

    let path: String

    init(_ path: String) { self.path = path }

    var postgres: String { "\(path)/postgres" }
    var lake: String { "\(path)/lake" }
    var models: String { "\(path)/models" }
    var run: String { "\(path)/run" }
    var logs: String { "\(path)/logs" }
    var engineSocket: String { "\(run)/engine.sock" }
    var serverFile: String { "\(path)/server.json" }

    /// Makes the folder, or checks that this program may use it.
    /// - Throws: `dataFolderNewer`, `invalidInput`, `diskFull`.
    func prepare() throws {
        // Sockets lie in it, and their paths may have 107 bytes (unix(7)).
        guard path.utf8.count <= 80 else {
            throw Problem(
                .invalidInput, "The data folder's path is too long.", hint: "Use one of at most 80 bytes (--data).")
        }
        try make(path)
        try checkVersion()
        for folder in [lake, models, run, logs] { try make(folder) }
    }

    private func make(_ folder: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        } catch {
            throw Problem(
                .invalidInput, "The folder \(folder) cannot be made.",
                hint: "Check the path and its rights, or use --data.",
                cause: error)
        }
    }

    private func checkVersion() throws {
        let file = "\(path)/version"
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            // `make demo` keeps its sample shop and log here, from before the first start.
            // A start that was ended may have left a half-written `version.…`.
            let others = try FileManager.default.contentsOfDirectory(atPath: path).filter {
                !$0.hasPrefix("demo-") && !$0.hasPrefix("version.")
            }
            guard others.isEmpty else {
                throw Problem(
                    .invalidInput, "\(path) is not empty and no data folder of Weirhouse.",
                    hint: "Name another with --data.")
            }
            return try write(Data("\(Self.version)\n".utf8), to: file)
        }
        guard let found = Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw Problem(
                .invalidInput, "The file \(file) holds no version.", hint: "Restore the data folder from a backup.")
        }
        guard found <= Self.version else {
            throw Problem(
                .dataFolderNewer, "The data folder \(path) is of version \(found); this weir reads \(Self.version).",
                hint: "Use the newer weir that made it, or another folder with --data.")
        }
    }

    /// Holds the folder for this process alone, as long as the value lives.
    /// - Throws: `conflict` if another process holds it.
    func lock() throws -> FolderLock {
        let descriptor = open("\(path)/lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            if descriptor >= 0 { close(descriptor) }
            let address = (try? ServerFile.read(serverFile))?.address
            throw Problem(
                .conflict, "Weirhouse runs on \(path) already\(address.map { ", at \($0)" } ?? "").",
                hint: "Stop it first, or use another folder with --data.")
        }
        return FolderLock(descriptor: descriptor)
    }

    /// What `master.key` holds.
    /// - Parameter isMade: whether it is made at random if it is not there.
    func masterKey(isMade: Bool) throws -> Data? {
        guard isMade else { return FileManager.default.contents(atPath: "\(path)/master.key") }
        return try contents("master.key") { Data(randomBytes(32)) }
    }

    /// The text of a secret file, made at random at the first time.
    func secretText(_ name: String) throws -> Secret<String> {
        let data = try contents(name) { Data("\(Gate.randomText())\n".utf8) }
        return Secret(String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// What stands in a file; nil if there is none.
    func text(_ name: String) -> String? {
        FileManager.default.contents(atPath: "\(path)/\(name)").map { String(decoding: $0, as: UTF8.self) }
    }

    /// Another text for what was taken back.
    func renewSecretText(_ name: String) throws -> Secret<String> {
        try write(Data("\(Gate.randomText())\n".utf8), to: "\(path)/\(name)")
        return try secretText(name)
    }

    /// A file's content, or what `make` gives, which then is the file's for good.
    private func contents(_ name: String, make: () -> Data) throws -> Data {
        let file = "\(path)/\(name)"
        if let found = FileManager.default.contents(atPath: file) { return found }
        return try PrivateFile.create(make(), at: file)
    }

    /// Writes a file that only this user can read, whole or not at all.
    /// - Throws: `diskFull`, `internal`.
    func write(_ data: Data, to file: String) throws { try PrivateFile.write(data, to: file) }
}

/// A held lock (flock(2)); it goes with the process, however that ends.
final class FolderLock: Sendable {
    private let descriptor: Int32

    init(descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }
}

/// `server.json`: where the other commands find the server.
struct ServerFile: Codable {
    /// With the name that the server's certificate is for, if it has one.
    var address: String
    var pid: Int32
    /// The IP address that the name in `address` stands for on this machine; nil: what it resolves to.
    var connect: String?
    /// What links for people begin with, if not with `address`.
    var publicAddress: String?

    var shownAddress: String { publicAddress ?? address }

    static func read(_ path: String) throws -> ServerFile {
        try JSONDecoder().decode(ServerFile.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }
}
