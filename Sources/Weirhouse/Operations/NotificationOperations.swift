import Foundation
import Jobs
import Kernel
import Outbound
import Postgres
import Secrets
import Wire

extension LiveOperations {
    private var subscriptionBook: SubscriptionBook { SubscriptionBook(pool: house.pool) }

    func subscriptions(as caller: Caller) async throws -> [SubscriptionView] {
        try await metadata {
            let latest = try await DeliveryReader(pool: house.pool).latest(as: caller)
            return try await subscriptionBook.all(of: caller.organization).map { found in
                SubscriptionView(
                    subscriptionID: found.id.description, channel: found.channel.rawValue, target: found.target,
                    source: found.source, environment: found.environment, events: found.events.map(\.rawValue),
                    person: found.person, createdAt: found.createdAt, lastDelivery: latest[found.id.description])
            }
        }
    }

    func subscribe(_ request: SubscriptionRequest, as caller: Caller) async throws -> SubscriptionMade {
        guard let channel = NoticeChannel(rawValue: request.channel) else {
            throw Problem(
                .invalidInput, "There is no channel \(request.channel.prefix(40)).", hint: "Use email or webhook.")
        }
        let events = try Self.events(request.events ?? [])
        if let environment = request.environment {
            _ = try place(PlaceRequest(environment: environment), caller)
        }
        if let source = request.source {
            try await requireKnown(source, as: caller)
        }
        try await house.messenger.check(request.target, over: channel)
        // Bare and in small letters, as a member's own address: it goes when they do.
        let target = try channel == .email ? Mailbox(request.target).address.lowercased() : request.target
        let id = SubscriptionID(house.time.makeUUID())
        var secret: Secret<String>?
        if channel == .webhook {
            let made = WebhookSecret.make().text
            try await metadata {
                try await secretKeeper.keep(
                    made, named: Messenger.secretName(of: id), of: caller.organization, by: caller.name)
            }
            secret = made
        }
        do {
            try await metadata {
                try await subscriptionBook.add(
                    id, of: caller.principal, in: caller.organization, channel: channel, target: target,
                    source: request.source, environment: request.environment, events: events)
            }
        } catch {
            // Of a subscription that there is not, no secret is to stay.
            if channel == .webhook {
                _ = try? await secretKeeper.remove(Messenger.secretName(of: id), of: caller.organization)
            }
            throw error
        }
        guard let made = try await subscriptions(as: caller).first(where: { $0.subscriptionID == id.description })
        else { throw Problem(.conflict, "The subscription was removed at once.", hint: "Make it again.") }
        return SubscriptionMade(subscription: made, signingSecret: secret?.reveal())
    }

    func unsubscribe(_ id: SubscriptionID, as caller: Caller) async throws {
        try await metadata {
            try await subscriptionBook.remove(id, of: caller.organization)
            try await secretKeeper.remove(Messenger.secretName(of: id), of: caller.organization)
        }
    }

    func testSubscription(_ id: SubscriptionID, as caller: Caller) async throws -> DeliveryView {
        try await metadata {
            let delivery = try await NoticeBook(pool: house.pool, time: house.time)
                .test(id, of: caller.organization, by: caller.name)
            return try await DeliveryReader(pool: house.pool).find(delivery, as: caller)
        }
    }

    func deliveries(state: String?, limit: Int, as caller: Caller) async throws -> [DeliveryView] {
        guard (1...500).contains(limit) else {
            throw Problem(.invalidInput, "The limit is \(limit).", hint: "Use 1 to 500.")
        }
        if let state, !DeliveryReader.states.contains(state) {
            throw Problem(
                .invalidInput, "There is no state \(state.prefix(40)).",
                hint: "Use \(DeliveryReader.states.joined(separator: ", ")).")
        }
        return try await metadata {
            try await DeliveryReader(pool: house.pool).newest(limit, state: state, as: caller)
        }
    }

    private static func events(_ words: [String]) throws -> [NoticeEvent] {
        guard !words.isEmpty else { return NoticeEvent.allCases.filter { $0 != .test } }
        return try words.map { word in
            guard let event = NoticeEvent(rawValue: word), event != .test else {
                throw Problem(
                    .invalidInput, "There is no event \(word.prefix(40)).",
                    hint: "Use failure, recovery, late and fresh.")
            }
            return event
        }
    }

    private func requireKnown(_ source: String, as caller: Caller) async throws {
        let found = try await metadata {
            try await house.pool.transaction(organization: caller.organization) { connection in
                try await connection.query("SELECT FROM weir.sources WHERE name = \(source)")
            }
        }
        guard !found.isEmpty else {
            throw Problem(
                .notFound, "There is no source \(source.prefix(60)).", hint: "Clone it once, or leave the source out.")
        }
    }
}
