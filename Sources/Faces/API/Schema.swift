import Kernel

/// A JSON Schema (draft 2020-12, as OpenAPI 3.1 has it), as far as the API needs it.
indirect enum Schema: Sendable {
    case text(format: String? = nil)
    case words([String])
    case integer(least: Int? = nil, most: Int? = nil)
    case number
    case boolean
    case list(Schema)
    /// An object with a name of its own under `components`.
    case shape(Shape)
    case nullable(Schema)
    case either([Schema])

    /// What the OpenAPI document says.
    var document: AnyJSON {
        switch self {
        // PostgreSQL has no NUL in texts: it is refused.
        case .text(let format):
            format.map { ["type": "string", "format": .text($0)] } ?? ["type": "string", "pattern": #"^[^\u0000]*$"#]
        case .words(let words): ["type": "string", "enum": .list(words.map { .text($0) })]
        case .integer(let least, let most): integerDocument(least, most)
        case .number: ["type": "number"]
        case .boolean: ["type": "boolean"]
        case .list(let item): ["type": "array", "items": item.document]
        case .shape(let shape): ["$ref": .text("#/components/schemas/\(shape.name)")]
        case .nullable(let schema): ["anyOf": [schema.document, ["type": "null"]]]
        case .either(let schemas): ["anyOf": .list(schemas.map(\.document))]
        }
    }

    private func integerDocument(_ least: Int?, _ most: Int?) -> AnyJSON {
        var members: [String: AnyJSON] = ["type": "integer"]
        members["minimum"] = least.map { .integer($0) }
        // Greater ones cannot be read: they are refused.
        members["maximum"] = .integer(most ?? Int.max)
        return .object(members)
    }

    /// The shapes that it refers to, with those that they refer to.
    var shapes: [Shape] {
        switch self {
        case .text, .words, .integer, .number, .boolean: []
        case .list(let schema), .nullable(let schema): schema.shapes
        case .either(let schemas): schemas.flatMap(\.shapes)
        case .shape(let shape): [shape] + shape.fields.flatMap(\.schema.shapes)
        }
    }
}

/// A named object: its fields and no others.
struct Shape: Sendable {
    let name: String
    let note: String
    let fields: [Field]

    var document: AnyJSON {
        let properties = fields.map { ($0.name, $0.document) }
        return [
            "type": "object", "description": .text(note), "additionalProperties": .bool(false),
            "required": .list(fields.filter(\.isRequired).map { .text($0.name) }),
            "properties": .object(Dictionary(properties) { first, _ in first }),
        ]
    }
}

/// A field of a shape, named as in JSON.
struct Field: Sendable {
    let name: String
    let schema: Schema
    let note: String?
    var isRequired = true

    init(_ name: String, _ schema: Schema, _ note: String? = nil) {
        self.name = name
        self.schema = schema
        self.note = note
    }

    /// A field that may be absent.
    static func optional(_ name: String, _ schema: Schema, _ note: String? = nil) -> Field {
        var field = Field(name, schema, note)
        field.isRequired = false
        return field
    }

    /// A field of a request that may be absent or null.
    static func open(_ name: String, _ schema: Schema, _ note: String? = nil) -> Field {
        optional(name, .nullable(schema), note)
    }

    var document: AnyJSON {
        guard let note, case .object(var members) = schema.document else { return schema.document }
        members["description"] = .text(note)
        return .object(members)
    }
}
