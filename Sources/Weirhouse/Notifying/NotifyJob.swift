import Foundation
import Jobs
import Kernel
import Outbound
import Postgres

/// Sends one message (docs/notifications.md). It is a job like any other: its retries, its dead letters (RETRYABLE runs)
/// and its way to be sent again are the queue's.
struct NotifyJob: JobHandler {
    let kind: String = NoticeBook.runKind
    let house: House

    var policy: JobPolicy { JobPolicy(timeout: .seconds(180), deadline: NoticeBook.deadline) }

    func perform(_ job: ClaimedJob, in context: JobContext) async throws -> any Encodable & Sendable {
        let order: DeliveryOrder = try job.payload()
        let book = DeliveryBook(pool: house.pool)
        let delivery = try await book.read(order.delivery, of: job.organization)
        guard !delivery.isSent else { return Outcome(sent: true) }
        try await refuseDoubt(delivery, book, job)
        let text = NoticeText(
            delivery.notice, organization: try await house.slug(of: job.organization), server: house.publicAddress)
        let handOver = try await house.messenger.prepare(text, for: delivery, by: job)
        try await book.handOver(delivery.id, by: job)
        do {
            try await handOver()
        } catch is CancellationError {
            // The lease is lost, or the worker stops: nobody knows what came of it, and so it stays written.
            throw CancellationError()
        } catch {
            let problem = Self.problem(error, delivery.channel)
            try await book.takeBack(delivery.id, by: job)
            house.observe(.noticeSent(channel: delivery.channel.rawValue, problem: problem.code))
            throw problem
        }
        FaultPoint.pass("notify.sent")
        try await book.sent(delivery.id, by: job)
        house.observe(.noticeSent(channel: delivery.channel.rawValue, problem: nil))
        return Outcome(sent: true)
    }

    struct Outcome: Codable, Sendable {
        var sent: Bool
    }

    /// An e-mail that an earlier claim may have handed over is not sent again by itself: a person decides. A receiver of
    /// webhooks tells two of the same id apart.
    private func refuseDoubt(
        _ delivery: DeliveryBook.Delivery, _ book: DeliveryBook, _ job: ClaimedJob
    ) async throws {
        guard delivery.isDoubtful, delivery.channel == .email else { return }
        try await book.takeBack(delivery.id, by: job)
        throw Self.doubt(delivery.target)
    }

    private static func doubt(_ target: String) -> Problem {
        Problem(
            .deliveryRefused,
            "Nobody knows whether the message to \(target) was taken: the line broke before the answer.",
            hint: "Ask there; retry the run to send it again, or resolve it.")
    }

    private static func problem(_ error: any Error, _ channel: NoticeChannel) -> Problem {
        guard let failure = error as? OutboundFailure else {
            return Problem(ofMetadata: error)
        }
        switch (failure.outcome, channel) {
        case (.unknown, .email): return doubt(failure.host)
        // A webhook of the same id may come twice.
        case (.unknown, .webhook):
            return Problem(.deliveryFailed, failure.problem.detail, hint: failure.problem.hint, cause: failure)
        default: return failure.problem
        }
    }
}
