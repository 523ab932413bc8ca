internal import CLibPQ
package import Kernel

/// libpq's connection strings.
package enum Conninfo {
    /// `key='value' …` (PostgreSQL documentation, 34.1.1.1). Nothing is taken from files of this machine's user, such as
    /// `~/.pgpass`.
    package static func text(_ parameters: [String: String]) -> Secret<String> {
        var all = parameters
        all["passfile"] = "/dev/null"
        return Secret(all.sorted { $0.key < $1.key }.map { "\($0.key)=\(quoted($0.value))" }.joined(separator: " "))
    }

    /// What a connection string sets, by keyword, for code that changes it.
    /// - Throws: `PGError.connection` if it is none.
    static func options(_ conninfo: Secret<String>) throws -> [String: String] {
        guard let found = options(conninfo.reveal()) else {
            throw PGError.connection(message: "the connection string cannot be read")
        }
        return found
    }

    /// Nil if it is neither a connection string nor an address.
    fileprivate static func options(_ text: String) -> [String: String]? {
        guard !text.utf8.contains(0), let options = PQconninfoParse(text, nil) else { return nil }
        defer { PQconninfoFree(options) }
        var found: [String: String] = [:]
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { found[String(cString: keyword)] = String(cString: value) }
            option = option.advanced(by: 1)
        }
        return found
    }

    private static func quoted(_ value: String) -> String {
        "'\(value.replacingScalar("\\", with: "\\\\").replacingScalar("'", with: "\\'"))'"
    }
}

