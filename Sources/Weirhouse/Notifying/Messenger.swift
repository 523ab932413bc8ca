import Foundation
import Jobs
import Kernel
import Outbound
import Secrets

/// Hands messages over: e-mail through the operator's mail server, webhooks over HTTP.
struct Messenger: Sendable {
    let http: OutboundHTTP
    private let addresses: AddressGuard
    private let mailServer: SMTPServer?
    private let secrets: any SecretStore
    private let time: TimeSource

    /// - Throws: `invalidInput` for settings that cannot be used.
    init(settings: Settings, secrets: any SecretStore, time: TimeSource, observe: @escaping Observe) throws {
        addresses = try AddressGuard(allowing: settings.allowedPrivateAddresses)
        http = OutboundHTTP(addresses, observe: observe)
        mailServer = try settings.smtpURL.map { try SMTPServer($0.reveal()) }
        self.secrets = secrets
        self.time = time
    }

    /// The name of the secret that signs a subscription's webhooks.
    static func secretName(of subscription: SubscriptionID) -> String { "webhook/\(subscription)" }

    /// Whether messages could go there, as far as can be seen before one does.
    /// - Throws: `invalidInput`, `forbidden` for a webhook to a private address, `unsupported` for e-mail without a
    ///   mail server.
    func check(_ target: String, over channel: NoticeChannel) async throws {
        switch channel {
        case .email:
            _ = try Mailbox(target)
            _ = try requireMailServer()
        case .webhook: try await addresses.check(url: target)
        }
    }

    /// A message that only has to be handed over.
    /// - Throws: `notFound` if there is nobody to tell any more.
    func prepare(
        _ text: NoticeText, for delivery: DeliveryBook.Delivery, by job: ClaimedJob
    ) async throws
        -> @Sendable () async throws -> Void
    {
        switch delivery.channel {
        case .email:
            guard delivery.isWanted else {
                throw Self.unwanted("The subscription was removed, or whoever made it was deactivated.")
            }
            let server = try requireMailServer()
            let mail = try Mail(
                messageID: "\(delivery.id)@\(server.from.domain)", to: Mailbox(delivery.target), subject: text.subject,
                date: time.now(), text: text.plain)
            return { try await server.send(mail) }
        case .webhook:
            let request = try await webhook(text, delivery, job)
            return { [http] in
                try Self.judge(await Self.status(of: request, over: http), from: request.address.host)
            }
        }
    }

    private func webhook(
        _ text: NoticeText, _ delivery: DeliveryBook.Delivery, _ job: ClaimedJob
    ) async throws -> OutboundRequest {
        guard let subscription = delivery.subscription,
            let stored = try await secrets.get(Self.secretName(of: subscription), of: job.organization)
        else { throw Self.unwanted("The subscription was removed.") }
        let secret = try WebhookSecret(String(decoding: stored.reveal(), as: UTF8.self))
        let body = try text.json()
        var headers = try WebhookSignature.headers(
            id: delivery.id.description, date: time.now(), body: body, secrets: [secret])
        headers["Content-Type"] = "application/json"
        // A receiver that has seen a higher number for the same id knows that this one is of an older attempt.
        headers["Weirhouse-Fence"] = String(job.fence)
        return OutboundRequest(
            "POST", try WebAddress(delivery.target), headers: headers, body: body, timeout: .seconds(20),
            answerLimit: 65_536)
    }

    private static func unwanted(_ detail: String) -> Problem {
        Problem(.notFound, detail, hint: "Resolve the message: there is nobody to tell.")
    }

    /// A body of any length will do: nobody reads it.
    private static func status(of request: OutboundRequest, over http: OutboundHTTP) async throws -> Int {
        do {
            return try await http.send(request).status
        } catch let failure as OutboundFailure {
            guard case .tooLarge(let status) = failure.kind else { throw failure }
            return status
        }
    }

    /// Standard Webhooks, "Deliverability and reliability": 2xx is taken, 410 and redirects are for good.
    private static func judge(_ status: Int, from host: String) throws {
        switch status {
        case 200..<300: return
        case 410:
            throw Problem(.deliveryRefused, "\(host) wants no more messages (410).", hint: "Remove the subscription.")
        case 300..<400:
            throw Problem(
                .deliveryRefused, "\(host) answers with a redirect (\(status)), which is not followed.",
                hint: "Subscribe the address that it leads to.")
        default:
            throw Problem(
                .deliveryFailed, "\(host) answered with \(status).", hint: "Look at the receiver's own log.")
        }
    }

    /// Whether e-mail can be sent at all.
    var hasMailServer: Bool { mailServer != nil }

    /// Hands one e-mail over that is no notice.
    /// - Parameter id: the local part of its message id, the same for each attempt.
    /// - Throws: `unsupported` without a mail server; `OutboundFailure`.
    func send(_ text: String, subject: String, to mailbox: Mailbox, id: String) async throws {
        let server = try requireMailServer()
        try await server.send(
            Mail(messageID: "\(id)@\(server.from.domain)", to: mailbox, subject: subject, date: time.now(), text: text))
    }

    private func requireMailServer() throws -> SMTPServer {
        guard let mailServer else {
            throw Problem(
                .unsupported, "No mail server is set.", hint: "Whoever runs Weirhouse sets WEIR_SMTP_URL.")
        }
        return mailServer
    }
}
