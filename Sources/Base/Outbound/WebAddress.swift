internal import CCurl
package import Kernel

/// The address of somebody's web service, checked: `http` or `https`, with a host, without a user or password.
///
/// Read by libcurl, which makes the request too: there is no second reading that could differ. Its path and query may be
/// secret (webhooks often carry a token there), so it prints only scheme, host and port.
package struct WebAddress: Sendable, Hashable, CustomStringConvertible {
    /// The whole address; bytes that are no ASCII are percent-encoded.
    package let text: String
    package let isSecure: Bool
    /// As libcurl understands it: `127.1` is `127.0.0.1`, an IPv6 address has brackets.
    package let host: String
    /// Nil if it is the scheme's own.
    package let port: Int?
    /// Percent-encoded, at least `/`, with `.` and `..` as they were written.
    let path: String
    /// Percent-encoded, without the question mark.
    let query: String?

    /// - Throws: `invalidInput` saying what is wrong, never the address itself.
    package init(_ text: String) throws(Problem) {
        let form = "It has the form https://host/path."
        guard let url = CurlURL(text), let scheme = url.part(CURLUPART_SCHEME) else {
            throw Problem(.invalidInput, "This is no address of a web service.", hint: form)
        }
        guard ["http", "https"].contains(scheme) else {
            throw Problem(.invalidInput, "Addresses of the kind \(scheme.prefix(20)):// are not allowed.", hint: form)
        }
        guard url.part(CURLUPART_USER) == nil, url.part(CURLUPART_PASSWORD) == nil else {
            throw Problem(
                .invalidInput, "The address holds a user or a password, which is not allowed.",
                hint: "Leave out what stands before the @.")
        }
        guard let host = url.part(CURLUPART_HOST), !host.isEmpty, let whole = url.withoutFragment() else {
            throw Problem(.invalidInput, "The address names no host.", hint: form)
        }
        self.text = whole
        self.host = host
        isSecure = scheme == "https"
        port = url.part(CURLUPART_PORT).flatMap { Int($0) }.flatMap { $0 == (scheme == "https" ? 443 : 80) ? nil : $0 }
        path = url.part(CURLUPART_PATH) ?? "/"
        query = url.part(CURLUPART_QUERY)
    }

    /// What the header `Host` carries (RFC 9110, section 7.2).
    package var authority: String { port.map { "\(host):\($0)" } ?? host }

    package var description: String { "\(isSecure ? "https" : "http")://\(authority)" }
}

/// libcurl's reader of addresses (`curl_url_set`), for any scheme.
final class CurlURL {
    private let handle: OpaquePointer

    /// Nil if it cannot be read.
    init?(_ text: String) {
        guard !text.utf8.contains(0), let handle = curl_url() else { return nil }
        self.handle = handle
        let flags = UInt32(CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS | CURLU_URLENCODE)
        guard curl_url_set(handle, CURLUPART_URL, text, flags) == CURLUE_OK else { return nil }
    }

    deinit { curl_url_cleanup(handle) }

    /// Nil if the address has no such part.
    func part(_ part: CURLUPart, decoded: Bool = false) -> String? {
        var text: UnsafeMutablePointer<CChar>?
        guard curl_url_get(handle, part, &text, decoded ? UInt32(CURLU_URLDECODE) : 0) == CURLUE_OK, let text else {
            return nil
        }
        defer { curl_free(text) }
        return String(cString: text)
    }

    /// The whole address without what stands after `#`.
    func withoutFragment() -> String? {
        curl_url_set(handle, CURLUPART_FRAGMENT, nil, 0) == CURLUE_OK ? part(CURLUPART_URL) : nil
    }
}
