import Foundation
import Kernel

/// `credentials.json`: tokens of the servers that somebody is signed in to, in a file that only they can read.
struct KeptCredentials: Sendable {
    struct Entry: Codable, Sendable, Equatable {
        var token: String
        var organization: String
        var name: String
        /// RFC 3339.
        var expiresAt: String
    }

    private struct Content: Codable {
        /// The server that was signed in to last: commands mean it where nothing else is meant.
        var current: String?
        var servers: [String: Entry] = [:]
    }

    let path: String

    /// In `XDG_CONFIG_HOME`, else `~/.config` (XDG Base Directory Specification 0.8).
    init(environment: [String: String]) {
        let home = environment["HOME"] ?? NSHomeDirectory()
        // The specification: relative paths are to be ignored.
        let folder = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "\(home)/.config"
        path = "\(folder)/weir/credentials.json"
    }

    /// The server that was signed in to last.
    var current: String? { get throws { try read().current } }

    func entry(of address: String) throws -> Entry? { try read().servers[address] }

    func keep(_ entry: Entry, of address: String) throws {
        var content = try read()
        content.servers[address] = entry
        content.current = address
        try write(content)
    }

    func forget(_ address: String) throws {
        var content = try read()
        content.servers[address] = nil
        if content.current == address { content.current = content.servers.keys.sorted().first }
        try write(content)
    }

    /// - Throws: `invalidInput` if the file is none of this program's.
    private func read() throws -> Content {
        guard let data = FileManager.default.contents(atPath: path) else { return Content() }
        do {
            return try JSONDecoder().decode(Content.self, from: data)
        } catch {
            throw Problem(
                .invalidInput, "The file \(path) cannot be read.", hint: "Remove it, then sign in again.", cause: error)
        }
    }

    /// Whole or not at all.
    private func write(_ content: Content) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let folder = (path as NSString).deletingLastPathComponent
        try? FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        try PrivateFile.write(encoder.encode(content), to: path)
    }
}

/// Addresses of servers as people write them.
enum ServerAddress {
    /// With a scheme (`http` for this machine, else `https`), in small letters, without a path's slash at its end.
    static func completed(_ text: String) -> String {
        let trimmed = text.trimmingCharacters(in: .whitespaces)
        let whole: String
        if trimmed.contains("://") {
            whole = trimmed
        } else {
            whole = (isOwn(host: URLComponents(string: "http://\(trimmed)")?.host) ? "http://" : "https://") + trimmed
        }
        return (whole.hasSuffix("/") ? String(whole.dropLast()) : whole).lowercased()
    }

    /// - Throws: `invalidInput` for what is no address of a server, or for one whose tokens everybody on the way could read.
    static func check(_ address: String, allowsPlain: Bool) throws {
        guard let parts = URLComponents(string: address), ["http", "https"].contains(parts.scheme),
            parts.host?.isEmpty == false, parts.user == nil, parts.query == nil, parts.fragment == nil
        else {
            throw Problem(
                .invalidInput, "\(address) is no address of a server.", hint: "Write it like https://weir.acme.example."
            )
        }
        guard parts.scheme == "https" || allowsPlain || isOwn(host: parts.host) else {
            throw Problem(
                .invalidInput, "\(address) is not encrypted: everybody on the way could read your token.",
                hint: "Use https://, or --insecure if you mean it.")
        }
    }

    private static func isOwn(host: String?) -> Bool {
        guard let host else { return false }
        return host == "localhost" || host.hasPrefix("127.") || host == "[::1]" || host == "::1"
    }
}
