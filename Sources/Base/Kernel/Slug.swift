/// Names in the forms that warehouses and dbt want.
package enum Slug {
    /// `CustomerOrders`, `customer-orders`, `Customer Orders` → `customer_orders`; never empty, never led by a digit.
    package static func snakeCase(_ name: String) -> String {
        var words = ""
        var previous: Character?
        let characters = Array(name)
        for (index, character) in characters.enumerated() {
            let isWord = character.isASCII && (character.isLetter || character.isNumber)
            guard isWord else {
                if !words.isEmpty, words.last != "_" { words.append("_") }
                previous = nil
                continue
            }
            if character.isUppercase, let before = previous {
                let next = index + 1 < characters.count ? characters[index + 1] : nil
                let startsWord = before.isLowercase || before.isNumber
                let endsAcronym = before.isUppercase && (next.map { $0.isLowercase && $0.isASCII } ?? false)
                if startsWord || endsAcronym { words.append("_") }
            }
            words.append(contentsOf: character.lowercased())
            previous = character
        }
        while words.last == "_" { words.removeLast() }
        guard let first = words.first else { return "unnamed" }
        return first.isNumber ? "n\(words)" : words
    }

    /// Whether a name may be an organization, an environment or a source: `a-z`, digits and `_`, led by a letter, at most 40.
    package static func isValid(_ name: String) -> Bool {
        guard let first = name.unicodeScalars.first, ("a"..."z").contains(first), name.utf8.count <= 40 else {
            return false
        }
        return name.unicodeScalars.allSatisfy { ("a"..."z").contains($0) || ("0"..."9").contains($0) || $0 == "_" }
    }

    /// Makes each name its own by adding `_2`, `_3`, … to later ones that clash, also with those that are taken.
    package static func distinct(_ names: [String], from taken: Set<String> = []) -> [String] {
        var taken = taken
        return names.map { name in
            var candidate = name
            var number = 2
            while !taken.insert(candidate).inserted {
                candidate = "\(name)_\(number)"
                number += 1
            }
            return candidate
        }
    }
}
