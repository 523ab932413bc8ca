/// Who is let in: one rule of an organization about the accounts of one issuer.
package struct SignInRule: Sendable, Hashable {
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// The domain of an e-mail address that counts.
        case domain
        /// A claim has this value, or holds it.
        case claim
        /// A group of the issuer's groups claim.
        case group
    }

    package let kind: Kind
    /// The claim's name; nil for the other kinds.
    package let claim: String?
    package let value: String

    package init(kind: Kind, claim: String? = nil, value: String) {
        self.kind = kind
        self.claim = claim
        self.value = value
    }

    package func matches(_ account: Account) -> Bool {
        switch kind {
        case .domain: account.domain == value.lowercased()
        case .claim: claim.map { Account.values(of: account.claims[$0]).contains(value) } ?? false
        case .group: account.groups.contains(value)
        }
    }
}
