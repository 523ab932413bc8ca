package import Foundation
package import Kernel
package import Outbound

/// Objects in a bucket, of AWS or of another service that speaks S3's protocol (Amazon S3 API Reference).
package struct S3Store: ObjectStore {
    private let location: S3Location
    private let signature: AWSSignature
    private let http: OutboundHTTP
    private let time: TimeSource
    /// Of one listing.
    fileprivate let mostPages: Int

    /// - Parameters:
    ///   - http: with the `AddressGuard` that the endpoint is subject to.
    ///   - time: signatures are good for a few minutes around it.
    ///   - mostPages: a listing that goes on after so many pages, of up to 1,000 objects each, throws `unsupported`.
    package init(
        _ location: S3Location, credentials: AWSCredentials, http: OutboundHTTP, time: TimeSource = .system,
        mostPages: Int = .max
    ) {
        self.location = location
        self.mostPages = mostPages
        signature = AWSSignature(credentials: credentials, region: location.region, service: "s3")
        self.http = http
        self.time = time
    }

    package var place: String { location.description }

    package func list(prefix: String, after key: String?) -> ObjectListing {
        ObjectListing { S3Pages(store: self, prefix: prefix, after: key) }
    }

    package func get(_ key: String, limit: Int) async throws -> Data {
        let tooLarge = Problem(.unsupported, "\(key) in \(place) has more than \(limit) bytes, which are read at most.")
        return try await mapping(key) {
            do {
                let answer = try await send("GET", key, size: limit)
                guard answer.body.count <= limit else { throw tooLarge }
                return answer.body
            } catch let failure as OutboundFailure where failure.kind == .tooLarge(status: 200) {
                throw tooLarge
            }
        }
    }

    @discardableResult
    package func put(_ key: String, _ bytes: Data, ifAbsent: Bool) async throws -> Bool {
        try ObjectKey.check(key)
        var headers: OutboundHeaders = ["Content-Type": "application/octet-stream"]
        // PutObject, "Conditional writes".
        if ifAbsent { headers["If-None-Match"] = "*" }
        return try await mapping(key) { [headers] in
            do {
                _ = try await send("PUT", key, headers: headers, body: bytes, size: bytes.count)
                return true
            } catch let refusal as S3Refusal where ifAbsent && refusal.status == 412 {
                return false
            }
        }
    }

    /// By the first byte, and not by HEAD: its answers have no body, so that they do not tell a missing object from a
    /// missing bucket.
    package func exists(_ key: String) async throws -> Bool {
        try await mapping(key) {
            do {
                _ = try await send("GET", key, headers: ["Range": "bytes=0-0"])
                return true
            } catch let refusal as S3Refusal where refusal.isMissingObject {
                return false
            } catch let refusal as S3Refusal where refusal.status == 416 {
                // It is there, and has no first byte.
                return true
            } catch let failure as OutboundFailure where failure.kind == .tooLarge(status: 200) {
                // A service without ranges sends all of it.
                return true
            }
        }
    }

    package func delete(_ key: String) async throws {
        try await mapping(key) {
            do {
                _ = try await send("DELETE", key)
            } catch let refusal as S3Refusal where refusal.isMissingObject {
                // As it should be.
            }
        }
    }

    /// One page of ListObjectsV2.
    /// - Parameter settings: of the query, not yet encoded.
    func listPage(_ settings: [String: String]) async throws -> S3Page {
        let query = settings.sorted { $0.key < $1.key }
            .map { "\($0.key)=\(AWSSignature.encoded($0.value))" }.joined(separator: "&")
        return try await mapping(nil) {
            // A thousand keys of a kilobyte each, percent-encoded.
            try S3Page(await send("GET", nil, query: query, size: 8_000_000).body, below: location.prefix)
        }
    }

    /// What a listing's keys begin with in the bucket.
    var prefix: String { location.prefix }

    private func mapping<Value>(_ key: String?, _ work: () async throws -> Value) async throws -> Value {
        do {
            return try await work()
        } catch let refusal as S3Refusal {
            throw refusal.problem(key: key, location)
        } catch let failure as OutboundFailure {
            throw s3Problem(failure)
        }
    }

    /// - Parameters:
    ///   - key: nil for the bucket.
    ///   - size: how many bytes go either way: the time allowed grows with them.
    /// - Throws: `S3Refusal` for an answer that is no success; `OutboundFailure` if there is none.
    private func send(
        _ method: String, _ key: String?, query: String = "", headers: OutboundHeaders = [:], body: Data = Data(),
        size: Int = 0
    ) async throws -> OutboundResponse {
        let address = try location.address(of: key.map { location.prefix + $0 } ?? "", query: query)
        let request = OutboundRequest(
            method, address, headers: headers, body: body, timeout: .seconds(60 + size / 500_000),
            // Room for what the service says about an error.
            answerLimit: max(size, 65_536))
        let answer = try await http.send(signature.sign(request, date: time.now()))
        guard (200...299).contains(answer.status) else { throw S3Refusal(answer) }
        return answer
    }
}

/// The pages of a listing, each beginning where the last one ended.
private final class S3Pages: ObjectPages, @unchecked Sendable {
    private let store: S3Store
    private var settings: [String: String]?
    /// Where pages have begun, but for the first.
    private var tokens: Set<String> = []

    init(store: S3Store, prefix: String, after: String?) {
        self.store = store
        var settings = ["list-type": "2", "encoding-type": "url", "max-keys": "1000", "prefix": store.prefix + prefix]
        if let after { settings["start-after"] = store.prefix + after }
        self.settings = settings
    }

    func next() async throws -> [StoredObject]? {
        guard var settings else { return nil }
        // Whatever ends it, it is not gone on with.
        self.settings = nil
        let page = try await store.listPage(settings)
        guard let token = page.continuation else { return page.objects }
        guard tokens.insert(token).inserted else {
            throw Problem(
                .dataInvalid, "\(store.place) comes back to a part of its listing that it has sent before.",
                hint: "Check its endpoint.")
        }
        guard tokens.count < store.mostPages else {
            throw Problem(
                .unsupported, "The listing of \(store.place) goes on after \(tokens.count) pages.",
                hint: "Name a narrower prefix, or remove old files.")
        }
        settings["continuation-token"] = token
        settings["start-after"] = nil
        self.settings = settings
        return page.objects
    }
}
