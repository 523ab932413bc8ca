import Kernel
import Wire
import WireSamples

/// The issuers and rules of the shop.
extension FixtureOperations {
    func issuers(as caller: Caller) async throws -> [IssuerView] { mood == .empty ? [] : [WireSamples.issuer] }

    func signInRules(as caller: Caller) async throws -> [SignInRuleView] {
        guard mood != .empty else { return [] }
        let domain = SignInRuleView(
            ruleID: "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a09", issuer: "acme", kind: "domain", claim: nil,
            value: "acme.example", role: "viewer", environment: nil)
        return [WireSamples.signInRule, domain]
    }

    func putIssuer(_ name: String, _ request: IssuerRequest, as caller: Caller) async throws -> IssuerView {
        guard !request.issuer.contains("nowhere") else {
            throw Problem(.sourceUnreachable, "The provider does not answer.", hint: "Check the issuer.")
        }
        let words = [
            name, request.issuer, request.clientID, request.clientSecret ?? "-", request.label ?? "-",
            request.trustedDomains?.joined(separator: ",") ?? "-", request.groupsClaim ?? "-",
        ]
        remember("issuer \(words.joined(separator: " "))")
        return WireSamples.issuer
    }

    func addSignInRule(_ request: SignInRuleRequest, as caller: Caller) async throws -> SignInRuleView {
        guard request.kind != "claim" || request.claim != nil else {
            throw Problem(.invalidInput, "Which claim it is, is missing.")
        }
        remember(
            "rule \(request.issuer) \(request.kind) \(request.claim ?? "-") \(request.value) \(request.role) "
                + (request.environment ?? "-"))
        return WireSamples.signInRule
    }
}
