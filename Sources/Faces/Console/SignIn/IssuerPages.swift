import Kernel
import Roles
import Wire

struct IssuersPage: Sendable {
    let issuers: [IssuerRow]
    let rules: [RuleRow]
    /// The form of a new rule; nil while there is no issuer.
    let form: RuleFormView?
    let problem: ProblemNote?

    init(
        issuers: [IssuerView], rules: [SignInRuleView], rule: RuleForm, tested: (name: String, check: IssuerCheck)?,
        problem: Problem?, ruleProblem: Problem?
    ) {
        let labels = Dictionary(issuers.map { ($0.name, $0.label) }) { first, _ in first }
        self.issuers = issuers.map { issuer in
            IssuerRow(
                issuer, rules: rules.count { $0.issuer == issuer.name },
                check: tested.flatMap { $0.name == issuer.name ? $0.check : nil })
        }
        self.rules = rules.map { RuleRow($0, labels: labels) }
        form = issuers.isEmpty ? nil : RuleFormView(rule, issuers: issuers, problem: ruleProblem)
        self.problem = problem.map { ProblemNote($0) }
    }
}

struct IssuerRow: Sendable {
    let name: String
    let label: String
    let issuer: String
    let isShared: Bool
    let isOwn: Bool
    let facts: [String]
    let redirectURL: String
    let backchannelURL: String
    /// What its provider answered just now.
    let answered: String?
    let address: String

    init(_ view: IssuerView, rules: Int, check: IssuerCheck?) {
        name = view.name
        label = view.label
        issuer = view.issuer
        isShared = view.isShared
        isOwn = view.isOwn
        facts = [
            Readable.plural(rules, "rule"),
            view.trustedDomains.isEmpty ? nil : "trusted for \(view.trustedDomains.joined(separator: ", "))",
            view.hostedDomain.map { "of \($0)" },
            view.tenants.isEmpty ? nil : Readable.plural(view.tenants.count, "tenant"),
        ].compactMap { $0 }
        redirectURL = view.redirectURL
        backchannelURL = view.backchannelLogoutURL
        answered = check.map {
            "It answers, with \(Readable.plural($0.keys, "key"))\($0.hasLogout ? " and sign-out" : "")."
        }
        address = "/issuers/\(view.name.encodedForAddress)"
    }
}

struct RuleRow: Sendable {
    /// `accounts of acme.example`.
    let whom: String
    let through: String
    let role: String
    let address: String

    init(_ rule: SignInRuleView, labels: [String: String]) {
        whom =
            switch rule.kind {
            case "domain": "accounts of \(rule.value)"
            case "group": "the group \(rule.value)"
            default: "\(rule.claim ?? "claim") = \(rule.value)"
            }
        through = labels[rule.issuer] ?? rule.issuer
        role = rule.role + (rule.environment.map { " in \($0)" } ?? "")
        address = "/sign-in-rules/\(rule.ruleID.encodedForAddress)"
    }
}

/// A rule as it was sent.
struct RuleForm: Sendable {
    let request: SignInRuleRequest

    init(_ form: Form) {
        request = SignInRuleRequest(
            issuer: form["issuer"] ?? "", kind: form["kind"] ?? "domain", claim: form["claim"],
            value: form["value"] ?? "", role: form["role"] ?? Role.viewer.rawValue, environment: form["environment"])
    }
}

struct RuleFormView: Sendable {
    let issuers: [Choice]
    let kinds: [Choice]
    let roles: [Choice]
    let places: [Choice]
    let value: String
    let claim: String
    let problem: ProblemNote?

    init(_ form: RuleForm, issuers: [IssuerView], problem: Problem?) {
        let rule = form.request
        self.issuers = issuers.map {
            Choice(value: $0.name, label: $0.label, isChosen: $0.name == rule.issuer)
        }
        kinds = [
            ("domain", "Addresses of the domain"), ("group", "Members of the group"),
            ("claim", "The claim has the value"),
        ].map { Choice(value: $0.0, label: $0.1, isChosen: $0.0 == rule.kind) }
        // Owners are made by people.
        roles = Role.allCases.filter { $0 != .owner }.map {
            Choice(value: $0.rawValue, label: $0.rawValue, isChosen: $0.rawValue == rule.role)
        }
        places = Choice.places(chosen: rule.environment)
        value = rule.value
        claim = rule.claim ?? ""
        self.problem = problem.map { ProblemNote($0) }
    }
}

/// An issuer as it was sent, or as it is kept.
struct IssuerForm: Sendable {
    let name: String
    /// Whether it is there already: then it keeps its name, its identifier and its client.
    let isKnown: Bool
    private let secret: Secret<String>?
    private let given: IssuerRequest

    init(_ form: Form) {
        name = form["name"] ?? ""
        isKnown = form["known"] == "yes"
        secret = form.raw("secret").flatMap { $0.isEmpty ? nil : Secret($0) }
        given = IssuerRequest(
            label: form["label"], issuer: form["issuer"] ?? "", clientID: form["client"] ?? "",
            authentication: form["authentication"], scopes: Self.words(form["scopes"]), groupsClaim: form["groups"],
            algorithms: Self.words(form["algorithms"]), trustedDomains: Self.words(form["domains"]),
            hostedDomain: form["hosted"], tenants: Self.words(form["tenants"]))
    }

    init(_ view: IssuerView) {
        name = view.name
        isKnown = true
        secret = nil
        given = IssuerRequest(
            label: view.label, issuer: view.issuer, clientID: view.clientID, authentication: view.authentication,
            scopes: view.scopes, groupsClaim: view.groupsClaim, algorithms: view.algorithms,
            trustedDomains: view.trustedDomains, hostedDomain: view.hostedDomain, tenants: view.tenants)
    }

    var request: IssuerRequest {
        var request = given
        request.clientSecret = secret?.reveal()
        return request
    }

    /// Without the secret.
    fileprivate var shown: IssuerRequest { given }

    private static func words(_ text: String?) -> [String]? {
        let words = text?.split { $0 == "," || $0.isWhitespace }.map(String.init) ?? []
        return words.isEmpty ? nil : words
    }
}

struct IssuerFormPage: Sendable {
    let title: String
    let isKnown: Bool
    let name: String
    let label: String
    let issuer: String
    let client: String
    let authentications: [Choice]
    let scopes: String
    let groups: String
    let algorithms: String
    let domains: String
    let hosted: String
    let tenants: String
    let problem: ProblemNote?

    init(_ form: IssuerForm, problem: Problem?) {
        let shown = form.shown
        func list(_ words: [String]?) -> String { words?.joined(separator: ", ") ?? "" }
        isKnown = form.isKnown
        title = form.isKnown ? "Change \(shown.label ?? form.name)" : "New issuer"
        name = form.name
        label = shown.label ?? ""
        issuer = shown.issuer
        client = shown.clientID
        authentications = [
            ("", "As the provider says"), ("client_secret_basic", "client_secret_basic"),
            ("client_secret_post", "client_secret_post"), ("none", "none: a public client"),
        ].map { Choice(value: $0.0, label: $0.1, isChosen: $0.0 == shown.authentication ?? "") }
        scopes = list(shown.scopes)
        groups = shown.groupsClaim ?? ""
        algorithms = list(shown.algorithms)
        domains = list(shown.trustedDomains)
        hosted = shown.hostedDomain ?? ""
        tenants = list(shown.tenants)
        self.problem = problem.map { ProblemNote($0) }
    }
}
