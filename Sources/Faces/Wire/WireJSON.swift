package import Foundation

/// JSON as the API speaks it: keys in snake_case (`runID` ↔ `run_id`, `runIDs` ↔ `run_ids`), nothing else changed.
package enum WireJSON {
    package static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .custom { path in
            Key(stringValue: snakeCase(path.last?.stringValue ?? ""))
        }
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(value)
    }

    package static func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .custom { path in
            Key(stringValue: camelCase(path.last?.stringValue ?? ""))
        }
        return try decoder.decode(type, from: data)
    }

    /// `runID` → `run_id`, `runIDs` → `run_ids`. Foundation's own strategy makes `run_i_ds` of the latter.
    private static func snakeCase(_ key: String) -> String {
        let letters = Array(key.replacing("IDs", with: "Ids"))
        return letters.indices.reduce(into: "") { words, index in
            let followsWord = index > 0 && !letters[index - 1].isUppercase
            let endsAcronym = index > 0 && index + 1 < letters.count && letters[index + 1].isLowercase
            if letters[index].isUppercase, followsWord || endsAcronym { words += "_" }
            words += letters[index].lowercased()
        }
    }

    /// `run_id` → `runID`, `run_ids` → `runIDs`, `dashboard_url` → `dashboardURL`, `source_rows` → `sourceRows`.
    private static func camelCase(_ key: String) -> String {
        let words = key.split(separator: "_")
        guard let first = words.first else { return key }
        return words.dropFirst().reduce(String(first)) { name, word in
            name + (acronyms[word] ?? word.prefix(1).uppercased() + word.dropFirst())
        }
    }

    private static let acronyms: [Substring: String] = ["id": "ID", "ids": "IDs", "url": "URL"]

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
