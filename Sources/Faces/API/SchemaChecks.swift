import Kernel

extension Schema {
    /// What is wrong with a JSON value, as a sentence; nil if it fits. Field names come out, values never do.
    func fault(in value: AnyJSON, at place: String) -> String? {
        switch (self, value) {
        case (.nullable(let schema), _):
            return value == .null ? nil : schema.fault(in: value, at: place)
        case (.either(let schemas), _):
            let fits = schemas.contains { $0.fault(in: value, at: place) == nil }
            return fits ? nil : "\(place) must be \(wanted)."
        case (.list(let item), .list(let values)):
            return values.lazy.compactMap { item.fault(in: $0, at: "Each item of \(lowered(place))") }.first
        case (.shape(let shape), .object(let members)):
            return shape.fault(in: members, at: place)
        case (.text, .text(let text)) where text.unicodeScalars.contains("\0"),
            (.formed, .text(let text)) where text.unicodeScalars.contains("\0"):
            return "\(place) must not hold the character NUL."
        default:
            return fits(value) ? nil : "\(place) must be \(wanted)."
        }
    }

    /// What a parameter must be; nil if the text is that.
    func fault(inText text: String) -> String? {
        switch self {
        case .integer: Int(text).map { fits(.integer($0)) } ?? false ? nil : wanted
        case .list(let item):
            text.split(separator: ",", omittingEmptySubsequences: false).lazy
                .compactMap { item.fault(inText: String($0)) }.first.map { "a list, separated by commas, each \($0)" }
        default:
            if text.unicodeScalars.contains("\0") {
                "free of the character NUL"
            } else {
                fits(.text(text)) ? nil : wanted
            }
        }
    }

    private func fits(_ value: AnyJSON) -> Bool {
        switch (self, value) {
        case (.text("date"), .text(let text)): isDay(text)
        case (.text("uuid"), .text(let text)): isUUID(text)
        // PostgreSQL has no NUL in texts; no name, reason or SQL needs one.
        case (.text, .text(let text)), (.formed, .text(let text)): !text.unicodeScalars.contains("\0")
        case (.boolean, .bool): true
        // Beyond its bounds, who takes it says so.
        case (.number, .number), (.number, .integer): true
        case (.words(let words), .text(let word)): words.contains(word)
        case (.integer(let least, let most), .integer(let number)):
            number >= least ?? .min && number <= most ?? .max
        default: false
        }
    }

    /// What it asks for, after "must be".
    private var wanted: String {
        switch self {
        case .text("date"): "a day of the form YYYY-MM-DD"
        case .text("uuid"): "a UUID"
        case .text, .formed: "a text"
        case .words(let words): "one of \(words.joined(separator: ", "))"
        case .integer(let least?, let most?): "a whole number from \(least) to \(most)"
        case .integer(let least?, nil): "a whole number, \(least) or more"
        case .integer: "a whole number"
        case .number: "a number"
        case .boolean: "true or false"
        case .list: "a list"
        case .shape: "an object"
        case .nullable(let schema): "\(schema.wanted) or null"
        case .either(let schemas): schemas.map(\.wanted).joined(separator: " or ")
        }
    }
}

extension Shape {
    fileprivate func fault(in members: [String: AnyJSON], at place: String) -> String? {
        let known = Set(fields.map(\.name))
        if let stranger = members.keys.filter({ !known.contains($0) }).min() {
            let names = fields.map(\.name).joined(separator: ", ")
            return "\(place) has the unknown field `\(stranger.prefix(60))`; it takes \(names)."
        }
        for field in fields {
            guard let value = members[field.name] else {
                if field.isRequired { return "\(place) lacks the field `\(field.name)`." }
                continue
            }
            if let fault = field.schema.fault(in: value, at: "The field `\(field.name)`") { return fault }
        }
        return nil
    }
}

private func lowered(_ place: String) -> String { place.prefix(1).lowercased() + place.dropFirst() }

/// Whether the text is a day of the Gregorian calendar, `YYYY-MM-DD` (RFC 3339, `full-date`).
private func isDay(_ text: String) -> Bool {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.map(\.utf8.count) == [4, 2, 2], text.utf8.allSatisfy({ (48...57).contains($0) || $0 == 45 }) else {
        return false
    }
    let numbers = parts.compactMap { Int($0) }
    guard numbers.count == 3, (1...12).contains(numbers[1]) else { return false }
    let leap = numbers[0] % 4 == 0 && (numbers[0] % 100 != 0 || numbers[0] % 400 == 0)
    let days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][numbers[1] - 1]
    return (1...days).contains(numbers[2])
}

private func isUUID(_ text: String) -> Bool {
    let groups = text.split(separator: "-", omittingEmptySubsequences: false)
    return groups.map(\.utf8.count) == [8, 4, 4, 4, 12]
        && groups.allSatisfy { $0.allSatisfy { $0.isASCII && $0.isHexDigit } }
}
