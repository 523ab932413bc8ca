import Foundation
import Kernel
import Outbound
import Peers
import Testing

@Suite("The mail server", .timeLimit(.minutes(10)))
struct SMTPServerTests {
    private func mail() throws -> Mail {
        try Mail(messageID: "1@weir.example", to: Mailbox("ada@acme.example"), subject: "s", date: Date(), text: "t")
    }

    private func deliver(
        _ arguments: [String], _ address: @Sendable (Int) -> String
    ) async throws -> Result<ReceivedMail, OutboundFailure> {
        try await Peer.use("mail.py", arguments) { peer in
            let server = try SMTPServer(address(await peer.port))
            if let failure = try await OutboundTests.failure({ try await server.send(mail()) }) {
                return .failure(failure)
            }
            return .success(try await peer.next())
        }
    }

    @Test("STARTTLS and a sign-in, when they are asked for")
    func secure() async throws {
        try await Certificates.use { files in
            let arguments = [
                "--certificate", files.certificate, "--key", files.key, "--require-starttls", "--user",
                "weir@acme.example",
                "--password", "p@ss/w:rd ü",
            ]
            let received = try await deliver(arguments) { port in
                "smtp://weir%40acme.example:p%40ss%2Fw%3Ard%20%C3%BC@localhost:\(port)?from=weir@acme.example&starttls=required&ca=\(files.authority)"
            }.get()
            #expect(received.secure && received.signedIn)
        }
    }

    @Test("smtps from the beginning, and STARTTLS when it is offered")
    func kinds() async throws {
        try await Certificates.use { files in
            let tls = ["--certificate", files.certificate, "--key", files.key]
            let immediate = try await deliver(tls + ["--immediate"]) {
                "smtps://localhost:\($0)?from=weir@acme.example&ca=\(files.authority)"
            }
            #expect(try immediate.get().secure)
            let offered = try await deliver(tls) {
                "smtp://localhost:\($0)?from=weir@acme.example&starttls=when-offered&ca=\(files.authority)"
            }
            #expect(try offered.get().secure)
            let notOffered = try await deliver([]) {
                "smtp://localhost:\($0)?from=weir@acme.example&starttls=when-offered"
            }
            #expect(try !notOffered.get().secure)
        }
    }

    @Test("no message goes out without the encryption that is required, nor to a server that cannot prove itself")
    func insecure() async throws {
        let plain = try await deliver([]) { "smtp://localhost:\($0)?from=weir@acme.example&starttls=required" }
        #expect(plain.failure?.kind == .tls)
        #expect(plain.failure?.outcome == .notTaken)
        try await Certificates.use { files in
            let tls = ["--certificate", files.certificate, "--key", files.key]
            let untrusted = try await deliver(tls) { "smtp://localhost:\($0)?from=weir@acme.example&starttls=required" }
            #expect(untrusted.failure?.kind == .tls)
            #expect(untrusted.failure?.problem.code == .deliveryFailed)
        }
    }

    @Test("a wrong password can be set right, and the message waits; a server that takes no sign-in is said to")
    func signIn() async throws {
        let wrong = try await deliver(["--user", "weir", "--password", "right"]) {
            "smtp://weir:wrong@127.0.0.1:\($0)?from=weir@acme.example"
        }
        #expect(wrong.failure?.kind == .answered(code: 535))
        #expect(wrong.failure?.outcome == .notTaken)
        #expect(wrong.failure?.problem.code == .deliveryFailed)
        #expect(wrong.failure?.problem.hint?.contains("password") == true)
        #expect(wrong.failure?.problem.description.contains("wrong") == false)
        let missing = try await deliver(["--user", "weir", "--password", "right"]) {
            "smtp://127.0.0.1:\($0)?from=weir@acme.example"
        }
        #expect(missing.failure?.kind == .answered(code: 530))
        #expect(missing.failure?.outcome == .notTaken)
        let other = try await deliver(["--user", "weir", "--password", "right", "--only-tokens"]) {
            "smtp://weir:right@127.0.0.1:\($0)?from=weir@acme.example"
        }
        #expect(other.failure?.kind == .signIn)
        #expect(other.failure?.outcome == .notTaken)
    }

