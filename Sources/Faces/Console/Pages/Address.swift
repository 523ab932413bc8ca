/// Addresses of this console with fields after `?`.
enum Address {
    typealias Field = (name: String, value: String?)

    /// Fields without a value are left out.
    static func make(_ path: String, _ fields: [Field]) -> String {
        let query = query(fields)
        return query.isEmpty ? path : "\(path)?\(query)"
    }

    /// `state=failed&source=shop`.
    static func query(_ fields: [Field]) -> String {
        fields.compactMap { field in field.value.map { "\(field.name)=\($0.encodedForAddress)" } }.joined(
            separator: "&")
    }

    static func run(_ id: String) -> String { "/runs/\(id.encodedForAddress)" }
    static func schedule(_ name: String) -> String { "/schedules/\(name.encodedForAddress)" }
}
