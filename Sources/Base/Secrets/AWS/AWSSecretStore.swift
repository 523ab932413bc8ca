import Foundation
package import Kernel
package import Outbound

/// Secrets in AWS Secrets Manager (AWS Secrets Manager API Reference, version 2017-10-17; JSON protocol 1.1).
///
/// A secret is named `<prefix>/<organization>/<name>`. The number of a value is the id of its version, which Weirhouse
/// chooses: two that put at the same moment cannot get the same one. The value before the last stays as AWSPREVIOUS.
package struct AWSSecretStore: SecretStore {
    private let location: AWSSecretLocation
    private let client: AWSSecretsClient

    package var place: String { "AWS Secrets Manager in \(location.region), below \(location.prefix)" }

    package init(
        _ location: AWSSecretLocation, credentials: AWSCredentials, http: OutboundHTTP, time: TimeSource = .system
    ) {
        self.location = location
        client = AWSSecretsClient(location: location, credentials: credentials, http: http, time: time)
    }

    package func get(_ name: String, of organization: OrganizationID) async throws -> Secret<[UInt8]>? {
        let request = AWSSecretIDRequest(try id(name, organization))
        do {
            return try await client.call("GetSecretValue", request, AWSValueAnswer.self).value(name)
        } catch let refusal as AWSRefusal where refusal.isMissing {
            return nil
        } catch let refusal as AWSRefusal {
            throw refusal.problem
        }
    }

    @discardableResult
    package func put(
        _ value: Secret<[UInt8]>, named name: String, of organization: OrganizationID
    ) async throws -> Int {
        try SecretValue.check(value)
        let id = try id(name, organization)
        // Another process may take the number first: then there is a next one.
        for _ in 0..<8 {
            do {
                guard let last = try await lastNumber(id) else {
                    _ = try await client.call("CreateSecret", AWSWriteRequest(new: id, value), AWSNothing.self)
                    return 1
                }
                let request = AWSWriteRequest(existing: id, value, number: last + 1)
                _ = try await client.call("PutSecretValue", request, AWSNothing.self)
                return last + 1
            } catch let refusal as AWSRefusal where refusal.isMissing || refusal.exists {
                continue
            } catch let refusal as AWSRefusal {
                throw refusal.problem
            }
        }
        throw Problem(.busy, "The secret \(name) is being changed by others.", hint: "Try again.")
    }

    package func ensure(
        named name: String, of organization: OrganizationID, make: @Sendable () -> Secret<[UInt8]>
    ) async throws -> Secret<[UInt8]> {
        if let found = try await get(name, of: organization) { return found }
        let value = make()
        try SecretValue.check(value)
        do {
            _ = try await client.call(
                "CreateSecret", AWSWriteRequest(new: try id(name, organization), value), AWSNothing.self)
            return value
        } catch let refusal as AWSRefusal where refusal.exists {
            guard let stored = try await get(name, of: organization) else {
                throw Problem(.busy, "The secret \(name) is being changed by others.", hint: "Try again.")
            }
            return stored
        } catch let refusal as AWSRefusal {
            throw refusal.problem
        }
    }

    @discardableResult
    package func delete(_ name: String, of organization: OrganizationID) async throws -> Bool {
        let id = try id(name, organization)
        do {
            guard try await lastNumber(id) != nil else { return false }
            _ = try await client.call("DeleteSecret", AWSDeleteRequest(secretId: id), AWSNothing.self)
            return true
        } catch let refusal as AWSRefusal where refusal.isMissing {
            return false
        } catch let refusal as AWSRefusal {
            throw refusal.problem
        }
    }

    package func list(of organization: OrganizationID) async throws -> [SecretEntry] {
        let folder = "\(location.prefix)/\(organization)/"
        var entries: [SecretEntry] = []
        var next: String?
        repeat {
            let page: AWSListAnswer
            do {
                page = try await client.call(
                    "ListSecrets", AWSListRequest(below: folder, next: next), AWSListAnswer.self)
            } catch let refusal as AWSRefusal {
                throw refusal.problem
            }
            entries += page.secretList.compactMap { $0.entry(in: folder) }
            next = page.nextToken
        } while next != nil
        return entries.sorted { $0.name < $1.name }
    }

    package func checkHealth() async throws {
        do {
            _ = try await client.call(
                "ListSecrets", AWSListRequest(below: location.prefix, next: nil, most: 1), AWSNothing.self)
        } catch let refusal as AWSRefusal {
            throw refusal.problem
        }
    }

    // MARK: -

    private func id(_ name: String, _ organization: OrganizationID) throws -> String {
        try SecretName.check(name)
        return "\(location.prefix)/\(organization)/\(name)"
    }

    /// The highest number that was given; nil if there is no such secret, or it is on its way out.
    private func lastNumber(_ id: String) async throws -> Int? {
        do {
            let found = try await client.call("DescribeSecret", AWSSecretIDRequest(id), AWSDescribeAnswer.self)
            guard found.deletedDate == nil else { return nil }
            return (found.versionIdsToStages ?? [:]).keys.map(VersionID.number).max() ?? 0
        } catch let refusal as AWSRefusal where refusal.isMissing {
            return nil
        }
    }
}

/// Where in AWS: `aws://region[/prefix…][?endpoint=https://…]`.
package struct AWSSecretLocation: Sendable, Equatable {
    let region: String
    /// `weirhouse` if it is not said.
    let prefix: String
    let endpoint: WebAddress

    /// - Throws: `invalidInput`.
    package init(_ text: String) throws(Problem) {
        let form = "It has the form aws://eu-central-1/prefix."
        guard let parts = URLComponents(string: text), parts.scheme == "aws", let region = parts.host,
            region.wholeMatch(of: /[a-z]{2,}(-[a-z0-9]+)+/) != nil, parts.user == nil, parts.port == nil,
            parts.path.wholeMatch(of: /[A-Za-z0-9\/_.-]*/) != nil
        else { throw Problem(.invalidInput, "This names no region of AWS.", hint: form) }
        var endpoint: String?
        for item in parts.queryItems ?? [] {
            guard item.name == "endpoint", let value = item.value else {
                throw Problem(.invalidInput, "Only endpoint can be set for AWS.", hint: form)
            }
            endpoint = value
        }
        self.region = region
        let path = parts.path.split(separator: "/").joined(separator: "/")
        prefix = path.isEmpty ? "weirhouse" : path
        let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
        self.endpoint = try WebAddress(endpoint ?? "https://secretsmanager.\(region).\(domain)/")
    }
}

/// The ids of versions that Weirhouse gives: AWS asks for 32 to 64 characters.
enum VersionID {
    static func of(_ number: Int) -> String {
        let digits = String(number)
        return "weirhouse-" + String(repeating: "0", count: max(0, 22 - digits.count)) + digits
    }

    /// 0 for one of somebody else.
    static func number(_ id: String) -> Int {
        id.hasPrefix("weirhouse-") ? Int(id.dropFirst("weirhouse-".count)) ?? 0 : 0
    }
}
