import Foundation
import Kernel
import Peers
import Testing

@testable import Outbound

/// What `mail.py` tells of a message, as Python's parser reads it.
struct ReceivedMail: Decodable, Sendable {
    let sender: String
    let recipients: [String]
    let secure: Bool
    let signedIn: Bool
    /// By lower-case name, decoded.
    let headers: [String: String]
    let text: String?
    let html: String?
    let defects: [String]
    private let raw: Data

    /// As it came, without the ends of its lines.
    var lines: [String] {
        String(decoding: raw, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false).map {
            String($0)
        }
    }
}

@Suite("Mail", .timeLimit(.minutes(10)))
struct MailTests {
    private func mail(
        to: String = "ada@acme.example", subject: String = "A run has failed", text: String = "Hello.\n",
        html: String? = nil
    ) throws -> Mail {
        try Mail(
            messageID: "7f3c.1@weir.example", to: Mailbox(to), subject: subject,
            date: Date(timeIntervalSince1970: 1_795_000_000), text: text, html: html)
    }

    private func server(
        _ peer: Peer, _ settings: String = "", timeout: Duration = .seconds(20)
    ) async throws -> SMTPServer {
        try SMTPServer(
            "smtp://127.0.0.1:\(await peer.port)?from=Weirhouse%20<weir@acme.example>\(settings)", timeout: timeout)
    }

    private func failure(to: String, timeout: Duration = .seconds(20)) async throws -> OutboundFailure? {
        try await Peer.use("mail.py") { peer in
            let server = try await server(peer, timeout: timeout)
            return try await OutboundTests.failure { try await server.send(mail(to: to)) }
        }
    }

    @Test("arrives as it was written")
    func arrives() async throws {
        try await Peer.use("mail.py") { peer in
            let mail = try mail(to: "\"Lovelace, Ada\" <ada@acme.example>", html: "<p>Hällo.</p>")
            try await server(peer).send(mail)
            let received: ReceivedMail = try await peer.next()
            #expect(received.sender == "weir@acme.example")
            #expect(received.recipients == ["ada@acme.example"])
            #expect(received.headers["from"] == "Weirhouse <weir@acme.example>")
            #expect(received.headers["to"] == "\"Lovelace, Ada\" <ada@acme.example>")
            #expect(received.headers["subject"] == "A run has failed")
            #expect(received.headers["date"] == "Wed, 18 Nov 2026 11:06:40 +0000")
            #expect(received.headers["message-id"] == "<7f3c.1@weir.example>")
            #expect(received.headers["auto-submitted"] == "auto-generated")
            #expect(lines(received.text ?? "") == ["Hello."])
            #expect(lines(received.html ?? "") == ["<p>Hällo.</p>"])
            #expect(received.defects.isEmpty)
            #expect(!received.secure && !received.signedIn)
        }
    }

