import Foundation
import Kernel

/// `scheme://user:password@host:port/database?options`, taken apart no further than its password needs.
struct ConnectionAddress: Sendable {
    private let scheme: String
    /// `user:password` before the last `@`; nil without one.
    private let person: String?
    private let rest: String

    init(_ text: String) {
        let start = text.range(of: "://")
        scheme = start.map { String(text[..<$0.upperBound]) } ?? ""
        let remainder = start.map { text[$0.upperBound...] } ?? text[...]
        guard let at = remainder.lastIndex(of: "@") else {
            person = nil
            rest = String(remainder)
            return
        }
        person = String(remainder[..<at])
        rest = String(remainder[remainder.index(after: at)...])
    }

    /// Fit for a page: what stands between the user's name and the last `@` is left out, and so is `password=`. A
    /// password with an `@` or `/` that was not encoded goes too.
    var withoutPassword: String {
        let user = person.map { "\($0.prefix { $0 != ":" })@" } ?? ""
        return scheme + user + Self.withoutPasswordOption(rest)
    }

    /// - Parameter password: takes the place of one in the address; if empty, the address stays as it is.
    func with(password: Secret<String>) -> String {
        let word = password.reveal().encodedForAddress
        guard !word.isEmpty else { return scheme + (person.map { "\($0)@" } ?? "") + rest }
        let user = person.map { String($0.prefix { $0 != ":" }) } ?? ""
        return "\(scheme)\(user):\(word)@\(rest)"
    }

    private static func withoutPasswordOption(_ text: String) -> String {
        guard let mark = text.firstIndex(of: "?") else { return text }
        let options = text[text.index(after: mark)...].split(separator: "&")
        let kept = options.filter { !$0.lowercased().contains("password=") }
        return text[..<mark] + (kept.isEmpty ? "" : "?" + kept.joined(separator: "&"))
    }
}
