package import Foundation

/// JSON as the API speaks it: keys in snake_case (`runID` ↔ `run_id`), nothing else changed.
package enum WireJSON {
    package static func encode(_ value: some Encodable) throws -> Data {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
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

    /// `run_id` → `runID`, `dashboard_url` → `dashboardURL`, `source_rows` → `sourceRows`.
    private static func camelCase(_ key: String) -> String {
        let words = key.split(separator: "_")
        guard let first = words.first else { return key }
        return words.dropFirst().reduce(String(first)) { name, word in
            name + (word == "id" || word == "url" ? word.uppercased() : word.prefix(1).uppercased() + word.dropFirst())
        }
    }

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
