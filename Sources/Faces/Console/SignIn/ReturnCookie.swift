import Foundation
import HTTPTypes
import Hummingbird

/// A path of this console where a browser may be sent after signing in. Nothing in it can lead to another site.
struct ReturnPath: Sendable, Equatable {
    private static let mostCharacters = 2000

    let text: String

    /// Nil for all that is not an absolute path (RFC 3986, section 4.2) of printable ASCII. `//` and `\`, which browsers
    /// read as `/`, could begin the name of another host.
    init?(_ text: String) {
        guard text.hasPrefix("/"), text.utf8.count <= Self.mostCharacters,
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }), !text.contains("//"), !text.contains("\\")
        else { return nil }
        self.text = text
    }
}

/// Remembers in the browser which page a person wanted before signing in. The link is opened from a terminal or a
/// message, so that its address cannot carry it. Other programs on this host may write the cookie too: it is checked
/// again when it is read.
enum ReturnCookie {
    /// 15 minutes, as a sign-in link.
    private static let cookie = GuardedCookie(name: "weir_next", seconds: 15 * 60)

    /// The page that was asked for; nil if it is none of our own.
    static func remembering(_ request: Request) -> Cookie? {
        ReturnPath(request.head.path ?? "").map { cookie.carrying($0.text.encodedForAddress, for: request) }
    }

    static func isSet(in request: Request) -> Bool { cookie.value(in: request) != nil }

    static func path(in request: Request) -> ReturnPath? {
        cookie.value(in: request)?.removingPercentEncoding.flatMap { ReturnPath($0) }
    }

    static func gone(for request: Request) -> Cookie { cookie.gone(for: request) }
}
