import Foundation
import Kernel

// Requests and answers of AWS Secrets Manager. In JSON their keys begin with a capital (`AWSJSON`).

struct AWSNothing: Decodable {}

struct AWSSecretIDRequest: Encodable {
    let secretId: String

    init(_ id: String) { secretId = id }
}

struct AWSDeleteRequest: Encodable {
    let secretId: String
    let forceDeleteWithoutRecovery = true
}

/// `CreateSecret` names a secret, `PutSecretValue` finds one. Text stays text, so that people can read it there.
struct AWSWriteRequest: Encodable {
    var name: String?
    var secretId: String?
    let clientRequestToken: String
    let secretString: String?
    let secretBinary: Data?

    init(new id: String, _ value: Secret<[UInt8]>) {
        self.init(value, number: 1)
        name = id
    }

    init(existing id: String, _ value: Secret<[UInt8]>, number: Int) {
        self.init(value, number: number)
        secretId = id
    }

    private init(_ value: Secret<[UInt8]>, number: Int) {
        clientRequestToken = VersionID.of(number)
        secretString = String(validating: value.reveal(), as: UTF8.self)
        secretBinary = secretString == nil ? Data(value.reveal()) : nil
    }
}

struct AWSValueAnswer: Decodable {
    let secretString: String?
    let secretBinary: Data?

    func value(_ name: String) throws -> Secret<[UInt8]> {
        guard let bytes = secretString.map({ Array($0.utf8) }) ?? secretBinary.map({ Array($0) }) else {
            throw Problem(.internal, "The secret \(name) has no value in AWS.", hint: "Put one there.")
        }
        return Secret(bytes)
    }
}

struct AWSDescribeAnswer: Decodable {
    let deletedDate: Double?
    let versionIdsToStages: [String: [String]]?
}

struct AWSListRequest: Encodable {
    struct Filter: Encodable {
        let key = "name"
        let values: [String]
    }

    let filters: [Filter]
    let maxResults: Int
    let nextToken: String?

    init(below folder: String, next: String?, most: Int = 100) {
        filters = [Filter(values: [folder])]
        maxResults = most
        nextToken = next
    }
}

struct AWSListAnswer: Decodable {
    struct Item: Decodable {
        let name: String
        let lastChangedDate: Double?
        let deletedDate: Double?
        let secretVersionsToStages: [String: [String]]?

        func entry(in folder: String) -> SecretEntry? {
            guard name.hasPrefix(folder), deletedDate == nil else { return nil }
            let name = String(name.dropFirst(folder.count))
            guard (try? SecretName.check(name)) != nil else { return nil }
            let current = (secretVersionsToStages ?? [:]).first { $0.value.contains("AWSCURRENT") }?.key
            return SecretEntry(
                name: name, version: current.map(VersionID.number) ?? 0,
                changedAt: Date(timeIntervalSince1970: lastChangedDate ?? 0))
        }
    }

    let secretList: [Item]
    let nextToken: String?
}
