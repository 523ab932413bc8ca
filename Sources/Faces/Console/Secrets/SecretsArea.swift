import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// Secrets by name: what hangs on them, a new value, an end. No page ever shows a value.
struct SecretsArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/secrets", .secretsRead) { try await list($0) }
        entrance.get("/secrets/:name/replace", .secretsManage) { try await form(of: try await secret($0), $0) }
        entrance.post("/secrets/:name/replace", .secretsManage) { try await replace($0) }
        entrance.get("/secrets/:name/revoke", .secretsManage) { try await confirm($0) }
        entrance.post("/secrets/:name/revoke", .secretsManage) { visit in
            try await console.operations.revokeSecret(try visit.call.parameter("name"), as: visit.caller)
            return .redirect(to: "/secrets")
        }
    }

    private func list(_ visit: Visit) async throws -> Response {
        let view = SecretsPage(
            secrets: try await console.operations.secrets(as: visit.caller),
            store: try await console.operations.secretStore(as: visit.caller), now: console.time.now())
        return console.pages.page("secrets", view, Heading("Secrets", .secrets), visit: visit)
    }

    private func secret(_ visit: Visit) async throws -> SecretView {
        try await console.operations.secret(try visit.call.parameter("name"), as: visit.caller)
    }

    private func replace(_ visit: Visit) async throws -> Response {
        let secret = try await secret(visit)
        let form = SecretForm(try await visit.call.form())
        do {
            let request = try form.request(for: secret.kind)
            _ = try await console.operations.replaceSecret(secret.name, request, as: visit.caller)
            return .redirect(to: "/secrets")
        } catch let problem as Problem where problem.code.isForPerson {
            return try await self.form(of: secret, visit, problem: problem)
        }
    }

    private func form(of secret: SecretView, _ visit: Visit, problem: Problem? = nil) async throws -> Response {
        guard secret.isReplaceable else {
            throw Problem(.forbidden, "Weirhouse has made this secret for itself.", hint: "It goes with its warehouse.")
        }
        let view = SecretFormPage(secret, problem: problem)
        let status = HTTPResponse.Status(problem)
        return console.pages.page(
            "secret-form", view, Heading("Replace \(secret.name)", .secrets), visit: visit, status: status)
    }

    private func confirm(_ visit: Visit) async throws -> Response {
        let secret = try await secret(visit)
        let lost = secret.uses.map { "\($0.what.capitalizedFirst): \($0.without)" }
        let view = ConfirmPage(
            area: "Secrets", back: "/secrets", question: "Revoke \(secret.name)?",
            text: lost.isEmpty
                ? "Nothing uses it. It is gone for good."
                : "\(lost.joined(separator: " ")) The value is gone for good.",
            action: "/secrets/\(secret.name.encodedForAddress)/revoke", button: "Revoke the secret")
        return console.pages.page("confirm", view, Heading(view.question, .secrets), visit: visit)
    }
}

/// A new value as it was sent.
struct SecretForm: Sendable {
    private let value: Secret<String>
    private let password: Secret<String>
    private let keyID: String

    init(_ form: Form) {
        value = Secret(form.raw("value") ?? "")
        password = Secret(form.raw("password") ?? "")
        keyID = form["key"] ?? ""
    }

    /// - Throws: `invalidInput` if it lacks something.
    func request(for kind: String) throws -> SecretRequest {
        let (value, password) = (value.reveal(), password.reveal())
        if kind == "source", !password.isEmpty {
            guard value.isEmpty else {
                throw Problem(
                    .invalidInput, "Both a password and an address are given.",
                    hint: "Give the password alone, or the whole address with its password in it.")
            }
            return SecretRequest(password: password)
        }
        guard !value.isEmpty, kind != "bucket" || !keyID.isEmpty else {
            throw Problem(.invalidInput, "The new value is missing.", hint: "Nothing was changed.")
        }
        guard kind == "bucket" else { return SecretRequest(value: value) }
        let key = try WireJSON.encode(BucketCredentials(accessKeyID: keyID, secretAccessKey: value))
        return SecretRequest(value: String(decoding: key, as: UTF8.self))
    }
}
