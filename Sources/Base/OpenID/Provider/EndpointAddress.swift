package import Kernel
package import Outbound

/// An address that a provider names: `https`, or `http` on this machine.
package struct EndpointAddress: Sendable, Hashable {
    package let address: WebAddress

    package var isSecure: Bool { address.isSecure }

    /// Whether it is on this machine by its name (RFC 6761, section 6.3, and RFC 1122, section 3.2.1.3). That it may be
    /// reached at all is for the guard of outgoing requests to say.
    package var isLocal: Bool {
        let host = address.host.lowercased()
        return host == "localhost" || host == "[::1]" || host.wholeMatch(of: /127(\.\d{1,3}){3}/) != nil
    }

    /// - Throws: `invalidInput` that names the field.
    package init(_ text: String, named field: String) throws(Problem) {
        do {
            address = try WebAddress(text)
        } catch {
            throw Problem(.invalidInput, "The \(field) is no address of a web service.", hint: error.hint)
        }
        guard isSecure || isLocal else {
            throw Problem(
                .invalidInput, "The \(field) is not secure: it must begin with https://.",
                hint: "Only a provider on this machine may be reached by http://.")
        }
    }

    /// The address with more in its query (RFC 6749, section 3.1: what is there stays).
    func adding(_ parameters: [(String, String)]) -> String {
        let encoded = FormText.encode(parameters)
        return address.text + (address.text.contains("?") ? "&" : "?") + encoded
    }
}

/// `application/x-www-form-urlencoded` (RFC 6749, appendix B).
enum FormText {
    static func encode(_ parameters: [(String, String)]) -> String {
        parameters.map { "\(encode($0.0))=\(encode($0.1))" }.joined(separator: "&")
    }

    /// All but letters, digits and `-._~` as `%XX`: every reader of forms and of queries takes that alike.
    static func encode(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(UnicodeScalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                encoded += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return encoded
    }
}
