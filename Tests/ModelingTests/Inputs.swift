import Connecting
import Modeling

/// The landed streams that the tests generate models from.
enum Inputs {
    /// The Chinook music shop as PostgreSQL declares it.
    static let chinook = ModelingInput(
        organization: "acme", environment: "dev", database: "lake",
        sources: [LandedSource(slug: "chinook", streams: chinookStreams)])

    static let all = ["chinook": chinook, "adversarial": adversarial]

    static func landed(
        _ source: String, _ table: String, _ columns: [StreamColumn], key: [String] = [], unique: [[String]] = [],
        foreign: [ForeignKey] = [], schema: String = "public", rawTable: String? = nil, rows: Int64 = 1
    ) -> LandedStream {
        LandedStream(
            stream: SourceStream(
                name: StreamName(schema: schema, table: table), kind: .table, columns: columns, primaryKey: key,
                uniqueKeys: unique, foreignKeys: foreign),
            table: rawTable ?? "\(source)__\(table)", rows: rows)
    }

    static func int(_ name: String, nullable: Bool = true) -> StreamColumn {
        StreamColumn(name: name, sourceType: "integer", carried: .int32, nullable: nullable)
    }

    static func text(_ name: String, nullable: Bool = true) -> StreamColumn {
        StreamColumn(name: name, sourceType: "text", carried: .text, nullable: nullable)
    }

    static func money(_ name: String, nullable: Bool = false) -> StreamColumn {
        StreamColumn(
            name: name, sourceType: "numeric(10,2)", carried: .decimal(precision: 10, scale: 2), nullable: nullable)
    }

    static func moment(_ name: String, nullable: Bool = true, _ type: CarriedType = .timestamp) -> StreamColumn {
        StreamColumn(name: name, sourceType: "timestamp without time zone", carried: type, nullable: nullable)
    }

    static func refers(
        _ columns: [String], to table: String, _ parent: [String], schema: String = "public"
    ) -> ForeignKey {
        ForeignKey(columns: columns, references: StreamName(schema: schema, table: table), referencedColumns: parent)
    }

    private static func id(_ name: String) -> StreamColumn { int(name, nullable: false) }

    private static func texts(_ names: String...) -> [StreamColumn] { names.map { text($0) } }

    private static func named(_ table: String, rows: Int64) -> LandedStream {
        landed("chinook", table, [id("\(table)id"), text("name")], key: ["\(table)id"], rows: rows)
    }

    private static let chinookStreams: [LandedStream] = [
        named("artist", rows: 275), named("genre", rows: 25), named("mediatype", rows: 5), named("playlist", rows: 18),
        landed(
            "chinook", "album", [id("albumid"), text("title", nullable: false), id("artistid")], key: ["albumid"],
            foreign: [refers(["artistid"], to: "artist", ["artistid"])], rows: 347),
        landed(
            "chinook", "employee",
            [id("employeeid"), text("lastname", nullable: false), text("firstname", nullable: false), text("title")]
                + [int("reportsto"), moment("birthdate"), moment("hiredate")]
                + texts("address", "city", "state", "country", "postalcode", "phone", "fax", "email"),
            key: ["employeeid"], foreign: [refers(["reportsto"], to: "employee", ["employeeid"])], rows: 8),
        landed(
            "chinook", "customer",
            [id("customerid"), text("firstname", nullable: false), text("lastname", nullable: false)]
                + texts("company", "address", "city", "state", "country", "postalcode", "phone", "fax")
                + [text("email", nullable: false), int("supportrepid")],
            key: ["customerid"], foreign: [refers(["supportrepid"], to: "employee", ["employeeid"])], rows: 59),
        landed(
            "chinook", "invoice",
            [id("invoiceid"), id("customerid"), moment("invoicedate", nullable: false)]
                + texts("billingaddress", "billingcity", "billingstate", "billingcountry", "billingpostalcode")
                + [money("total")],
            key: ["invoiceid"], foreign: [refers(["customerid"], to: "customer", ["customerid"])], rows: 412),
        landed(
            "chinook", "track",
            [id("trackid"), text("name", nullable: false), int("albumid"), id("mediatypeid"), int("genreid")]
                + [text("composer"), id("milliseconds"), int("bytes"), money("unitprice")],
            key: ["trackid"],
            foreign: [
                refers(["albumid"], to: "album", ["albumid"]),
                refers(["mediatypeid"], to: "mediatype", ["mediatypeid"]),
                refers(["genreid"], to: "genre", ["genreid"]),
            ], rows: 3503),
        landed(
            "chinook", "invoiceline",
            [id("invoicelineid"), id("invoiceid"), id("trackid"), money("unitprice"), id("quantity")],
            key: ["invoicelineid"],
            foreign: [
                refers(["invoiceid"], to: "invoice", ["invoiceid"]), refers(["trackid"], to: "track", ["trackid"]),
            ], rows: 2240),
        landed(
            "chinook", "playlisttrack", [id("playlistid"), id("trackid")], key: ["playlistid", "trackid"],
            foreign: [
                refers(["playlistid"], to: "playlist", ["playlistid"]), refers(["trackid"], to: "track", ["trackid"]),
            ], rows: 8715),
    ]
}
