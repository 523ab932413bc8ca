internal import CCurl
import Foundation
package import Kernel

/// Sends HTTP requests to addresses that other people have named.
package struct OutboundHTTP: Sendable {
    private let addressGuard: AddressGuard
    private let certificateAuthorities: String?
    private let observe: Observe?
    /// What the names resolve to instead of DNS's answers, in the form of CURLOPT_RESOLVE. For tests.
    var resolved: [String] = []

    /// - Parameters:
    ///   - certificateAuthorities: a PEM file with whom to trust; nil: whom the system trusts.
    ///   - observe: hears of each request as a span.
    package init(
        _ addressGuard: AddressGuard, certificateAuthorities: String? = nil, observe: Observe? = nil
    ) {
        self.addressGuard = addressGuard
        self.certificateAuthorities = certificateAuthorities
        self.observe = observe
    }

    /// Sends the request once, over a connection of its own, and waits for the whole answer. `TraceContext.current`
    /// goes with it, in the headers `traceparent` and `X-Correlation-Id`.
    /// - Throws: `OutboundFailure` if there is no answer; `invalidInput` for a header that cannot be sent;
    ///   `CancellationError` at once when the task is cancelled, upon which the other end may have got it all.
    package func send(_ request: OutboundRequest) async throws -> OutboundResponse {
        try request.check()
        guard let observe else { return try await perform(request) }
        do {
            return try await withSpan("\(request.method) \(request.address.host)", .client, observe: observe) {
                // The span names the code of a problem.
                do {
                    return try await perform(request)
                } catch let failure as OutboundFailure {
                    throw failure.problem
                }
            }
        } catch let problem as Problem {
            if let failure = problem.cause as? OutboundFailure { throw failure }
            throw problem
        }
    }

    private func perform(_ request: OutboundRequest) async throws -> OutboundResponse {
        let transfer = try CurlTransfer(answerLimit: request.answerLimit) { addressGuard.allows($0) }
        if !resolved.isEmpty { transfer.set(CURLOPT_RESOLVE, resolved) }
        if let certificateAuthorities { transfer.set(CURLOPT_CAINFO, certificateAuthorities) }
        transfer.set(request)
        let ending = try await transfer.perform()
        if let kind = ending.failure {
            throw OutboundFailure(kind: kind, host: request.address.authority, reason: ending.reason)
        }
        return OutboundResponse(status: ending.code, headers: Self.headers(of: ending.lines), body: ending.answer)
    }

    /// Of the last status line on: before it are those of interim answers (RFC 9110, section 15.2).
    private static func headers(of lines: [String]) -> OutboundHeaders {
        var headers: OutboundHeaders = [:]
        for line in lines {
            if line.hasPrefix("HTTP/") {
                headers = [:]
            } else if let colon = line.firstIndex(of: ":") {
                let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
                headers.add(String(line[..<colon]), value)
            }
        }
        return headers
    }
}

extension CurlTransfer {
    fileprivate func set(_ request: OutboundRequest) {
        set(CURLOPT_URL, request.address.text)
        set(CURLOPT_PROTOCOLS_STR, "http,https")
        set(CURLOPT_PATH_AS_IS, 1)
        set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1))
        set(CURLOPT_USERAGENT, "Weirhouse")
        set(timeout: request.timeout, connectTimeout: request.connectTimeout)
        if request.method == "HEAD" {
            set(CURLOPT_NOBODY, 1)
        } else if request.carriesBody {
            send(request.body)
        }
        if request.method != "HEAD" { set(CURLOPT_CUSTOMREQUEST, request.method) }
        var headers = request.headers
        if let trace = TraceContext.current {
            headers["traceparent"] = trace.traceparent
            headers["X-Correlation-Id"] = trace.correlation
        }
        // An empty value takes a semicolon; a name with nothing after the colon takes one of libcurl's own away.
        set(
            CURLOPT_HTTPHEADER,
            headers.fields.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" } + ["Expect:"])
    }
}

extension OutboundRequest {
    fileprivate var carriesBody: Bool { !body.isEmpty || ["POST", "PUT", "PATCH"].contains(method) }

    private static let ofTheConnection: Set<String> = [
        "host", "content-length", "transfer-encoding", "connection", "expect", "te", "trailer", "upgrade", "keep-alive",
    ]

    /// Nothing in it may end a header's line or begin another request.
    fileprivate func check() throws(Problem) {
        guard !method.isEmpty, method.utf8.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }) else {
            throw Problem(.invalidInput, "'\(method.prefix(20))' is no HTTP method.")
        }
        guard body.isEmpty || !["GET", "HEAD"].contains(method) else {
            throw Problem(.invalidInput, "A \(method) request carries no body.")
        }
        for field in headers.fields {
            guard !field.name.isEmpty, field.name.utf8.allSatisfy(isTokenByte) else {
                throw Problem(.invalidInput, "'\(field.name.prefix(40))' is no name of a header.")
            }
            guard !Self.ofTheConnection.contains(field.name.lowercased()) else {
                throw Problem(.invalidInput, "The header \(field.name) cannot be set.")
            }
            guard field.value.utf8.allSatisfy({ $0 == 0x09 || ($0 >= 0x20 && $0 != 0x7F) }) else {
                throw Problem(.invalidInput, "The value of the header \(field.name) holds a control character.")
            }
        }
    }
}

/// RFC 9110, section 5.6.2.
private func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"):
        true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