    @Test(
        "every text comes through, and every line is short and ASCII",
        arguments: [
            "", "\n", "one line", "a\r\nb\rc\nd", ".", ".\n.\n..\n", "ends with space \nand tab\t\n", "From me\n",
            "=3D = ==",
            String(repeating: "word ", count: 100), String(repeating: ".", count: 300),
            String(repeating: "ü", count: 200),
            "漢字かな交じり文\n" + String(repeating: "🐟", count: 90), "nul \u{0} bell \u{7} \u{2028} end", "--=_weirhouse--\n",
            String(repeating: "x", count: 5000), String(repeating: "a.", count: 60) + "\n.b",
        ])
    func texts(_ text: String) async throws {
        try await Peer.use("mail.py") { peer in
            try await server(peer).send(mail(text: text, html: "<p>\(text)"))
            let received: ReceivedMail = try await peer.next()
            #expect(lines(received.text ?? "") == lines(text))
            #expect(lines(received.html ?? "") == lines("<p>\(text)"))
            #expect(
                received.lines.allSatisfy {
                    $0.utf8.count <= 78 && $0.utf8.allSatisfy { (0x20...0x7E).contains($0) || $0 == 9 }
                })
            #expect(received.defects.isEmpty)
        }
    }

    /// The end of the last line is nobody's.
    private func lines(_ text: String) -> [String] {
        let text = text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
        return (text.hasSuffix("\n") ? String(text.dropLast()) : text).components(separatedBy: "\n")
    }

    @Test(
        "every subject comes through in one field",
        arguments: [
            ("", ""), ("Überfällig: 売上 🐟", "Überfällig: 売上 🐟"),
            ("a\r\nBcc: eve@evil.example", "a Bcc: eve@evil.example"),
            ("a\nb\rc\u{0}d\u{85}e\u{2028}f", "a b c d e f"), ("=?utf-8?B?aGk=?=", "=?utf-8?B?aGk=?="),
            (String(repeating: "long ", count: 60), String(repeating: "long ", count: 59) + "long"),
            (String(repeating: "ü", count: 150), String(repeating: "ü", count: 150)),
            (String(repeating: "x", count: 1200), String(repeating: "x", count: 1200)),
        ])
    func subjects(_ subject: String, expected: String) async throws {
        try await Peer.use("mail.py") { peer in
            try await server(peer).send(mail(subject: subject))
            let received: ReceivedMail = try await peer.next()
            #expect(received.headers["subject"] ?? "" == expected)
            #expect(received.headers["bcc"] == nil)
            #expect(lines(received.text ?? "") == ["Hello."])
            #expect(received.lines.allSatisfy { $0.utf8.count <= 78 })
        }
    }

    @Test("a name cannot add a header or another recipient")
    func names() async throws {
        try await Peer.use("mail.py") { peer in
            let name = "Ada, \"x\" <eve@evil.example>, =?utf-8?Q?=0D=0ABcc:?="
            #expect(throws: Problem.self) {
                try Mailbox(name: "Ada\r\nBcc: eve@evil.example", address: "ada@acme.example")
            }
            let to = try Mailbox(name: name, address: "ada@acme.example")
            let mail = try Mail(messageID: "1@a", to: to, subject: "s", date: Date(), text: "t")
            try await server(peer).send(mail)
            let received: ReceivedMail = try await peer.next()
            #expect(received.recipients == ["ada@acme.example"])
            #expect(received.headers["bcc"] == nil)
            #expect(received.headers["to"]?.hasSuffix("<ada@acme.example>") == true)
        }
    }

    @Test("a 4xx is not taken, and may be later", arguments: [("later", 450), ("full", 452)])
    func later(who: String, code: Int) async throws {
        let failure = try await failure(to: "\(who)@acme.example")
        #expect(failure?.kind == .answered(code: code))
        #expect(failure?.outcome == .notTaken)
        #expect(failure?.problem.code == .deliveryFailed)
    }

    @Test("a 5xx is refused for good, and says why", arguments: [("refused", 550), ("rejected", 554)])
    func refused(who: String, code: Int) async throws {
        let failure = try await failure(to: "\(who)@acme.example")
        #expect(failure?.kind == .answered(code: code))
        #expect(failure?.outcome == .refused)
        #expect(failure?.problem.code == .deliveryRefused)
        #expect(
            failure?.problem.detail.contains(who == "refused" ? "5.1.1 No such person here" : "5.7.1 Not wanted")
                == true)
    }

    @Test("a connection lost after the whole message and before the answer: unknown")
    func lost() async throws {
        let failure = try await failure(to: "lost@acme.example")
        #expect(failure?.kind == .interrupted(afterRequestWasSent: true))
        #expect(failure?.outcome == .unknown)
        #expect(failure?.problem.code == .deliveryFailed)
    }

    @Test("a server that takes the message and does not answer in time: unknown")
    func hangs() async throws {
        let failure = try await failure(to: "hang@acme.example", timeout: .seconds(2))
        #expect(failure?.kind == .timeout(afterRequestWasSent: true))
        #expect(failure?.outcome == .unknown)
    }

    @Test("a connection lost before the message was sent: not taken")
    func early() async throws {
        try await Peer.use("mail.py") { peer in
            let server = try await server(peer)
            let long = String(repeating: "a line of the text that is long enough\n", count: 150_000)
            let failure = try await OutboundTests.failure {
                try await server.send(mail(to: "early@acme.example", text: long))
            }
            #expect(failure?.kind == .interrupted(afterRequestWasSent: false))
            #expect(failure?.outcome == .notTaken)
        }
    }

    @Test("nobody listens: not taken")
    func nobody() async throws {
        let port = try await Peer.use("mail.py") { try await $0.port }
        let server = try SMTPServer("smtp://127.0.0.1:\(port)?from=weir@acme.example")
        let failure = try await OutboundTests.failure { try await server.send(mail()) }
        #expect(failure?.kind == .connect)
        #expect(failure?.outcome == .notTaken)
    }

    @Test("a cancelled task stops waiting for the server")
    func cancelled() async throws {
        try await Peer.use("mail.py") { peer in
            let server = try await server(peer, timeout: .seconds(50))
            let mail = try mail(to: "hang@acme.example")
            let sending = Task { try await server.send(mail) }
            _ = try await peer.next(ReceivedMail.self)
            let clock = ContinuousClock()
            let began = clock.now
            sending.cancel()
            await #expect(throws: CancellationError.self) { try await sending.value }
            #expect(clock.now - began < .seconds(25))
        }
    }
}
