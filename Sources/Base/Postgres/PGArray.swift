import Kernel

/// PostgreSQL arrays in their text form (PostgreSQL 15 documentation, 8.15.6).
package enum PGArray: Sendable {
    /// `{"a","b\"c",NULL}`; to be cast to the array's type.
    package static func text(_ values: [String?]) -> String {
        let quoted = values.map { value in
            guard let value else { return "NULL" }
            let escaped = value.replacingScalar("\\", with: "\\\\").replacingScalar("\"", with: "\\\"")
            return "\"\(escaped)\""
        }
        return "{\(quoted.joined(separator: ","))}"
    }
}
