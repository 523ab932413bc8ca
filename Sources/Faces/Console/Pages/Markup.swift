import Mustache

/// HTML escaping by code unit. swift-mustache's own goes by `Character`: a quote that is followed by a combining mark is
/// another character to it and gets through, out of the attribute that holds it.
struct Markup: MustacheContentType {
    private static let name = "WEIR_HTML"

    /// Stands before every template; pieces that it includes inherit it.
    static let pragma = "{{% CONTENT_TYPE: \(name)}}"

    static func register() {
        MustacheContentTypes.register(Markup(), named: name)
    }

    func escapeText(_ text: String) -> String {
        var escaped: [UInt8] = []
        escaped.reserveCapacity(text.utf8.count)
        for unit in text.utf8 {
            switch unit {
            case UInt8(ascii: "<"): escaped.append(contentsOf: "&lt;".utf8)
            case UInt8(ascii: ">"): escaped.append(contentsOf: "&gt;".utf8)
            case UInt8(ascii: "&"): escaped.append(contentsOf: "&amp;".utf8)
            case UInt8(ascii: "\""): escaped.append(contentsOf: "&quot;".utf8)
            case UInt8(ascii: "'"): escaped.append(contentsOf: "&#39;".utf8)
            default: escaped.append(unit)
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }
}
