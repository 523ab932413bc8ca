import Foundation
package import Kernel
package import Outbound

/// Secrets in the key/value engine, version 2, of OpenBao or Vault (OpenBao API, "KV secrets engine - version 2").
///
/// A secret lies at `<mount>/<folder>/<organization>/<name>`, with `.` for the name's `/`, in the field `value`, or
/// Base64 in `base64` if it is no text. How many earlier values stay is the engine's `max_versions`.
package struct OpenBaoSecretStore: SecretStore {
    private let location: OpenBaoLocation
    private let http: OutboundHTTP
    private let session: OpenBaoSession

    package var place: String { "OpenBao at \(location.server)/\(location.mount)/\(location.folder)" }

    package init(_ location: OpenBaoLocation, _ signIn: OpenBaoSignIn, http: OutboundHTTP) {
        self.location = location
        self.http = http
        session = OpenBaoSession(location, signIn, http: http)
    }

    package func get(_ name: String, of organization: OrganizationID) async throws -> Secret<[UInt8]>? {
        let answer = try await ask("GET", "data", path(name, organization))
        guard answer.status != 404 else { return nil }
        try require(answer, name)
        return try answer.decoded(DataAnswer.self).data.data.value(name)
    }

    @discardableResult
    package func put(
        _ value: Secret<[UInt8]>, named name: String, of organization: OrganizationID
    ) async throws -> Int {
        let answer = try await write(value, name, organization, check: nil)
        try require(answer, name)
        return try answer.decoded(WrittenAnswer.self).data.version
    }

    package func ensure(
        named name: String, of organization: OrganizationID, make: @Sendable () -> Secret<[UInt8]>
    ) async throws -> Secret<[UInt8]> {
        if let found = try await get(name, of: organization) { return found }
        let value = make()
        // "cas": 0 writes only if there is nothing.
        let answer = try await write(value, name, organization, check: 0)
        if answer.status == 200 { return value }
        guard let stored = try await get(name, of: organization) else {
            try require(answer, name)
            throw Problem(.busy, "The secret \(name) is being changed by others.", hint: "Try again.")
        }
        return stored
    }

    @discardableResult
    package func delete(_ name: String, of organization: OrganizationID) async throws -> Bool {
        let path = try path(name, organization)
        let found = try await ask("GET", "metadata", path)
        guard found.status != 404 else { return false }
        try require(found, name)
        try require(try await ask("DELETE", "metadata", path), name)
        return true
    }

    package func list(of organization: OrganizationID) async throws -> [SecretEntry] {
        let folder = "\(location.folder)\(organization)/"
        let answer = try await ask("LIST", "metadata", folder)
        guard answer.status != 404 else { return [] }
        try require(answer, "")
        let keys = try answer.decoded(ListAnswer.self).data.keys.filter { !$0.hasSuffix("/") }
        var entries: [SecretEntry] = []
        // Few at a time: OpenBao may be small.
        for start in stride(from: 0, to: keys.count, by: 8) {
            entries += try await withThrowingTaskGroup(of: SecretEntry?.self) { group in
                for key in keys[start..<min(start + 8, keys.count)] {
                    group.addTask { try await entry(key, in: folder) }
                }
                return try await group.reduce(into: []) { if let entry = $1 { $0.append(entry) } }
            }
        }
        return entries.sorted { $0.name < $1.name }
    }

    /// Signed in, unsealed, and the engine answers.
    package func checkHealth() async throws {
        // 404: nothing has been put yet.
        let answer = try await ask("LIST", "metadata", location.folder)
        if answer.status != 404 { try require(answer, "") }
    }

    // MARK: -

    private func path(_ name: String, _ organization: OrganizationID) throws -> String {
        try SecretName.check(name)
        return "\(location.folder)\(organization)/\(name.replacing("/", with: "."))"
    }

    private func write(
        _ value: Secret<[UInt8]>, _ name: String, _ organization: OrganizationID, check: Int?
    ) async throws -> OutboundResponse {
        try SecretValue.check(value)
        let body = WriteRequest(options: check.map { WriteRequest.Options(cas: $0) }, data: Stored(value))
        return try await ask("POST", "data", path(name, organization), body: try JSONEncoder().encode(body))
    }

    /// Nil if it was removed meanwhile, or its newest value was.
    private func entry(_ key: String, in folder: String) async throws -> SecretEntry? {
        let name = key.replacing(".", with: "/")
        let answer = try await ask("GET", "metadata", folder + key)
        guard answer.status != 404, (try? SecretName.check(name)) != nil else { return nil }
        try require(answer, name)
        let data = try answer.decoded(MetadataAnswer.self).data
        guard let current = data.versions[String(data.currentVersion)], current.stands else { return nil }
        return SecretEntry(
            name: name, version: data.currentVersion, changedAt: moment(current.createdTime) ?? .distantPast)
    }

    /// Once more with another token if OpenBao does not take this one: it may have been revoked.
    private func ask(
        _ method: String, _ kind: String, _ path: String, body: Data = Data()
    ) async throws -> OutboundResponse {
        let token = try await session.current()
        let answer = try await send(method, kind, path, body, token)
        guard answer.status == 403, let other = try await session.replacement(for: token) else { return answer }
        return try await send(method, kind, path, body, other)
    }

    private func send(
        _ method: String, _ kind: String, _ path: String, _ body: Data, _ token: Secret<String>
    ) async throws -> OutboundResponse {
        try await http.ask(
            OutboundRequest(
                method, try location.address("\(location.mount)/\(kind)/\(path)"),
                headers: location.headers(token: token), body: body, timeout: .seconds(15)))
    }

    private func require(_ answer: OutboundResponse, _ name: String) throws {
        guard !(200..<300).contains(answer.status) else { return }
        throw OpenBaoRefusal.problem(
            answer, "OpenBao refuses\(name.isEmpty ? "" : " the secret \(name)") with status \(answer.status).",
            hint: "Check the policy of Weirhouse's role, and that \(location.mount) is a key/value engine, version 2.")
    }
}

// MARK: - Messages

private struct WriteRequest: Encodable {
    struct Options: Encodable {
        let cas: Int
    }

    let options: Options?
    let data: Stored
}

/// A value as it is stored.
private struct Stored: Codable {
    let value: String?
    let base64: String?

    init(_ secret: Secret<[UInt8]>) {
        value = String(validating: secret.reveal(), as: UTF8.self)
        base64 = value == nil ? Data(secret.reveal()).base64EncodedString() : nil
    }

    /// - Throws: `internal` if it has neither field.
    func value(_ name: String) throws -> Secret<[UInt8]> {
        if let value { return Secret(Array(value.utf8)) }
        guard let bytes = base64.flatMap({ Data(base64Encoded: $0) }) else {
            throw Problem(
                .internal, "The secret \(name) has no value in OpenBao.", hint: "Put it in the field value, as text.")
        }
        return Secret(Array(bytes))
    }
}

private struct DataAnswer: Decodable {
    struct Inner: Decodable {
        let data: Stored
    }

    let data: Inner
}

private struct WrittenAnswer: Decodable {
    struct Inner: Decodable {
        let version: Int
    }

    let data: Inner
}

private struct ListAnswer: Decodable {
    struct Inner: Decodable {
        let keys: [String]
    }

    let data: Inner
}

private struct MetadataAnswer: Decodable {
    struct Version: Decodable {
        let createdTime: String
        let deletionTime: String?
        let destroyed: Bool?

        var stands: Bool { destroyed != true && (deletionTime ?? "").isEmpty }
    }

    struct Inner: Decodable {
        let currentVersion: Int
        let versions: [String: Version]
    }

    let data: Inner
}
