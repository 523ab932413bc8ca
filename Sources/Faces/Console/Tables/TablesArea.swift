import Hummingbird
import Kernel
import Roles
import Wire

/// What is in the warehouse: schemas, tables, columns, first rows.
struct TablesArea: Sendable {
    private static let previewRows = 50

    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/tables", .dataRead) { try await list($0) }
        entrance.get("/tables/:schema/:table", .dataRead) { try await show($0) }
    }

    private func list(_ visit: Visit) async throws -> Response {
        let place = try visit.place()
        let schemas = try await console.operations.tables(of: place.request, as: visit.caller)
        let view = TablesPage(schemas, filter: visit.call.query["filter"], place: place)
        return console.pages.page("tables", view, Heading("Tables", .tables), visit: visit)
    }

    private func show(_ visit: Visit) async throws -> Response {
        let place = try visit.place()
        let schema = try visit.call.parameter("schema")
        let name = try visit.call.parameter("table")
        let schemas = try await console.operations.tables(of: place.request, as: visit.caller)
        guard let table = schemas.first(where: { $0.name == schema })?.tables.first(where: { $0.name == name }) else {
            throw Problem(
                .notFound, "There is no table \(schema).\(name) in \(place.environment).",
                hint: "See what there is under Tables.")
        }
        let preview = try await console.operations.preview(
            schema: schema, table: name, limit: Self.previewRows, of: place.request, as: visit.caller)
        let view = TablePage(table, schema: schema, place: place, preview: Grid(preview))
        return console.pages.page("table", view, Heading(name, .tables), visit: visit)
    }
}

struct TablesPage: Sendable {
    let environment: String
    let environments: [Choice]
    let filter: String
    let schemas: [SchemaRow]
    let isEmpty: Bool
    let nothingMatches: Bool

    init(_ schemas: [SchemaView], filter: String?, place: Place) {
        environment = place.environment
        environments = place.choices
        self.filter = filter ?? ""
        let rows = schemas.map { SchemaRow($0, filter: filter?.lowercased(), place: place) }
        self.schemas = filter == nil ? rows : rows.filter { !$0.tables.isEmpty }
        isEmpty = schemas.allSatisfy(\.tables.isEmpty)
        nothingMatches = !isEmpty && self.schemas.isEmpty
    }
}

struct SchemaRow: Sendable {
    private static let purposes = [
        "RAW": "as loaded", "STAGING": "typed and renamed, one to one", "INTERMEDIATE": "joined along keys",
        "MARTS": "facts, dimensions and daily metrics",
    ]

    let name: String
    let purpose: String?
    let count: String
    let tables: [TableRow]

    init(_ schema: SchemaView, filter: String?, place: Place) {
        name = schema.name
        purpose = Self.purposes[schema.name]
        tables = schema.tables.map { TableRow($0, schema: schema.name, place: place) }
            .filter { row in filter.map { row.name.lowercased().contains($0) } ?? true }
        let areViews = !tables.isEmpty && tables.allSatisfy(\.isView)
        count = Readable.plural(tables.count, areViews ? "view" : "table")
    }
}

struct TableRow: Sendable {
    let name: String
    let address: String
    let isView: Bool
    let columns: String
    let rows: String?

    init(_ table: TableView, schema: String, place: Place) {
        name = table.name
        address = "/tables/\(schema.encodedForAddress)/\(table.name.encodedForAddress)\(place.suffix)"
        isView = table.kind == "view"
        columns = Readable.plural(table.columns.count, "column")
        rows = table.rows.map { Readable.plural($0, "row") }
    }
}

struct TablePage: Sendable {
    let schema: String
    let name: String
    let isView: Bool
    let environment: String
    let tablesAddress: String
    let rows: String?
    let columnCount: String
    let columns: [Grid.Column]
    let preview: Grid
    /// A SELECT to go on from.
    let queryAddress: String

    init(_ table: TableView, schema: String, place: Place, preview: Grid) {
        self.schema = schema
        name = table.name
        isView = table.kind == "view"
        environment = place.environment
        tablesAddress = "/tables\(place.suffix)"
        rows = table.rows.map { Readable.plural($0, "row") }
        columnCount = Readable.plural(table.columns.count, "column")
        columns = table.columns.map { Grid.Column(name: $0.name, type: $0.type, isNumber: Grid.isNumeric($0.type)) }
        self.preview = preview
        let sql = "SELECT *\nFROM \(Self.quoted(schema)).\(Self.quoted(table.name))\nLIMIT 100"
        queryAddress = "/query?environment=\(place.environment)&sql=\(sql.encodedForAddress)"
    }

    /// Plain names stay as they are; DuckDB takes all others in quotes.
    private static func quoted(_ name: String) -> String {
        Slug.isValid(name.lowercased()) ? name : "\"\(name.replacingScalar("\"", with: "\"\""))\""
    }
}
