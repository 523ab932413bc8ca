import Foundation
import Kernel
import Outbound

/// One answer of ListObjectsV2 (Amazon S3 API Reference, "ListObjectsV2", response syntax).
struct S3Page {
    let objects: [StoredObject]
    /// Nil if it is the last one.
    let continuation: String?

    /// - Parameter prefix: of the store; keys are given without it.
    /// - Throws: `dataInvalid` if it is no such answer.
    init(_ body: Data, below prefix: String) throws(Problem) {
        let unreadable = Problem(.dataInvalid, "The bucket's answer to a listing cannot be understood.")
        let root = try XMLTree.parse(body)
        guard root.name == "ListBucketResult" else { throw unreadable }
        let isEncoded = root["EncodingType"] == "url"
        var objects: [StoredObject] = []
        for child in root.children where child.name == "Contents" {
            guard let text = child["Key"], let key = isEncoded ? Self.decoded(text) : text,
                key.beginsInBytes(with: prefix),
                let size = child["Size"].flatMap({ Int64($0) }), let modified = child["LastModified"].flatMap(Self.date)
            else { throw unreadable }
            let rest = key.utf8.dropFirst(prefix.utf8.count)
            // The marker of the prefix itself, which consoles make to show a folder.
            guard !rest.isEmpty else { continue }
            objects.append(
                StoredObject(key: String(Substring(rest)), size: size, modifiedAt: modified, etag: child["ETag"] ?? ""))
        }
        self.objects = objects
        continuation = root["IsTruncated"] == "true" ? root["NextContinuationToken"] ?? "" : nil
        if let continuation, !(1...Self.longestToken).contains(continuation.utf8.count) { throw unreadable }
    }

    /// In bytes: it goes into an address, and all of a listing are kept. Keys, which some services use, have 1,024.
    private static let longestToken = 8192

    /// As forms encode: a space is `+`.
    private static func decoded(_ text: String) -> String? {
        text.replacingScalar("+", with: "%20").removingPercentEncoding
    }

    private static func date(_ text: String) -> Date? {
        (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
            ?? (try? Date(text, strategy: .iso8601))
    }
}

/// An answer that is no success (Amazon S3 API Reference, "Error responses").
struct S3Refusal: Error {
    let status: Int
    /// S3's word for it; empty if the answer has none.
    let code: String
    private let region: String?

    init(_ answer: OutboundResponse) {
        status = answer.status
        let error = try? XMLTree.parse(answer.body)
        code = Self.word(error?["Code"] ?? "")
        region = (answer.headers["x-amz-bucket-region"] ?? error?["Region"]).map { Self.word($0) }
    }

    /// What others say is shown only as far as it is a plain word.
    private static func word(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(60).filter {
                    $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "-")
                }))
    }

    /// Not for a missing bucket, nor for an address that is no service of this kind.
    var isMissingObject: Bool { status == 404 && code == "NoSuchKey" }

    func problem(key: String?, _ location: S3Location) -> Problem {
        let answer = "It answered \(status)\(code.isEmpty ? "" : " \(code)")."
        switch (code, status) {
        case ("NoSuchBucket", _):
            return Problem(
                .sourceMissing, "There is no bucket \(location.bucket).", hint: "Check its name and endpoint.")
        case ("NoSuchKey", _): return Problem(.notFound, "There is no \(key ?? "object") in \(location).")
        case ("RequestTimeTooSkewed", _):
            return Problem(
                .sourceCredentials, "The clock of this machine and that of \(location) differ by too much.",
                hint: "Set this machine's clock, best by NTP.")
        case ("InvalidAccessKeyId", _), ("SignatureDoesNotMatch", _), ("InvalidToken", _), ("ExpiredToken", _),
            ("InvalidClientTokenId", _), ("MissingSecurityHeader", _), ("TokenRefreshRequired", _), (_, 401):
            return Problem(
                .sourceCredentials, "\(location) refused the keys. \(answer)",
                hint: "Check the access key and its secret.")
        case ("PermanentRedirect", _), ("TemporaryRedirect", _), ("AuthorizationHeaderMalformed", _), (_, 301),
            (_, 307):
            return Problem(
                .invalidInput, "The bucket \(location.bucket) is in another region\(region.map { ", \($0)" } ?? "").",
                hint: "Set region=\(region ?? "…") in its address.")
        case ("SlowDown", _), ("ConditionalRequestConflict", _), ("OperationAborted", _), (_, 429), (_, 503):
            return Problem(.busy, "\(location) is busy. \(answer)", hint: "It is tried again.")
        case ("AccessDenied", _), ("AllAccessDisabled", _), ("InvalidObjectState", _), (_, 403):
            return Problem(
                .sourcePermission, "The keys do not allow this on \(location). \(answer)",
                hint: "They need ListBucket, GetObject, PutObject and DeleteObject there.")
        case ("RequestTimeout", _), (_, 500), (_, 502...506):
            return Problem(.sourceInterrupted, "\(location) failed. \(answer)")
        case (_, 507): return Problem(.diskFull, "\(location) has no room left. \(answer)")
        default: return Problem(.unsupported, "\(location) does not do this. \(answer)", hint: "Check its endpoint.")
        }
    }
}

/// No answer of the service.
func s3Problem(_ failure: OutboundFailure) -> Problem {
    let problem = failure.problem
    switch failure.kind {
    case .resolve, .connect, .tls:
        return Problem(.sourceUnreachable, problem.detail, hint: problem.hint, cause: failure)
    case .timeout, .interrupted:
        return Problem(.sourceInterrupted, problem.detail, hint: problem.hint, cause: failure)
    case .refusedAddress, .tooLarge, .signIn, .answered: return problem
    }
}
