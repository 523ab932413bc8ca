import Foundation
package import Kernel
package import Outbound

/// Where objects are, as a person writes it: `s3://bucket/prefix?region=eu-central-1`, or the path of a folder.
package enum ObjectLocation: Sendable, Hashable, CustomStringConvertible {
    /// An absolute path on this machine.
    case folder(String)
    case s3(S3Location)

    /// - Throws: `invalidInput` saying what is wrong.
    package init(_ text: String) throws(Problem) {
        if text.utf8.starts(with: "s3://".utf8) {
            self = .s3(try S3Location(text))
        } else if text.utf8.first == UInt8(ascii: "/"), !text.utf8.contains(0) {
            self = .folder(text)
        } else {
            throw Problem(
                .invalidInput, "This is no place for objects.",
                hint: "It is a folder such as /data/lake, or s3://bucket/prefix?region=eu-central-1.")
        }
    }

    package var description: String {
        switch self {
        case .folder(let path): path
        case .s3(let location): location.description
        }
    }
}

/// A bucket, or the part of it below a prefix, without credentials.
package struct S3Location: Sendable, Hashable, CustomStringConvertible {
    package let bucket: String
    /// Empty, or ending with `/`.
    package let prefix: String
    package let region: String
    /// Of the service, without the bucket.
    package let endpoint: WebAddress
    /// Whether the bucket stands in the path; else it is the first label of the host.
    package let isPathStyle: Bool

    /// - Parameter text: `s3://bucket/prefix`, with settings after a question mark: `region` (needed for AWS), `endpoint`
    ///   of a service other than AWS, `addressing=path|virtual`. Values may be percent-encoded, the prefix is as it is.
    /// - Throws: `invalidInput` saying what is wrong.
    package init(_ text: String) throws(Problem) {
        let parts = text.dropFirst("s3://".count).split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let settings = try Self.settings(parts.count > 1 ? parts[1] : "")
        let path = (parts.first ?? "").split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        bucket = String(path.first ?? "")
        guard text.hasPrefix("s3://"), Self.isBucket(bucket) else {
            throw Self.refusal("It names no bucket. User and password do not belong there.")
        }
        let prefix = path.count > 1 ? path[1].split(separator: "/").joined(separator: "/") : ""
        if !prefix.isEmpty { try ObjectKey.check(prefix) }
        self.prefix = prefix.isEmpty ? "" : "\(prefix)/"

        if let endpoint = settings["endpoint"] {
            let address = try WebAddress(endpoint)
            guard !address.text.contains("?") else { throw Self.refusal("Its endpoint has a query.") }
            self.endpoint = address
            region = settings["region"] ?? "us-east-1"
        } else {
            guard let region = settings["region"] else { throw Self.refusal("It does not say which region it is in.") }
            self.region = region
            endpoint = try WebAddress("https://s3.\(region).amazonaws.com\(region.hasPrefix("cn-") ? ".cn" : "")")
        }
        guard region.utf8.allSatisfy(Self.isRegionByte), !region.isEmpty else {
            throw Self.refusal("Its region is none.")
        }
        switch settings["addressing"] {
        case "path": isPathStyle = true
        case "virtual": isPathStyle = false
        // A dot in the bucket's name would not match the service's certificate.
        case nil: isPathStyle = settings["endpoint"] != nil || bucket.contains(".")
        default: throw Self.refusal("Its addressing is neither path nor virtual.")
        }
    }

    package var description: String { "s3://\(bucket)\(prefix.isEmpty ? "" : "/\(prefix.dropLast())")" }

    /// The address of an object, or with an empty key that of the bucket.
    /// - Parameter query: percent-encoded.
    func address(of key: String, query: String = "") throws(Problem) -> WebAddress {
        let base = endpoint.text.hasSuffix("/") ? String(endpoint.text.dropLast()) : endpoint.text
        let scheme = endpoint.isSecure ? "https://" : "http://"
        let place = isPathStyle ? "\(base)/\(bucket)" : "\(scheme)\(bucket).\(base.dropFirst(scheme.count))"
        let path = key.isEmpty && isPathStyle ? "" : "/" + AWSSignature.encoded(key, keeping: "/")
        return try WebAddress("\(place)\(path)\(query.isEmpty ? "" : "?" + query)")
    }

    private static func settings(_ query: Substring) throws(Problem) -> [String: String] {
        var settings: [String: String] = [:]
        for part in query.split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(pair[0])
            guard ["region", "endpoint", "addressing"].contains(name), settings[name] == nil, pair.count == 2,
                let value = String(pair[1]).removingPercentEncoding
            else { throw refusal("It has a setting that is not known: \(name.prefix(40)).") }
            settings[name] = value
        }
        return settings
    }

    /// Amazon S3 User Guide, "General purpose bucket naming rules", and the older names with capitals and underscores.
    private static func isBucket(_ name: String) -> Bool {
        (3...255).contains(name.utf8.count) && !name.contains("..")
            && name.utf8.enumerated().allSatisfy { index, byte in
                (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || (0x41...0x5A).contains(byte)
                    || (index > 0 && "._-".utf8.contains(byte))
            }
    }

    private static func isRegionByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "-")
    }

    private static func refusal(_ detail: String) -> Problem {
        Problem(
            .invalidInput, "The address of the bucket cannot be used. \(detail)",
            hint: "It has the form s3://bucket/prefix?region=eu-central-1, or with endpoint=https://host.")
    }
}
