import Foundation
import HTTPTypes
import Hummingbird
import Kernel
import NIOCore

/// What the server says to requests that get to no route: one line, for programs as RFC 9457 `application/problem+json`.
struct EdgeAnswer: Sendable, Error {
    let status: HTTPResponse.Status
    let code: Problem.Code
    let detail: String

    static let badRequest = EdgeAnswer(
        status: .badRequest, code: .invalidInput,
        detail: "This is no request of HTTP that this server understands.")
    static let noHost = EdgeAnswer(
        status: .badRequest, code: .invalidInput,
        detail: "The request needs one header Host.")
    static let otherHost = EdgeAnswer(
        status: .misdirectedRequest, code: .forbidden,
        detail: "This server does not answer to that name. Whoever runs it adds it to WEIR_ALLOWED_HOSTS.")
    static let notThroughProxy = EdgeAnswer(
        status: .forbidden, code: .forbidden,
        detail: "This server takes requests from its proxies only, which WEIR_TRUSTED_PROXIES names.")
    static let bodyTooLarge = EdgeAnswer(
        status: .contentTooLarge, code: .invalidInput,
        detail: "The body is larger than what is taken.")
    static let headersTooLarge = EdgeAnswer(
        status: .requestHeaderFieldsTooLarge, code: .invalidInput,
        detail: "The address and headers are larger than what is taken.")
    static let tooSlow = EdgeAnswer(
        status: .requestTimeout, code: .timedOut,
        detail: "The request did not arrive in time.")

    /// The head and body of the answer.
    /// - Parameter path: says whether a program asks, or a person.
    func parts(path: String?) -> (head: HTTPResponse, body: ByteBuffer) {
        let isForPrograms = path?.hasPrefix("/api/") ?? false
        let correlation = (TraceContext.current ?? .begin()).correlation
        let body = ByteBuffer(string: isForPrograms ? document(correlation) : "\(detail)\n")
        var fields = BrowserHeaders.all
        fields[.contentType] = isForPrograms ? "application/problem+json" : "text/plain; charset=utf-8"
        fields[.contentLength] = String(body.readableBytes)
        fields[.cacheControl] = "no-store"
        if let name = HTTPField.Name("X-Correlation-Id") { fields[name] = correlation }
        return (HTTPResponse(status: status, headerFields: fields), body)
    }

    func response(path: String) -> Response {
        let (head, body) = parts(path: path)
        return Response(status: head.status, headers: head.headerFields, body: ResponseBody(byteBuffer: body))
    }

    /// All of it is our own text without quotes.
    private func document(_ correlation: String) -> String {
        """
        {"code":"\(code.rawValue)","correlation_id":"\(correlation)","detail":"\(detail)","status":\(status.code),\
        "title":"\(code.title)","type":"urn:weirhouse:problem:\(code.rawValue)"}
        """
    }
}

/// What every answer tells browsers.
enum BrowserHeaders {
    /// Pages bring a policy of their own; for all else nothing may be loaded at all.
    static let policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

    static let all: HTTPFields = {
        var fields: HTTPFields = [:]
        for (name, value) in [
            ("Content-Security-Policy", policy),
            ("X-Content-Type-Options", "nosniff"),
            // For browsers from before frame-ancestors.
            ("X-Frame-Options", "DENY"),
            // A form's Origin would be null without any referrer.
            ("Referrer-Policy", "same-origin"),
            ("Permissions-Policy", permissions),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("Origin-Agent-Cluster", "?1"),
        ] {
            if let name = HTTPField.Name(name) { fields[name] = value }
        }
        return fields
    }()

    /// A year (RFC 6797). Other hosts of the domain are not ours to decide for.
    static let strictTransport = "max-age=31536000"

    private static let permissions = [
        "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "hid", "magnetometer", "microphone",
        "midi", "payment", "publickey-credentials-get", "screen-wake-lock", "serial", "usb",
        "xr-spatial-tracking",
    ].map { "\($0)=()" }.joined(separator: ", ")

    /// Those that are missing.
    static func complete(_ fields: inout HTTPFields, isSecure: Bool, host: String?) {
        let given = fields
        for field in all where !given.contains(field.name) { fields.append(field) }
        guard isSecure, let host, !HostName.isOfThisMachine(host), IPAddressText.isNone(host) else { return }
        fields[.strictTransportSecurity] = strictTransport
    }
}
