import HTTPTypes
import Hummingbird
import Kernel

/// A cookie that only this host can set and read, and no script (RFC 6265bis, section 4.1.3).
///
/// Over TLS it is Secure and its name begins with `__Host-`: a neighbour under the same domain, or somebody on an
/// unencrypted line, cannot plant one. On a laptop, without TLS, browsers take no such names.
struct GuardedCookie: Sendable {
    /// Without the prefix.
    let name: String
    let seconds: Int

    /// The value that the browser sent.
    func value(in request: Request) -> String? {
        value(in: request.headers, isSecure: Self.isSecure(request))
    }

    /// The same of a request whose origin is known otherwise.
    func value(in fields: HTTPFields, isSecure: Bool) -> String? {
        let beginning = fullName(isSecure: isSecure).utf8 + [UInt8(ascii: "=")]
        for field in fields where field.name == .cookie {
            for pair in field.value.utf8.split(separator: UInt8(ascii: ";")) {
                let pair = pair.drop { $0 == UInt8(ascii: " ") }
                if pair.starts(with: beginning) { return String(Substring(pair.dropFirst(beginning.count))) }
            }
        }
        return nil
    }

    func carrying(_ value: String, for request: Request) -> Cookie { make(value, seconds: seconds, for: request) }

    /// Takes it away.
    func gone(for request: Request) -> Cookie { make("", seconds: 0, for: request) }

    /// Lax, not strict: a link to a run in an e-mail or a chat opens signed in, and posts from other sites are refused
    /// by their origin anyway.
    private func make(_ value: String, seconds: Int, for request: Request) -> Cookie {
        let isSecure = Self.isSecure(request)
        return Cookie(
            name: fullName(isSecure: isSecure), value: value, maxAge: seconds, path: "/", secure: isSecure,
            httpOnly: true, sameSite: .lax)
    }

    private func fullName(isSecure: Bool) -> String { isSecure ? "__Host-\(name)" : name }

    private static func isSecure(_ request: Request) -> Bool {
        RequestOrigin.current?.isSecure ?? (request.head.scheme == "https")
    }
}
