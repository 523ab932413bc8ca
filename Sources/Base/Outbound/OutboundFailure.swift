package import Kernel

/// Why a request or a message got no answer, or a mail server's answer that says no.
package struct OutboundFailure: Error, Sendable, Hashable {
    package enum Kind: Sendable, Hashable {
        /// The host's name is not known, or nobody could be asked.
        case resolve
        /// Nothing answers there.
        case connect
        /// No secure connection, or the host could not prove who it is.
        case tls
        /// A mail server takes none of the ways to sign in that Weirhouse knows (PLAIN and LOGIN).
        case signIn
        /// All of its addresses are private (`AddressGuard`).
        case refusedAddress
        /// `afterRequestWasSent`: all of it may have reached the other end.
        case timeout(afterRequestWasSent: Bool)
        /// The connection ended before the answer, or the answer cannot be understood.
        case interrupted(afterRequestWasSent: Bool)
        /// The answer came, but is longer than the request allows. `status` is HTTP's.
        case tooLarge(status: Int)
        /// A mail server refused with this reply code (RFC 5321, section 4.2.1).
        case answered(code: Int)
    }

    /// What came of the request or message.
    package enum Outcome: Sendable, Hashable {
        /// It was certainly not taken; later it may be.
        case notTaken
        /// It was refused for good.
        case refused
        /// It may have been taken or not; whoever sends it again must be ready for both.
        case unknown
    }

    package let kind: Kind
    package let host: String
    /// What libcurl or the mail server says about it, in one line.
    package let reason: String

    package init(kind: Kind, host: String, reason: String) {
        self.kind = kind
        self.host = host
        self.reason = reason
    }

    package var outcome: Outcome {
        switch kind {
        case .resolve, .connect, .tls, .signIn: .notTaken
        case .refusedAddress: .refused
        case .timeout(let wasSent), .interrupted(let wasSent): wasSent ? .unknown : .notTaken
        case .tooLarge: .unknown
        case .answered(let code):
            (500...599).contains(code) && !Self.signInReplies.contains(code) ? .refused : .notTaken
        }
    }

    /// RFC 4954, section 6: they say no to whoever signs in, not to the message. The operator can set that right.
    private static let signInReplies: Set<Int> = [530, 534, 535, 538]

    /// `deliveryFailed` if another attempt may help, `deliveryRefused` or `forbidden` if not.
    package var problem: Problem {
        switch kind {
        case .resolve: failed("The host \(host) is not known.", hint: "Check its name.")
        case .connect: failed("Nothing answers at \(host).", hint: "Check host and port, and whether it runs.")
        case .tls: failed("There is no secure connection to \(host): \(reason).", hint: "Check its certificate.")
        case .refusedAddress: AddressGuard.refusal(of: host)
        case .signIn:
            failed("\(host) does not let Weirhouse sign in: \(reason).", hint: "Check its user and encryption.")
        case .timeout: failed("\(host) did not answer in time.", hint: nil)
        case .interrupted: failed("There was no usable answer of \(host): \(reason).", hint: nil)
        case .tooLarge:
            Problem(.unsupported, "The answer of \(host) is longer than Weirhouse reads.", cause: self)
        case .answered(let code):
            Problem(
                outcome == .refused ? .deliveryRefused : .deliveryFailed,
                "The mail server \(host) refused with \(code): \(reason).",
                hint: Self.signInReplies.contains(code) ? "Check its user and password." : nil,
                cause: self)
        }
    }

    private func failed(_ detail: String, hint: String?) -> Problem {
        Problem(.deliveryFailed, detail, hint: hint, cause: self)
    }
}
