import Foundation

/// Who somebody is, as an issuer says it: what rules of sign-in look at.
package struct Account: Sendable, Hashable {
    package let issuer: String
    package let subject: String
    /// In lower case, and only if the issuer's word counts for it. Nobody is found by any other address.
    package let email: String?
    /// To be shown.
    package let name: String
    package let groups: [String]
    package let claims: JSONTree

    /// The part after `@`.
    package var domain: String? { email.flatMap { $0.split(separator: "@").last.map(String.init) } }

    /// The domain of an address, in lower case; nil for what is none, or can be read in two ways.
    package static func domain(of email: String) -> String? {
        plainAddress(email).flatMap { $0.split(separator: "@").last.map(String.init) }
    }

    /// - Parameters:
    ///   - userInfo: claims that the ID token lacks; what both say is the token's.
    ///   - isForManyTenants: whether anybody's tenant speaks through the issuer. Then it is trusted for no domain.
    package init(_ token: IDToken, userInfo: JSONTree?, issuer: Issuer, isForManyTenants: Bool) {
        let claims = Self.merged(token.claims, userInfo)
        self.issuer = token.issuer
        subject = token.subject
        self.claims = claims
        email = Self.countingEmail(claims, issuer, isForManyTenants: isForManyTenants)
        groups = Self.values(of: claims[issuer.groupsClaim])
        name = Self.shownName(claims) ?? email ?? token.subject
    }

    private static func merged(_ token: JSONTree, _ userInfo: JSONTree?) -> JSONTree {
        guard case .object(let own) = token, case .object(let more) = userInfo else { return token }
        // An address and whether it is verified belong together: never one of each.
        let kept = own["email"] == nil ? own.filter { $0.key != "email_verified" } : own
        let added = own["email"] == nil ? more : more.filter { $0.key != "email" && $0.key != "email_verified" }
        return .object(added.merging(kept) { _, own in own })
    }

    /// Verified, or of a domain for which the issuer is trusted.
    private static func countingEmail(_ claims: JSONTree, _ issuer: Issuer, isForManyTenants: Bool) -> String? {
        guard let email = claims["email"]?.text.flatMap(Self.plainAddress), let at = email.lastIndex(of: "@") else {
            return nil
        }
        let domain = String(email[email.index(after: at)...])
        if !isForManyTenants, issuer.trustedDomains.contains(domain) { return email }
        guard claims["email_verified"]?.bool == true else { return nil }
        if issuer.speaksOnlyForHostedDomains, domain != "gmail.com", claims["hd"]?.text?.lowercased() != domain {
            return nil
        }
        return email
    }

    /// One `@`, printable ASCII without blanks and quotes, a domain with letters: what cannot be read in two ways.
    static func plainAddress(_ text: String) -> String? {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, (3...254).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }),
            !text.contains(where: { "\"\\,;:<>()[]".contains($0) }),
            parts[1].wholeMatch(of: /[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*/) != nil
        else { return nil }
        return text.lowercased()
    }

    private static func shownName(_ claims: JSONTree) -> String? {
        for claim in ["name", "preferred_username"] {
            let text = claims[claim]?.text?.filter {
                !$0.isNewline && $0.unicodeScalars.allSatisfy { $0.value >= 0x20 }
            }
            if let text = text?.trimmingCharacters(in: .whitespaces), !text.isEmpty {
                return String(String.UnicodeScalarView(text.unicodeScalars.prefix(100)))
            }
        }
        return nil
    }

    /// A claim's values: of one text or number, or of a list of them.
    static func values(of claim: JSONTree?) -> [String] {
        switch claim {
        case .text(let text): [text]
        case .bool(let bool): [bool ? "true" : "false"]
        case .list(let list): list.compactMap(\.text)
        default: []
        }
    }
}
