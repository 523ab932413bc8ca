import Foundation
import Kernel
import Wire

/// Which secrets there are, and where they are kept.
struct SecretsPage: Sendable {
    let secrets: [SecretRow]
    let place: String
    let state: StateBadge
    let problem: ProblemNote?
    let notes: [String]

    init(secrets: [SecretView], store: SecretStoreView, now: Date) {
        self.secrets = secrets.map { SecretRow($0, now: now) }
        place = store.place.capitalizedFirst
        state =
            store.healthy
            ? StateBadge(word: "Works", style: "success") : StateBadge(word: "Not available", style: "failed")
        problem = store.problem.map { ProblemNote($0) }
        var notes = store.masterKeys.map { use in
            guard let key = use.masterKey else {
                return "\(Readable.plural(use.count, "secret")) from before data keys: run weir secrets rotate-keys."
            }
            let role = use.seals ? "seals what is new" : "an old one: run weir secrets rotate-keys"
            return "Master key \(key): \(Readable.plural(use.count, "data key")), \(role)."
        }
        if store.waiting > 0 {
            notes.append(
                "\(Readable.plural(store.waiting, "secret")) still in the metadata database: they move when used.")
        }
        self.notes = notes
    }
}

struct SecretRow: Sendable {
    let address: String
    let name: String
    let kind: String
    let version: String?
    let changed: Moment
    let person: String
    let uses: [SecretUse]
    let isReplaceable: Bool
    let isRevocable: Bool

    init(_ secret: SecretView, now: Date) {
        address = "/secrets/\(secret.name.encodedForAddress)"
        name = secret.name
        kind = SecretKind.label(secret.kind)
        version = secret.version == 0 ? nil : "version \(secret.version)"
        changed = Moment(secret.changedAt, now: now)
        person = secret.changedBy ?? "Weirhouse"
        uses = secret.uses
        isReplaceable = secret.isReplaceable
        isRevocable = secret.isRevocable
    }
}

enum SecretKind {
    /// For words that are not known here the word itself.
    static func label(_ word: String) -> String {
        switch word {
        case "source": "Address of a source"
        case "bucket": "Key of a bucket"
        case "webhook": "Signing secret of a webhook"
        case "warehouse": "Made by Weirhouse"
        default: word.capitalizedFirst
        }
    }
}

/// Where a new value is given.
struct SecretFormPage: Sendable {
    let name: String
    let action: String
    let isSource: Bool
    let isBucket: Bool
    let isWebhook: Bool
    let uses: [SecretUse]
    let problem: ProblemNote?

    init(_ secret: SecretView, problem: Problem?) {
        name = secret.name
        action = "/secrets/\(secret.name.encodedForAddress)/replace"
        isSource = secret.kind == "source"
        isBucket = secret.kind == "bucket"
        isWebhook = secret.kind == "webhook"
        uses = secret.uses
        self.problem = problem.map { ProblemNote($0) }
    }
}
