import ArgumentParser
import Foundation

/// A source's address as the command line takes it: `postgresql://user[:password]@host[:port]/database[?…]` (PostgreSQL 15
/// manual, section 34.1.1.2). It is only checked for its form; errors never repeat it, because it may hold a password.
struct SourceURL {
    let text: String
    /// The user, with its password if one stands there; nil if the address names none.
    private let user: Substring?
    private let query: Substring

    /// - Throws: `ValidationError` with one clear line.
    init(_ address: String) throws {
        guard let scheme = ["postgresql://", "postgres://"].first(where: { address.hasPrefix($0) }) else {
            throw ValidationError("The source's address must begin with postgresql://, like \(Self.example).")
        }
        let rest = address.dropFirst(scheme.count)
        let authority = rest.prefix { !"/?#".contains($0) }
        let at = authority.lastIndex(of: "@")
        text = address
        user = at.map { authority[..<$0] }
        query = rest.drop { $0 != "?" }.dropFirst()
        let host = at.map { authority[authority.index(after: $0)...] } ?? authority
        try Self.check(host: host, path: rest.dropFirst(authority.count).prefix { $0 != "?" }, query: query)
    }

    var namesUser: Bool { user.map { !$0.isEmpty } ?? false }

    var holdsPassword: Bool {
        user?.contains(":") ?? false || query.split(separator: "&").contains { $0.hasPrefix("password=") }
    }

    /// The address with a password after its user.
    func with(password: String) throws -> String {
        guard !holdsPassword else {
            throw ValidationError("The address holds a password already: give it only once.")
        }
        guard namesUser, let user else { throw ValidationError("A password needs a user: \(Self.example).") }
        let encoded = password.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        return "\(text[..<user.endIndex]):\(encoded)\(text[user.endIndex...])"
    }

    private static let example = "postgresql://user@host:5432/database"

    private static func check(host: Substring, path: Substring, query: Substring) throws {
        guard !host.isEmpty || query.contains("host=") else {
            throw ValidationError("The source's address names no host: \(example).")
        }
        guard path.count > 1 || query.contains("dbname=") else {
            throw ValidationError("The source's address names no database: \(example).")
        }
        // Several hosts and IPv6 addresses are left to the server.
        let parts = host.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count > 1, !host.hasPrefix("["), !host.contains(",") else { return }
        guard parts.count == 2, let port = Int(parts[1]), (1...65_535).contains(port) else {
            throw ValidationError("The port in the source's address must be a number from 1 to 65535: \(example).")
        }
    }
}
