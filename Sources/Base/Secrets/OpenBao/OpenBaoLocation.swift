import Foundation
package import Kernel
import Outbound

/// Where an OpenBao or Vault server keeps secrets: `openbao://host[:port][/mount[/folder…]]`.
///
/// After `?` may stand `namespace=…`, `auth=…` (where AppRole is mounted; `approle` if not said) and `tls=off`.
package struct OpenBaoLocation: Sendable, Equatable {
    /// `https://host:port`.
    let server: String
    /// Where the key/value engine is mounted.
    let mount: String
    /// Between the mount and the organization; ends with a slash unless it is empty.
    let folder: String
    let namespace: String?
    /// Where AppRole is mounted.
    let auth: String

    /// - Throws: `invalidInput`.
    package init(_ text: String) throws(Problem) {
        let form = "It has the form openbao://host:8200/secret?namespace=team."
        guard let parts = URLComponents(string: text), ["openbao", "vault"].contains(parts.scheme),
            let host = parts.host, !host.isEmpty, parts.user == nil, parts.password == nil, parts.fragment == nil
        else { throw Problem(.invalidInput, "This is no address of OpenBao or Vault.", hint: form) }
        var options: [String: String] = [:]
        for item in parts.queryItems ?? [] { options[item.name] = item.value ?? "" }
        if let unknown = options.keys.sorted().first(where: { !["namespace", "auth", "tls"].contains($0) }) {
            throw Problem(.invalidInput, "OpenBao's address cannot set \(unknown.prefix(40)).", hint: form)
        }
        guard ["on", "off"].contains(options["tls"] ?? "on") else {
            throw Problem(.invalidInput, "In OpenBao's address tls is on or off.", hint: form)
        }
        let path = parts.path.split(separator: "/").map(String.init)
        let words = path + (options["auth"] ?? "").split(separator: "/").map(String.init)
        guard words.allSatisfy({ $0.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9_.-]*/) != nil }) else {
            throw Problem(.invalidInput, "OpenBao's address names no usable path.", hint: form)
        }
        server = "\(options["tls"] == "off" ? "http" : "https")://\(host):\(parts.port ?? 8200)"
        mount = path.first ?? "secret"
        folder = path.dropFirst().map { "\($0)/" }.joined()
        namespace = options["namespace"].flatMap { $0.isEmpty ? nil : $0 }
        auth = options["auth"].flatMap { $0.isEmpty ? nil : $0 } ?? "approle"
    }

    func address(_ path: String) throws -> WebAddress { try WebAddress("\(server)/v1/\(path)") }
}

/// How Weirhouse signs in to OpenBao.
package enum OpenBaoSignIn: Sendable {
    /// The secret id may be used up by a sign-in, or be replaced in its file: it is asked for each time.
    case appRole(roleID: String, secretID: @Sendable () throws -> Secret<String>)
    /// A token that somebody else has made; it is renewed as long as it can be.
    case token(Secret<String>)
}
