import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import Wire

/// A problem on its way out as an answer: RFC 9457 `application/problem+json`.
struct Refusal: Error {
    let problem: Problem
    let status: Int
    let headers: HTTPFields
    /// OAuth's word for it (RFC 6749, section 5.2), where clients wait for one.
    let error: String?

    init(_ problem: Problem, status: Int? = nil, headers: HTTPFields = [:], error: String? = nil) {
        self.problem = problem
        self.status = status ?? problem.code.httpStatus
        self.headers = headers
        self.error = error
    }

    /// Any error: a refusal as it is, a problem with its code's status, all else as `internal`.
    init(wrapping error: any Error) {
        self = error as? Refusal ?? Refusal(Problem(wrapping: error))
    }

    /// What the caller did wrong in the request's form.
    static func invalid(_ detail: String, hint: String? = nil, status: Int = 400) -> Refusal {
        Refusal(Problem(.invalidInput, detail, hint: hint), status: status)
    }

    func response(correlation: String) -> Response {
        var fields = headers
        fields[.contentType] = "application/problem+json"
        fields[.cacheControl] = "no-store"
        fields[.correlation] = correlation
        if status == 401 { fields[.wwwAuthenticate] = "Bearer" }
        if status == 503 { fields[.retryAfter] = "5" }
        if let wait = problem.cause as? RetryAfter { fields[.retryAfter] = String(wait.seconds) }
        return Response(
            status: .init(code: status), headers: fields,
            body: .init(byteBuffer: ByteBuffer(bytes: document(correlation: correlation))))
    }

    /// The body: `type`, `title`, `status`, `detail` and the extensions `code`, `hint`, `correlation_id`.
    func document(correlation: String) -> Data {
        let members = Members(
            type: "urn:weirhouse:problem:\(problem.code.rawValue)", title: problem.code.title, status: status,
            detail: problem.detail.printable, hint: problem.hint?.printable, code: problem.code.rawValue,
            correlationID: correlation, error: error)
        // Only strings and a number: encoding them cannot fail, and an empty body would still carry the status.
        return (try? WireJSON.encode(members)) ?? Data()
    }

    private struct Members: Encodable {
        let type: String
        let title: String
        let status: Int
        let detail: String
        let hint: String?
        let code: String
        let correlationID: String
        let error: String?
    }
}

extension String {
    /// With a mark for each character that no reader could show: details repeat what was asked for.
    fileprivate var printable: String {
        func isHidden(_ scalar: Unicode.Scalar) -> Bool {
            scalar.properties.generalCategory == .control && scalar != "\n" && scalar != "\t"
        }
        guard unicodeScalars.contains(where: isHidden) else { return self }
        return String(String.UnicodeScalarView(unicodeScalars.map { isHidden($0) ? "\u{FFFD}" : $0 }))
    }
}

/// Tells of errors that come after an answer has begun, when no status can say so any more.
struct FaultReport: Sendable {
    let api: API
    let request: Request
    let correlation: String

    /// Reports the error; returns its problem document.
    func report(_ error: any Error) -> Data {
        let refusal = Refusal(wrapping: error)
        api.report(refusal.problem, of: request, correlation: correlation)
        return refusal.document(correlation: correlation)
    }
}

extension HTTPField.Name {
    static let correlation = known("X-Correlation-Id")
    static let verifiedThrough = known("X-Verified-Through")
    static let lastEventID = known("Last-Event-ID")

    /// For constants only: a name that is no token of RFC 9110 falls back to a harmless one.
    private static func known(_ name: String) -> Self { Self(name) ?? .from }
}
