import Kernel

/// A JSON Schema (draft 2020-12, as OpenAPI 3.1 has it), as far as the API needs it.
indirect enum Schema: Sendable {
    case text(format: String? = nil)
    /// A text of a form that the document tells. Who takes it says in its own words what does not fit.
    case formed(TextForm)
    case words([String])
    case integer(least: Int? = nil, most: Int? = nil)
    case number(least: Double? = nil, most: Double? = nil)
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
        case .formed(let form): form.document
        case .words(let words): ["type": "string", "enum": .list(words.map { .text($0) })]
        case .integer(let least, let most): integerDocument(least, most)
        case .number(let least, let most): numberDocument(least, most)
        case .boolean: ["type": "boolean"]
        case .list(let item): ["type": "array", "items": item.document]
        case .shape(let shape): ["$ref": .text("#/components/schemas/\(shape.name)")]
        case .nullable(let schema): ["anyOf": [schema.document, ["type": "null"]]]
        case .either(let schemas): ["anyOf": .list(schemas.map(\.document))]
        }
    }

    private func numberDocument(_ least: Double?, _ most: Double?) -> AnyJSON {
        var members: [String: AnyJSON] = ["type": "number"]
        members["minimum"] = least.map { .number($0) }
        members["maximum"] = most.map { .number($0) }
        return .object(members)
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
        case .text, .formed, .words, .integer, .number, .boolean: []
        case .list(let schema), .nullable(let schema): schema.shapes
        case .either(let schemas): schemas.flatMap(\.shapes)
        case .shape(let shape): [shape] + shape.fields.flatMap(\.schema.shapes)
        }
    }
}

/// What a text must be like, as far as a regular expression (ECMA-262, as JSON Schema has them) and a length say it.
struct TextForm: Sendable {
    let pattern: String
    /// Characters.
    let most: Int

    /// Names that stand in addresses and tables: `Slug`.
    static let slug = TextForm(pattern: "^[a-z][a-z0-9]*(_[a-z0-9]+)*$", most: 40)
    static let service = TextForm(pattern: "^[a-z][a-z0-9-]*$", most: 60)

    /// Some words in one line.
    static func line(most: Int) -> TextForm {
        let one = #"[^\u0000-\u001f\u007f-\u009f]*"#
        return TextForm(pattern: #"^\#(one)[^\s\u0000-\u001f\u007f-\u009f\u200b\ufeff]\#(one)$"#, most: most)
    }

    /// Some words, maybe in several lines.
    static func words(most: Int) -> TextForm {
        TextForm(pattern: #"^[^\u0000]*[^\s\u0000\u200b\ufeff][^\u0000]*$"#, most: most)
    }

    var document: AnyJSON {
        ["type": "string", "pattern": .text(pattern), "minLength": .integer(1), "maxLength": .integer(most)]
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
