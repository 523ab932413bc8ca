import Foundation
package import Kernel
package import Outbound

/// Secrets in Google Cloud's Secret Manager, written from its published REST API
/// (cloud.google.com/secret-manager/docs/reference/rest, v1).
///
/// There is no emulator of it: tests hold requests and answers against what is published, and nobody has run this
/// against Google. Try it before you rely on it.
///
/// A secret's id is `weir-<organization>-<name>`, with `_s` for `/`, `_u` for `_`. The number of a value is Google's own.
package struct GoogleSecretStore: SecretStore {
    private let project: String
    private let api: String
    private let identity: GoogleIdentity
    private let http: OutboundHTTP
    private let time: TimeSource

    package var place: String { "Google Secret Manager of \(project)" }

    /// - Parameter api: where the service is; another place only in tests.
    /// - Throws: `invalidInput` if it is no project's id.
    package init(
        project: String, signIn: GoogleSignIn, http: OutboundHTTP, api: String = "https://secretmanager.googleapis.com",
        time: TimeSource = .system
    ) throws(Problem) {
        guard project.wholeMatch(of: /[a-z0-9][a-z0-9:.-]{3,60}/) != nil else {
            throw Problem(.invalidInput, "This is no id of a Google project.", hint: "Write gcp://my-project.")
        }
        self.project = project
        self.api = api
        self.http = http
        self.time = time
        identity = GoogleIdentity(signIn, http: http, time: time)
    }

    package func get(_ name: String, of organization: OrganizationID) async throws -> Secret<[UInt8]>? {
        let answer = try await ask("GET", "secrets/\(id(name, organization))/versions/latest:access")
        // FAILED_PRECONDITION: the newest version is disabled or destroyed.
        if answer.status == 404 || GoogleRefusal(answer).status == "FAILED_PRECONDITION" { return nil }
        try require(answer)
        return Secret(Array(try answer.decoded(AccessAnswer.self).payload.data))
    }

    @discardableResult
    package func put(
        _ value: Secret<[UInt8]>, named name: String, of organization: OrganizationID
    ) async throws -> Int {
        try SecretValue.check(value)
        let id = try id(name, organization)
        if let number = try await add(value, to: id) { return number }
        let made = try await create(id)
        // 409: somebody else has made it just now.
        if made.status != 409 { try require(made) }
        guard let number = try await add(value, to: id) else {
            throw Problem(.busy, "The secret \(name) is being changed by others.", hint: "Try again.")
        }
        return number
    }

    package func ensure(
        named name: String, of organization: OrganizationID, make: @Sendable () -> Secret<[UInt8]>
    ) async throws -> Secret<[UInt8]> {
        if let found = try await get(name, of: organization) { return found }
        let value = make()
        try SecretValue.check(value)
        let id = try id(name, organization)
        let made = try await create(id)
        if made.status == 409 {
            if let found = try await get(name, of: organization) { return found }
            return try await takeOver(id, name)
        }
        try require(made)
        // Only who has made the secret gives it its first value.
        guard try await add(value, to: id) != nil else {
            throw Problem(.busy, "The secret \(name) is being changed by others.", hint: "Try again.")
        }
        return value
    }

    @discardableResult
    package func delete(_ name: String, of organization: OrganizationID) async throws -> Bool {
        let answer = try await ask("DELETE", "secrets/\(id(name, organization))")
        guard answer.status != 404 else { return false }
        try require(answer)
        return true
    }

    package func list(of organization: OrganizationID) async throws -> [SecretEntry] {
        let prefix = "weir-\(organization)-"
        var entries: [SecretEntry] = []
        var page = ""
        repeat {
            let token = page.isEmpty ? "" : "&pageToken=\(AWSSignature.encoded(page))"
            let answer = try await ask("GET", "secrets?pageSize=250&filter=name:\(prefix)\(token)")
            try require(answer)
            let found = try answer.decoded(ListAnswer.self)
            for secret in found.secrets ?? [] {
                guard let id = secret.name.split(separator: "/").last, id.hasPrefix(prefix),
                    let name = GoogleSecretID.name(String(id.dropFirst(prefix.count))),
                    let entry = try await entry(String(id), name)
                else { continue }
                entries.append(entry)
            }
            page = found.nextPageToken ?? ""
        } while !page.isEmpty
        return entries.sorted { $0.name < $1.name }
    }

    package func checkHealth() async throws { try require(try await ask("GET", "secrets?pageSize=1")) }

    // MARK: -

    private func id(_ name: String, _ organization: OrganizationID) throws -> String {
        try SecretName.check(name)
        return "weir-\(organization)-\(GoogleSecretID.of(name))"
    }

    private func create(_ id: String) async throws -> OutboundResponse {
        try await ask("POST", "secrets?secretId=\(id)", body: Data(#"{"replication":{"automatic":{}}}"#.utf8))
    }

    /// Nil if there is no such secret.
    private func add(_ value: Secret<[UInt8]>, to id: String) async throws -> Int? {
        let body = try JSONEncoder().encode(AddRequest(payload: Payload(data: Data(value.reveal()))))
        let answer = try await ask("POST", "secrets/\(id):addVersion", body: body)
        guard answer.status != 404 else { return nil }
        try require(answer)
        return try answer.decoded(VersionAnswer.self).number
    }

    /// Whoever made a secret and died before its first value leaves it empty: after a minute it is removed, so that the
    /// next attempt makes it.
    private func takeOver(_ id: String, _ name: String) async throws -> Secret<[UInt8]> {
        let answer = try await ask("GET", "secrets/\(id)")
        if answer.status == 200, let found = try? answer.decoded(SecretAnswer.self),
            let made = moment(found.createTime),
            time.now().timeIntervalSince(made) > 60
        {
            _ = try await ask("DELETE", "secrets/\(id)?etag=\(AWSSignature.encoded(found.etag ?? ""))")
        }
        throw Problem(.busy, "The secret \(name) is being made by another process.", hint: "Try again.")
    }

    /// Nil if it has no value.
    private func entry(_ id: String, _ name: String) async throws -> SecretEntry? {
        let answer = try await ask("GET", "secrets/\(id)/versions/latest")
        guard answer.status != 404 else { return nil }
        try require(answer)
        let version = try answer.decoded(VersionAnswer.self)
        guard version.state == "ENABLED" else { return nil }
        return SecretEntry(
            name: name, version: version.number, changedAt: version.createTime.flatMap { moment($0) } ?? .distantPast)
    }

    private func ask(_ method: String, _ path: String, body: Data = Data()) async throws -> OutboundResponse {
        let token = try await identity.token()
        var headers: OutboundHeaders = ["Authorization": "Bearer \(token.reveal())"]
        if !body.isEmpty { headers["Content-Type"] = "application/json" }
        return try await http.ask(
            OutboundRequest(
                method, try WebAddress("\(api)/v1/projects/\(project)/\(path)"), headers: headers, body: body,
                timeout: .seconds(15)))
    }

    private func require(_ answer: OutboundResponse) throws {
        if answer.status != 200 { throw GoogleRefusal(answer).problem }
    }
}

/// Secret ids have letters, digits, `-` and `_` only.
enum GoogleSecretID {
    static func of(_ name: String) -> String { name.replacing("_", with: "_u").replacing("/", with: "_s") }

    /// Nil if Weirhouse did not name it.
    static func name(_ id: String) -> String? {
        let name = id.replacing("_s", with: "/").replacing("_u", with: "_")
        return (try? SecretName.check(name)) != nil && of(name) == id ? name : nil
    }
}

/// An answer that says no (google.rpc.Code by its name).
struct GoogleRefusal {
    private let code: Int
    /// `PERMISSION_DENIED`.
    let status: String

    init(_ answer: OutboundResponse) {
        struct Body: Decodable {
            struct Inner: Decodable {
                let status: String?
            }

            let error: Inner
        }
        code = answer.status
        status = (try? JSONDecoder().decode(Body.self, from: answer.body))?.error.status ?? ""
    }

    var problem: Problem {
        switch code {
        case 401:
            Problem(
                .secretsRefused, "Google does not take Weirhouse's sign-in.", hint: "Check the service account's key.")
        case 403:
            Problem(
                .secretsRefused, "Google does not let Weirhouse use the project's secrets.",
                hint: "Give the service account the role Secret Manager Admin, and turn on the Secret Manager API.")
        case 409, 429, 500...:
            Problem(.secretsUnavailable, "Google has too much to do now (\(code) \(status)).", hint: "Try again.")
        default:
            Problem(
                .secretsRefused, "Google refuses to keep a secret (\(code) \(status)).",
                hint: "Check the project that WEIR_SECRETS names.")
        }
    }
}

// MARK: - Messages

private struct Payload: Codable {
    /// Base64 in JSON.
    let data: Data
}

private struct AddRequest: Encodable {
    let payload: Payload
}

private struct AccessAnswer: Decodable {
    let payload: Payload
}

private struct VersionAnswer: Decodable {
    /// `projects/…/secrets/…/versions/3`.
    let name: String
    let state: String?
    let createTime: String?

    var number: Int { name.split(separator: "/").last.flatMap { Int($0) } ?? 0 }
}

private struct SecretAnswer: Decodable {
    let createTime: String
    let etag: String?
}

private struct ListAnswer: Decodable {
    struct Item: Decodable {
        let name: String
    }

    let secrets: [Item]?
    let nextPageToken: String?
}
