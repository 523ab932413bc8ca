import Foundation
import Jobs
import Kernel
import Outbound
import Postgres
import Secrets
import Wire

extension LiveOperations {
    var secretKeeper: SecretKeeper { SecretKeeper(house: house) }

    func secrets(as caller: Caller) async throws -> [SecretView] {
        let entries = try await house.secrets.list(of: caller.organization)
        return try await metadata {
            let users = try await secretUsers(of: caller)
            let people = try await secretKeeper.people(of: caller.organization)
            return entries.map { entry in
                let purpose = SecretPurpose(of: entry.name)
                let last = people[entry.name]
                let uses = users.uses(of: purpose)
                return SecretView(
                    name: entry.name, kind: purpose.kind, version: entry.version, changedAt: entry.changedAt.rfc3339,
                    changedBy: last?.version == entry.version ? last?.person : nil,
                    isReplaceable: purpose.isReplaceable, isRevocable: purpose.isRevocable(with: uses),
                    uses: uses)
            }
        }
    }

    func secret(_ name: String, as caller: Caller) async throws -> SecretView {
        guard let found = try await secrets(as: caller).first(where: { $0.name == name }) else {
            throw Problem(
                .notFound, "There is no secret of this name.", hint: "`weir secrets` lists those there are.")
        }
        return found
    }

    func replaceSecret(_ name: String, _ request: SecretRequest, as caller: Caller) async throws -> SecretView {
        try SecretName.check(name)
        let purpose = SecretPurpose(of: name)
        if !purpose.isReplaceable { _ = try await secret(name, as: caller) }
        try await requireUser(of: purpose, as: caller)
        switch purpose {
        case .source: try await replaceAddress(name, request, as: caller)
        case .bucket(let schedule): try await replaceKey(ofBucketOf: schedule, try Self.value(request), as: caller)
        case .webhook:
            let secret = try WebhookSecret(try Self.value(request).reveal())
            try await metadata {
                try await secretKeeper.keep(secret.text, named: name, of: caller.organization, by: caller.name)
            }
        case .issuer, .warehouse, .other: throw Self.ownSecret(purpose)
        }
        return try await secret(name, as: caller)
    }

    func revokeSecret(_ name: String, as caller: Caller) async throws {
        try SecretName.check(name)
        let purpose = SecretPurpose(of: name)
        let uses = try await metadata { try await secretUsers(of: caller) }.uses(of: purpose)
        guard purpose.isRevocable(with: uses) else {
            _ = try await secret(name, as: caller)
            throw Self.ownSecret(purpose)
        }
        let wasThere = try await metadata { try await secretKeeper.remove(name, of: caller.organization) }
        guard wasThere else {
            throw Problem(
                .notFound, "There is no secret of this name.", hint: "`weir secrets` lists those there are.")
        }
    }

    func secretStore(as caller: Caller) async throws -> SecretStoreView {
        var problem: Problem?
        do {
            try await house.secrets.checkHealth()
        } catch {
            problem = Problem(wrapping: error)
        }
        let isHere = house.settings.secrets.place == "local"
        let sealing = try? house.localSecrets.keys.reload().first?.id
        let uses = try await KeyRotation(house.localSecrets).use(by: caller.organization)
        return SecretStoreView(
            place: house.secrets.place, healthy: problem == nil, problem: problem.map { ProblemView($0) },
            masterKeys: uses.map {
                MasterKeyUse(
                    masterKey: $0.masterKey, count: $0.count, seals: $0.masterKey != nil && $0.masterKey == sealing)
            },
            waiting: isHere ? 0 : try await house.localSecrets.list(of: caller.organization).count)
    }

    // MARK: - Steps

    private static func ownSecret(_ purpose: SecretPurpose) -> Problem {
        if case .issuer(let name) = purpose {
            return Problem(
                .forbidden, "This is the client secret of an issuer that people sign in through.",
                hint: "`weir issuers add \(name)` takes another one; `weir issuers remove \(name)` removes both.")
        }
        return Problem(
            .forbidden, "Weirhouse has made this secret for itself.",
            hint: "It goes with its warehouse; new keys for all secrets come with `weir secrets rotate-keys`.")
    }

    private static func value(_ request: SecretRequest) throws -> Secret<String> {
        guard let value = request.value, !value.isEmpty, request.password == nil else {
            throw Problem(.invalidInput, "The new value is missing.", hint: "Give it as value.")
        }
        return Secret(value)
    }

    private func secretUsers(of caller: Caller) async throws -> SecretUsers {
        let (sources, issuers) = try await house.pool.transaction(organization: caller.organization) { connection in
            (
                try await connection.query("SELECT environment || '/' || name AS source FROM weir.sources").map {
                    try $0.string("source")
                },
                try await connection.query("SELECT secret_name FROM weir.issuers WHERE secret_name IS NOT NULL").map {
                    try $0.string("secret_name")
                }
            )
        }
        return SecretUsers(
            schedules: try await ScheduleBook(pool: house.pool, time: house.time).all(of: caller.organization),
            subscriptions: try await SubscriptionBook(pool: house.pool).all(of: caller.organization),
            sources: Set(sources), issuers: Set(issuers))
    }

    /// - Throws: `notFound` if nothing would use a new value.
    private func requireUser(of purpose: SecretPurpose, as caller: Caller) async throws {
        guard purpose.isReplaceable else { throw Self.ownSecret(purpose) }
        let users = try await metadata { try await secretUsers(of: caller) }
        guard !users.uses(of: purpose).isEmpty else {
            throw Problem(
                .notFound, "Nothing uses a secret of this name.",
                hint: "Secrets come with what uses them: a source, a schedule that watches a bucket, a webhook.")
        }
    }

    /// The whole address, or its password alone; signed in with before it is kept.
    private func replaceAddress(_ name: String, _ request: SecretRequest, as caller: Caller) async throws {
        let address: Secret<String>
        if let password = request.password, request.value == nil {
            guard let stored = try await house.secrets.get(name, of: caller.organization) else {
                throw Problem(
                    .notFound, "The source has no address any more.", hint: "Give the whole address, as value.")
            }
            address = try ConnectionAddress.address(
                Secret(String(decoding: stored.reveal(), as: UTF8.self)), password: Secret(password))
        } else {
            address = try Self.value(request)
        }
        let (_, streams) = try await house.inspectSource(address.reveal())
        guard !streams.isEmpty else {
            throw Problem(.sourceMissing, "The source has no tables.", hint: "Check the database's name.")
        }
        try await metadata {
            try await secretKeeper.keep(address, named: name, of: caller.organization, by: caller.name)
        }
    }

    private func replaceKey(
        ofBucketOf schedule: String, _ value: Secret<String>, as caller: Caller
    ) async throws {
        let plan = try await metadata {
            try await ScheduleBook(pool: house.pool, time: house.time).find(schedule, of: caller.organization).plan
        }
        guard case .file(let location) = plan.trigger, location.hasPrefix("s3://") else {
            throw Problem(.notFound, "The schedule \(schedule) watches no bucket.", hint: "Change the schedule first.")
        }
        guard let key = try? WireJSON.decode(BucketCredentials.self, from: Data(value.reveal().utf8)) else {
            throw Problem(
                .invalidInput, "This is no key of a bucket.",
                hint: #"Give it as {"access_key_id": "…", "secret_access_key": "…"}."#)
        }
        _ = try await MarkerPlace(house: house).firstLook(
            at: location, with: key, for: schedule, of: caller.organization, slug: caller.slug, by: caller.name)
    }
}
