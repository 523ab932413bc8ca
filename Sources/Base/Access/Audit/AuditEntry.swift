import Foundation
package import Kernel
import Postgres

/// What is told to the audit: who did what to what, and how it went. Time, place in the chain and hash are the database's.
package struct AuditEntry: Sendable {
    package enum Outcome: String, Sendable, CaseIterable {
        case done
        /// It was not allowed.
        case refused
        /// It was allowed and went wrong.
        case failed
    }

    package var actor: AuditActor
    /// In small letters with a dot: `schedules.put`.
    package var action: String
    package var target: AuditTarget?
    package var outcome: Outcome
    /// How it went wrong; nil if it was done.
    package var problem: Problem.Code?
    /// Settings as they were, and as they are now.
    package var before: AuditDetail?
    package var after: AuditDetail?
    /// Where the request came from; nil for what the system does.
    package var origin: RequestOrigin?
    package var correlation: String?

    /// Of this task's request and trace.
    package init(
        _ actor: AuditActor, _ action: String, _ target: AuditTarget? = nil, problem: Problem.Code? = nil,
        before: AuditDetail? = nil, after: AuditDetail? = nil
    ) {
        self.actor = actor
        self.action = action
        self.target = target
        self.problem = problem
        self.before = before
        self.after = after
        outcome =
            switch problem {
            case nil: .done
            case .forbidden, .unauthenticated, .queryRefused: .refused
            default: .failed
            }
        origin = RequestOrigin.current
        correlation = TraceContext.current?.correlation
    }

    /// As `weir.append_audit` takes it.
    var json: JSONValue {
        get throws {
            let texts: [String: String?] = [
                "who_id": actor.id?.description, "who": AuditText.clean(actor.name, most: 400) ?? "unnamed",
                "who_kind": actor.kind.rawValue, "credential_id": actor.credential?.description, "action": action,
                "target_kind": AuditText.clean(target?.kind, most: 100),
                "target": AuditText.clean(target?.name, most: 400), "outcome": outcome.rawValue,
                "problem": problem?.rawValue, "address": origin?.address?.description,
                "user_agent": AuditText.clean(origin?.program, most: 500),
                "correlation": AuditText.clean(correlation, most: 100),
            ]
            var members = texts.compactMapValues { $0.map { AnyJSON.text($0) } }
            members["before"] = before?.value
            members["after"] = after?.value
            return try JSONValue(AnyJSON.object(members))
        }
    }
}

/// Who did it: as they were called then.
package struct AuditActor: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case person, service, local
        /// Weirhouse itself: retention, rules of sign-in.
        case system
        /// Somebody who has not proved who they are.
        case nobody
    }

    package let id: PrincipalID?
    package let name: String
    package let kind: Kind
    /// The token or session that was used.
    package let credential: CredentialID?

    package init(_ kind: Kind, id: PrincipalID? = nil, name: String, credential: CredentialID? = nil) {
        self.id = id
        self.name = name
        self.kind = kind
        self.credential = credential
    }

    package static let system = AuditActor(.system, name: "Weirhouse")
    package static let nobody = AuditActor(.nobody, name: "nobody")
}

/// What it was done to.
package struct AuditTarget: Sendable, Hashable {
    /// `schedule`, `run`, `member`.
    package let kind: String
    /// Its id or its name; nil if there is none.
    package let name: String?

    package init(_ kind: String, _ name: String?) {
        self.kind = kind
        self.name = name
    }
}

/// Texts of others on their way into a line.
enum AuditText {
    /// At most so many characters, none of them a control character; nil for nothing. The end of what is too long is cut.
    static func clean(_ text: String?, most: Int) -> String? {
        guard let text, !text.isEmpty else { return nil }
        let scalars = text.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : $0 }
        var kept = String.UnicodeScalarView()
        kept.append(contentsOf: scalars.prefix(scalars.count > most ? most - 1 : most))
        if scalars.count > most { kept.append("…") }
        return String(kept)
    }
}