/// A checked `postgresql://…` address of someone else's database, in the parameters that are allowed from outside.
package struct ConnectionAddress: Sendable {
    /// By libpq's keyword (PostgreSQL documentation, 34.1.2), without the password.
    package let parameters: [String: String]
    package let password: Secret<String>?
    /// Hosts, ports and addresses that take the place of those in `parameters` where connections are made.
    private var pins: [String: String] = [:]

    /// What a person may set. Files on this machine (`sslkey`, `passfile`, `service`) are not among them.
    private static let allowed: Set<String> = [
        "host", "port", "user", "password", "dbname", "sslmode", "connect_timeout", "application_name",
        "target_session_attrs", "channel_binding", "gssencmode",
    ]

    /// - Parameter isOperators: whether it comes from whoever runs Weirhouse, who may name files such as `sslrootcert`.
    /// - Throws: `invalidInput` naming what is wrong; never the address itself, which may hold a password.
    package init(_ address: String, isOperators: Bool = false) throws(Problem) {
        let form = "It has the form postgresql://user:password@host:port/database."
        guard address.hasPrefix("postgresql://") || address.hasPrefix("postgres://") else {
            throw Problem(.invalidInput, "This is not the address of a PostgreSQL database.", hint: form)
        }
        guard !Self.hasLatePassword(address) else {
            throw Problem(.invalidInput, "The address of the database cannot be read.", hint: "\(form) \(Self.escapes)")
        }
        guard var found = Conninfo.options(address) else {
            throw Problem(.invalidInput, "The address of the database cannot be read.", hint: form)
        }
        if !isOperators, let refused = found.keys.sorted().first(where: { !Self.allowed.contains($0) }) {
            throw Problem(
                .invalidInput, "The address sets \(refused), which is not allowed here.", hint: "Leave it out.")
        }
        guard found["host"]?.isEmpty == false else {
            throw Problem(.invalidInput, "The address names no host.", hint: form)
        }
        guard Self.list(found["host"]).count <= 16 else {
            throw Problem(.invalidInput, "The address names more than 16 hosts.", hint: form)
        }
        guard found["dbname"]?.isEmpty == false else {
            throw Problem(.invalidInput, "The address names no database.", hint: form)
        }
        if found["port"] != nil, !Self.list(found["port"]).allSatisfy({ (1...65535).contains(Int($0) ?? 0) }) {
            // Not shown: of a password with an unescaped `/` it may be a part.
            throw Problem(
                .invalidInput, "The address has no usable port.", hint: "Ports are 1 to 65535. \(Self.escapes)")
        }
        password = found.removeValue(forKey: "password").map { Secret($0) }
        parameters = found
    }

    /// The same address with another password, wherever an old one stands.
    package static func address(_ address: Secret<String>, password: Secret<String>) throws(Problem) -> Secret<String> {
        let text = address.reveal()
        guard let start = text.firstRange(of: "://")?.upperBound else {
            throw Problem(.invalidInput, "This is not the address of a PostgreSQL database.")
        }
        let authority = text[start...].prefix { !"/?#".contains($0) }
        let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
        let encoded = password.reveal().utf8.map { byte in
            plain.contains(byte)
                ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
        var rest = String(text[authority.endIndex...])
        if let mark = rest.firstIndex(of: "?") {
            let fields = rest[rest.index(after: mark)...].split(separator: "&").filter { !$0.hasPrefix("password=") }
            rest = String(rest[..<mark]) + (fields.isEmpty ? "" : "?" + fields.joined(separator: "&"))
        }
        guard let at = authority.lastIndex(of: "@") else {
            return Secret("\(text[..<start])\(authority)\(rest)\(rest.contains("?") ? "&" : "?")password=\(encoded)")
        }
        let user = authority[..<at].prefix { $0 != ":" }
        return Secret("\(text[..<start])\(user):\(encoded)\(authority[at...])\(rest)")
    }

    private static let escapes = "Write /, @ and : in a user or password as %2F, %40 and %3A."

    /// `user:pass/word@host/db`: libpq takes `user` for the host and the password for port and database, which messages
    /// would then name.
    private static func hasLatePassword(_ address: String) -> Bool {
        let parts = address.utf8.split(separator: UInt8(ascii: "/"), maxSplits: 3, omittingEmptySubsequences: false)
        return parts.count == 4 && parts[3].prefix { $0 != UInt8(ascii: "?") }.contains(UInt8(ascii: "@"))
    }

    package var database: String { parameters["dbname"] ?? "" }

    /// The same address with the IP addresses of its hosts. libpq then looks no name up (34.1.2, `hostaddr`), and still
    /// checks certificates by the name.
    /// - Parameter look: the IP addresses of one host, at least one. Sockets of this machine are asked about as
    ///   `127.0.0.1`.
    /// - Throws: what `look` throws; `invalidInput` if there are not as many ports as hosts.
    package func pinned(_ look: (String) async throws -> [String]) async throws -> ConnectionAddress {
        let hosts = Self.list(parameters["host"])
        var ports = Self.list(parameters["port"])
        if ports.count == 1 { ports = Array(repeating: ports[0], count: hosts.count) }
        guard ports.isEmpty || ports.count == hosts.count else {
            throw Problem(.invalidInput, "The address has \(hosts.count) hosts and \(ports.count) ports.")
        }
        var pinned: (hosts: [String], addresses: [String], ports: [String]) = ([], [], [])
        for (index, host) in hosts.enumerated() {
            let isSocket = host.hasPrefix("/") || host.hasPrefix("@")
            let found = try await look(isSocket ? "127.0.0.1" : host)
            for address in isSocket ? [""] : found {
                pinned.hosts.append(host)
                pinned.addresses.append(address)
                if !ports.isEmpty { pinned.ports.append(ports[index]) }
            }
        }
        var address = self
        address.pins = [
            "host": pinned.hosts.joined(separator: ","), "hostaddr": pinned.addresses.joined(separator: ","),
        ]
        if !ports.isEmpty { address.pins["port"] = pinned.ports.joined(separator: ",") }
        return address
    }

    static func list(_ text: String?) -> [String] {
        text.map { $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init) } ?? []
    }

    /// `host:port`, for messages.
    package var place: String { "\(parameters["host"] ?? "?"):\(parameters["port"] ?? "5432")" }

    /// A libpq connection string with these settings of the session (`-c name=value`).
    package func conninfo(session settings: [String: String]) -> Secret<String> {
        var all = parameters.merging(pins) { $1 }
        all["connect_timeout"] = all["connect_timeout"] ?? "10"
        all["application_name"] = all["application_name"] ?? "weirhouse"
        all["client_encoding"] = "UTF8"
        // A connection that is cut off is noticed within a minute.
        all["keepalives_idle"] = "20"
        all["keepalives_interval"] = "10"
        all["keepalives_count"] = "3"
        all["tcp_user_timeout"] = "60000"
        all["options"] = settings.sorted { $0.key < $1.key }.map { "-c \($0.key)=\($0.value)" }.joined(separator: " ")
        all["password"] = password?.reveal() ?? ""
        return Conninfo.text(all)
    }
}