    @Test(
        "only a reply about the message refuses it for good: not one about who signs in, nor one that may pass",
        arguments: [
            (421, false), (450, false), (454, false), (530, false), (534, false), (535, false), (538, false),
            (500, true), (550, true), (552, true), (554, true),
        ])
    func replies(code: Int, isRefused: Bool) {
        let failure = OutboundFailure(kind: .answered(code: code), host: "mail.acme.example:587", reason: "No")
        let outcome: OutboundFailure.Outcome = isRefused ? .refused : .notTaken
        let problem: Problem.Code = isRefused ? .deliveryRefused : .deliveryFailed
        #expect(failure.outcome == outcome)
        #expect(failure.problem.code == problem)
    }

    @Test("its address says how it is reached")
    func addresses() throws {
        let usual = try SMTPServer("smtp://u:p@mail.acme.example?from=Weirhouse%20<weir@acme.example>")
        #expect(usual.host == "mail.acme.example" && usual.port == 587 && usual.encryption == .required)
        #expect(usual.from.name == "Weirhouse" && usual.from.address == "weir@acme.example")
        #expect("\(usual)" == "smtp://mail.acme.example:587")
        #expect(!String(reflecting: usual).contains("\"p\""))
        #expect(try SMTPServer("smtp://[::1]:25?from=w@a").encryption == .never)
        #expect(try SMTPServer("smtp://localhost?from=w@a&starttls=required").encryption == .required)
        #expect(try SMTPServer("smtps://mail.acme.example/?from=w@a").port == 465)
    }

    @Test(
        "an address that cannot be used is refused, without its password",
        arguments: [
            "", "https://mail.example?from=w@a", "smtp://?from=w@a", "smtp://host", "smtp://host?from=nobody",
            "smtp://user@host?from=w@a",
            "smtp://host/path?from=w@a", "smtp://host?from=w@a&starttls=maybe",
            "smtp://host?from=w@a&starttls=immediate",
            "smtps://host?from=w@a&starttls=required", "smtp://host?from=w@a&form=w@a", "smtp://host?from=w@a&from=w@b",
            "smtp://u:geheim@ho st?from=w@a", "smtp://u:ge/heim@host?from=w@a", "smtp://host?from=a%0d%0aBcc:%20<w@a>x",
            "smtp://host:0x19?from=w@a",
        ])
    func refused(_ text: String) {
        let problem = #expect(throws: Problem.self, "\(text)") { try SMTPServer(text) }
        #expect(problem?.code == .invalidInput)
        #expect(problem?.description.contains("heim") == false)
    }

    @Test(
        "what is no mail address is refused",
        arguments: [
            "", "ada", "@acme.example", "ada@", "a da@acme.example", "ada@acme..example", ".ada@acme.example",
            "ada.@acme.example",
            "ada@-acme.example", "ada@acme.example>", "ada@acme.example\r\nRCPT TO:<eve@evil.example>",
            "ada@[127.0.0.1]",
            "<ada@acme.example", "ada,eve@acme.example", "ada@acme.example,eve@evil.example", "ädä@acme.example",
            "ada@äcme.example",
            "\"ada\"@acme.example",
        ])
    func mailboxes(_ text: String) {
        let problem = #expect(throws: Problem.self) { try Mailbox(text) }
        #expect(problem?.code == .invalidInput)
    }

    @Test("mail addresses with and without a name")
    func namedMailboxes() throws {
        #expect(try Mailbox(" Ada L. <ada+x@acme.example> ").name == "Ada L.")
        #expect(try Mailbox("\"Ada, L\" <ada@acme.example>").name == "Ada, L")
        #expect(try Mailbox("<ada@acme.example>").name == nil)
        #expect(try Mailbox("ada@acme.example").domain == "acme.example")
        #expect(try Mailbox("weir@localhost").address == "weir@localhost")
    }

    @Test("what is no id of a message is refused", arguments: ["", "a", "<a@b>", "a@b@c", "a b@c", "a@b\r\nX: y"])
    func messageIDs(_ text: String) throws {
        let to = try Mailbox("ada@acme.example")
        #expect(throws: Problem.self) { try Mail(messageID: text, to: to, subject: "s", date: Date(), text: "t") }
    }
}

extension Result {
    fileprivate var failure: Failure? {
        if case .failure(let failure) = self { failure } else { nil }
    }
}
