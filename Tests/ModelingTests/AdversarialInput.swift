import Connecting
import Modeling

extension Inputs {
    /// Names, keys and types that application databases really have and generators trip over.
    static let adversarial = ModelingInput(
        organization: "acme", environment: "stage", database: "lake",
        sources: [
            LandedSource(slug: "odd", streams: oddTables + typeTables + outsidePublic),
            LandedSource(slug: "other", streams: otherTables),
        ])

    static let longName = String(repeating: "abcdefghij", count: 6)

    private static func key(_ name: String) -> StreamColumn { int(name, nullable: false) }

    private static let oddTables: [LandedStream] = [
        // Reserved words as table and columns; two foreign keys to one parent; a self reference.
        landed(
            "odd", "order",
            [
                key("id"), int("user_id"), int("approver_id"), int("parent_id"), text("select"), text("from"),
                text("group"), text("rows"), money("total", nullable: true),
                moment("when", .timestampWithTimeZone), text("day"), text("user_name"),
            ],
            key: ["id"],
            foreign: [
                refers(["user_id"], to: "user", ["ID"]), refers(["approver_id"], to: "user", ["ID"]),
                refers(["parent_id"], to: "order", ["id"]),
            ], rows: 4),
        landed(
            "odd", "user", [key("ID"), text("Full Name"), text("password_hash"), text("Status"), text("status")],
            key: ["ID"],
            unique: [["Full Name"]], rows: 3),
        landed("odd", "select", [text("select")], rows: 1),
        landed(
            "odd", "Weird Name", [text("a{{b}}"), text("quo\"te"), text("new\nline"), text("{% x %}"), text("it's")],
            rawTable: "odd__weird_name", rows: 1),
        landed("odd", "ünï", [text("ünï"), text("Ünï"), text("日本"), text("1st")], rawTable: "odd__n", rows: 1),
        landed(
            "odd", longName, [key(longName), int("parent_\(longName)")], key: [longName],
            foreign: [refers(["parent_\(longName)"], to: longName, [longName])], rows: 2),
        // Composite keys, joined as a whole.
        landed(
            "odd", "region", [text("Country Code", nullable: false), key("no"), text("name")],
            key: ["Country Code", "no"], rows: 2),
        landed(
            "odd", "shop",
            [key("id"), text("country"), int("region_no"), text("region_name"), moment("opened", .date)],
            key: ["id"],
            foreign: [refers(["country", "region_no"], to: "region", ["Country Code", "no"])], rows: 3),
        // A foreign key to columns that no key of the landed parent covers, and one to a table that did not land.
        landed(
            "odd", "visit", [key("id"), int("order_total"), int("ghost_id"), moment("at")], key: ["id"],
            foreign: [
                refers(["order_total"], to: "nokey", ["n"]), refers(["ghost_id"], to: "ghost", ["id"]),
            ], rows: 2),
        landed("odd", "nokey", [int("n")], rows: 2),
        landed("odd", "empty_events", [key("id"), moment("created_at"), money("amount")], key: ["id"], rows: 0),
        landed("odd", "empty", [text("nothing")], rows: 0),
    ]

    private static func typed(
        _ name: String, _ type: String, _ carried: CarriedType, _ meaning: StreamColumn.Meaning = .plain,
        nullable: Bool = true
    ) -> StreamColumn {
        StreamColumn(name: name, sourceType: type, carried: carried, meaning: meaning, nullable: nullable)
    }

    /// Every carried type and every meaning, in a fact with a parent that has them too.
    static let everyType: [StreamColumn] = [
        typed("c_boolean", "boolean", .boolean), typed("c_int16", "smallint", .int16),
        typed("quantity", "integer", .int32), typed("bytes_sent", "bigint", .int64),
        typed("c_float32", "real", .float32), typed("cost_estimate", "double precision", .float64),
        typed("c_decimal", "numeric(38,10)", .decimal(precision: 38, scale: 10)),
        typed("amount", "numeric", .text, .decimalText, nullable: false), typed("huge", "numeric", .text, .decimalText),
        typed("c_text", "text", .text), typed("c_bytes", "bytea", .bytes), typed("c_date", "date", .date),
        typed("c_time", "time without time zone", .time),
        typed("c_timestamp", "timestamp without time zone", .timestamp),
        typed("c_timestamptz", "timestamp with time zone", .timestampWithTimeZone), typed("c_uuid", "uuid", .uuid),
        typed("c_json", "jsonb", .text, .json), typed("c_interval", "interval", .text, .intervalText, nullable: false),
        typed("c_mood", "mood", .text, .enumeration), typed("c_array", "integer[]", .text, .json),
    ]

    private static let typeTables: [LandedStream] = [
        landed(
            "odd", "types", [typed("id", "numeric", .text, .decimalText, nullable: false)] + everyType, key: ["id"],
            rows: 3),
        landed(
            "odd", "types_event", [key("id"), typed("types_id", "numeric", .text, .decimalText)] + everyType,
            key: ["id"],
            foreign: [refers(["types_id"], to: "types", ["id"])], rows: 3),
    ]

    /// Tables of two schemas that want the same marts as tables of `public` and of another source.
    private static let outsidePublic: [LandedStream] = [
        landed(
            "odd", "order", [key("id"), moment("placed_at")], key: ["id"], schema: "sales",
            rawTable: "odd__sales__order"),
        landed(
            "odd", "receipt", [key("id"), moment("placed_at")], key: ["id"], schema: "sales",
            rawTable: "odd__sales__receipt"),
    ]

    private static let otherTables: [LandedStream] = [
        landed("other", "order", [key("id"), moment("placed_at"), text("status")], key: ["id"], rows: 1),
        landed("other", "user", [key("id"), text("name")], key: ["id"], rows: 1),
    ]
}
