internal import CCurl
import Foundation
package import Kernel

/// The operator's mail server, which takes messages for everybody (RFC 5321). It is trusted configuration: `AddressGuard`
/// does not apply to it.
package struct SMTPServer: Sendable, CustomStringConvertible {
    /// When the connection becomes secure.
    package enum Encryption: String, Sendable, Hashable {
        /// From its beginning (`smtps://`).
        case immediate
        /// By STARTTLS (RFC 3207), or no message is sent.
        case required
        /// By STARTTLS if the server offers it. Whoever sits in between can take the offer away.
        case whenOffered = "when-offered"
        case never
    }

    package let host: String
    package let port: Int
    /// Who the messages come from.
    package let from: Mailbox
    package let encryption: Encryption
    private let user: String?
    private let password: Secret<String>?
    private let certificateAuthorities: String?
    private let timeout: Duration

    /// - Parameters:
    ///   - text: `smtp://user:password@host:587?from=Weirhouse%20<weir@acme.example>`, or `smtps://…:465`.
    ///     `starttls=required|when-offered|never` says how `smtp://` becomes secure (`never` for a host that is this
    ///     machine, else `required`); `ca=FILE` names a PEM file with whom to trust instead of whom the system trusts.
    ///   - timeout: for one message, from the look-up of the name to the server's last answer.
    /// - Throws: `invalidInput` saying what is wrong, never the address itself, which may hold a password.
    package init(_ text: String, timeout: Duration = .seconds(120)) throws(Problem) {
        guard let url = CurlURL(text), let scheme = url.part(CURLUPART_SCHEME), ["smtp", "smtps"].contains(scheme)
        else {
            throw Self.refusal("This is no address of a mail server.")
        }
        guard let host = url.part(CURLUPART_HOST), !host.isEmpty else { throw Self.refusal("It names no host.") }
        guard [nil, "", "/"].contains(url.part(CURLUPART_PATH)) else {
            throw Self.refusal("It has a path, which mail servers do not.")
        }
        let settings = try Self.settings(url.part(CURLUPART_QUERY) ?? "")
        guard let from = settings["from"] else { throw Self.refusal("It does not say who messages come from.") }
        self.host = host
        self.port = url.part(CURLUPART_PORT).flatMap { Int($0) } ?? (scheme == "smtps" ? 465 : 587)
        self.from = try Mailbox(from)
        encryption = try Self.encryption(settings["starttls"], scheme: scheme, host: host)
        user = url.part(CURLUPART_USER, decoded: true)
        password = url.part(CURLUPART_PASSWORD, decoded: true).map { Secret($0) }
        guard (user == nil) == (password == nil) else { throw Self.refusal("It has a user without a password.") }
        certificateAuthorities = settings["ca"]
        self.timeout = timeout
    }

    package var description: String { "\(encryption == .immediate ? "smtps" : "smtp")://\(host):\(port)" }

    /// Hands the message over, once. When it returns, the server has taken it.
    /// - Throws: `OutboundFailure`, whose `outcome` says whether the message was certainly not taken, refused for good, or
    ///   whether that is unknown since the connection ended after the whole message was sent and before the answer;
    ///   `CancellationError` when the task is cancelled, upon which it is unknown too.
    package func send(_ mail: Mail) async throws {
        let transfer = try CurlTransfer(answerLimit: 65_536) { _ in true }
        transfer.set(CURLOPT_URL, description)
        transfer.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps")
        transfer.set(timeout: timeout, connectTimeout: min(timeout, .seconds(30)))
        transfer.set(CURLOPT_USE_SSL, Int(useSSL.rawValue))
        if let certificateAuthorities { transfer.set(CURLOPT_CAINFO, certificateAuthorities) }
        if let user, let password {
            // libcurl would try GSSAPI first where the server offers it, for which there are no tickets here.
            transfer.set(CURLOPT_LOGIN_OPTIONS, "AUTH=PLAIN;AUTH=LOGIN")
            transfer.set(CURLOPT_USERNAME, user)
            transfer.set(CURLOPT_PASSWORD, password.reveal())
        }
        transfer.set(CURLOPT_MAIL_FROM, "<\(from.address)>")
        transfer.set(CURLOPT_MAIL_RCPT, ["<\(mail.to.address)>"])
        transfer.send(mail.rendered(from: from))
        let ending = try await transfer.perform()
        if let kind = ending.failure { throw failure(kind, ending) }
    }

    private var useSSL: curl_usessl {
        switch encryption {
        case .immediate, .required: CURLUSESSL_ALL
        case .whenOffered: CURLUSESSL_TRY
        case .never: CURLUSESSL_NONE
        }
    }

    /// A reply that says no is the reason, whatever libcurl makes of it.
    private func failure(_ kind: OutboundFailure.Kind, _ ending: CurlTransfer.Ending) -> OutboundFailure {
        guard (400...599).contains(ending.code), kind != .tls else {
            return OutboundFailure(kind: kind, host: "\(host):\(port)", reason: ending.reason)
        }
        let reply = ending.lines.last { $0.hasPrefix("\(ending.code)") }.map { $0.dropFirst(4) } ?? ""
        return OutboundFailure(
            kind: .answered(code: ending.code), host: "\(host):\(port)",
            reason: String(String.UnicodeScalarView(reply.unicodeScalars.filter { $0.value >= 0x20 }.prefix(200))))
    }
}

extension SMTPServer {
    private static func settings(_ query: String) throws(Problem) -> [String: String] {
        var settings: [String: String] = [:]
        for part in query.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(pair[0])
            guard ["from", "starttls", "ca"].contains(name), settings[name] == nil, pair.count == 2,
                let value = String(pair[1]).removingPercentEncoding, !value.utf8.contains(0)
            else { throw refusal("It has a setting that is not known: \(name.prefix(40)).") }
            settings[name] = value
        }
        return settings
    }

    private static func encryption(_ setting: String?, scheme: String, host: String) throws(Problem) -> Encryption {
        if scheme == "smtps" {
            guard setting == nil else { throw refusal("smtps:// is secure from its beginning, without starttls.") }
            return .immediate
        }
        guard let setting else {
            return ["localhost", "127.0.0.1", "[::1]"].contains(host) ? .never : .required
        }
        guard let encryption = Encryption(rawValue: setting), encryption != .immediate else {
            throw refusal("Its starttls is none of required, when-offered and never.")
        }
        return encryption
    }

    private static func refusal(_ detail: String) -> Problem {
        Problem(
            .invalidInput, "The address of the mail server cannot be used. \(detail)",
            hint: "It has the form smtp://user:password@host:587?from=Weirhouse%20<weir@acme.example>; in a user or "
                + "password write /, @ and : as %2F, %40 and %3A.")
    }
}
