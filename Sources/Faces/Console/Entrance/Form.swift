import Foundation

/// Fields as browsers send them (`application/x-www-form-urlencoded`): names may repeat.
struct Form: Sendable {
    private let fields: [(name: String, value: String)]

    init(_ encoded: String) {
        fields = encoded.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (Self.decode(parts[0]), parts.count > 1 ? Self.decode(parts[1]) : "")
        }
    }

    /// The first value without blanks around it; nil if there is none or it is empty.
    subscript(_ name: String) -> String? {
        let value = raw(name)?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
        return value.isEmpty ? nil : value
    }

    /// The first value as it was typed: passwords may begin with a blank.
    func raw(_ name: String) -> String? { fields.first { $0.name == name }?.value }

    func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }

    private static func decode(_ text: Substring) -> String {
        let spaced = text.replacing("+", with: " ")
        return spaced.removingPercentEncoding ?? String(spaced)
    }
}

extension String {
    /// For one part of a path or a query in an address: all but letters, digits and `-._~` is percent-encoded.
    var encodedForAddress: String {
        var allowed = CharacterSet(charactersIn: "a"..."z")
        allowed.formUnion(CharacterSet(charactersIn: "A"..."Z"))
        allowed.formUnion(CharacterSet(charactersIn: "0"..."9"))
        allowed.insert(charactersIn: "-._~")
        return addingPercentEncoding(withAllowedCharacters: allowed) ?? ""
    }
}
