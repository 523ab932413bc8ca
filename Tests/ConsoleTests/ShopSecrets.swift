import Kernel
import Wire

/// What the shop keeps secret: one of each kind.
enum ShopSecrets {
    static let source = "source/dev/shop"
    static let bucket = "schedule/nightly/bucket"
    static let webhook = "webhook/0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8b02"
    static let key = "warehouse/dev/lake-key"

    static let all: [SecretView] = [
        secret(
            bucket, "bucket", by: "ana",
            uses: [SecretUse(what: "schedule nightly", without: "It cannot look for markers, and starts no runs.")]),
        secret(
            source, "source", version: 3, by: "admin",
            uses: [
                SecretUse(
                    what: "source shop in dev",
                    without: "Its runs fail until it gets an address again. Schedules that clone it: nightly.")
            ]),
        secret(
            key, "warehouse", by: nil, isOwn: true,
            uses: [SecretUse(what: "warehouse of dev", without: "Its files cannot be opened.")]),
        secret(
            webhook, "webhook", version: 0, by: "<script>alert(1)</script>",
            uses: [SecretUse(what: "webhook to https://x/<script>alert(1)</script>", without: "Not sent.")]),
        secret("old/thing", "other", by: nil, uses: []),
    ]

    private static func secret(
        _ name: String, _ kind: String, version: Int = 1, by person: String?, isOwn: Bool = false, uses: [SecretUse]
    ) -> SecretView {
        SecretView(
            name: name, kind: kind, version: version, changedAt: "2026-11-20T12:00:00Z", changedBy: person,
            isReplaceable: !isOwn && kind != "other", isRevocable: !isOwn, uses: uses)
    }

    static func store(isWell: Bool) -> SecretStoreView {
        isWell
            ? SecretStoreView(
                place: "this database", healthy: true, problem: nil,
                masterKeys: [
                    MasterKeyUse(masterKey: "161043bfb46c8178", count: 1, seals: true),
                    MasterKeyUse(masterKey: "9d0f4c3be11ab7aa", count: 2, seals: false),
                    MasterKeyUse(masterKey: nil, count: 1, seals: false),
                ], waiting: 0)
            : SecretStoreView(
                place: "OpenBao at https://bao.acme.example:8200/secret/", healthy: false,
                problem: ProblemView(
                    Problem(.secretsUnavailable, "OpenBao is sealed, or not ready.", hint: "Unseal it.")),
                masterKeys: [], waiting: 2)
    }
}

extension FixtureOperations {
    func secrets(as caller: Caller) async throws -> [SecretView] { mood == .empty ? [] : ShopSecrets.all }

    func secret(_ name: String, as caller: Caller) async throws -> SecretView {
        guard let found = ShopSecrets.all.first(where: { $0.name == name }) else {
            throw Problem(.notFound, "There is no secret of this name.", hint: "See Secrets.")
        }
        return found
    }

    func replaceSecret(_ name: String, _ request: SecretRequest, as caller: Caller) async throws -> SecretView {
        if request.password == "wrong" {
            throw Problem(.sourceCredentials, "The source refused the password.", hint: "Check it.")
        }
        remember("replace \(name) \(request.value ?? "-") \(request.password ?? "-")")
        return try await secret(name, as: caller)
    }

    func revokeSecret(_ name: String, as caller: Caller) async throws { remember("revoke \(name)") }

    func secretStore(as caller: Caller) async throws -> SecretStoreView { ShopSecrets.store(isWell: mood != .unwell) }
}
