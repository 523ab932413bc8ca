import DuckDB
import Kernel
import Serving
import Warehousing
import Wire

/// The server's way to the query engine: adds what the engine needs to reach a warehouse, and turns its answers into what
/// the faces show.
struct QueryGateway: Sendable {
    private let engine: EngineClient
    private let adapter: any WarehouseAdapter
    private let observe: Observe
    private let known = KnownRows<QueryTable> { $0.rows.count * max($0.columns.count, 1) }

    /// Seconds until a query is stopped.
    static let deadline = 60.0
    /// Exports are for programs and may take longer.
    static let exportDeadline = 600.0

    init(house: House) {
        engine = EngineClient(socket: house.folder.engineSocket)
        observe = house.observe
        adapter = house.embedded {
            throw Problem(.unsupported, "The server loads no DuckDB.")
        }
    }

    func health() async throws -> String {
        let health = try await engine.health()
        return "DuckDB \(health.version), \(health.running) running, \(health.waiting) waiting"
    }

    /// At most `limit` rows.
    func rows(_ sql: String, limit: Int, in place: WarehousePlace) async throws -> QueryTable {
        let request = try await request(sql, .json, limit: limit, deadline: Self.deadline, in: place)
        let table = try await withSpan("ask query engine", .client, observe: observe) {
            try await engine.query(request)
        }
        return QueryTable(
            columns: table.columns.map { QueryColumn(name: $0.name, type: $0.type) },
            rows: table.rows.map { row in row.map(\.wire) }, truncated: table.truncated, seconds: table.seconds)
    }

    /// The same, from memory if the warehouse has not changed since: for statements that many people ask alike.
    func knownRows(_ sql: String, limit: Int, in place: WarehousePlace) async throws -> QueryTable {
        guard let version = try await adapter.version(of: place) else { throw Self.noWarehouse(place) }
        return try await known.rows(sql, limit: limit, in: place, at: version) {
            try await rows(sql, limit: limit, in: place)
        }
    }

    /// Asks ahead of time for rows of warehouses that have changed (`KnownRows.keepFresh`), until cancelled.
    func keepFresh() async { await known.keepFresh { try await adapter.version(of: $0) } }

    /// All rows, in pieces.
    /// - Parameter deadline: seconds until it is stopped.
    func export(
        _ sql: String, as format: QueryFormat, in place: WarehousePlace, deadline: Double = exportDeadline
    ) async throws -> AsyncThrowingStream<[UInt8], any Error> {
        let engineFormat: EngineFormat =
            switch format {
            case .csv: .csv
            case .parquet: .parquet
            case .json: throw Problem(.invalidInput, "JSON is not exported as a stream.", hint: "Use csv or parquet.")
            }
        let request = try await request(sql, engineFormat, limit: .max, deadline: deadline, in: place)
        return try await withSpan("ask query engine", .client, observe: observe) { try await engine.export(request) }
    }

    /// The four schemas with their tables and columns, in the order of the data's way, newest layer first.
    func tables(in place: WarehousePlace) async throws -> [SchemaView] {
        let found = try await rows(Self.columnsOfAll, limit: 100_000, in: place).rows
        let counts = try await adapter.rowCounts(of: place)
        var tables: [String: [TableView]] = [:]
        for row in found {
            let fields = row.map { $0.text ?? "" }
            guard fields.count == 5 else { continue }
            let column = QueryColumn(name: fields[3], type: fields[4])
            if var last = tables[fields[0]]?.last, last.name == fields[1] {
                last.columns.append(column)
                tables[fields[0]]?.removeLast()
                tables[fields[0]]?.append(last)
            } else {
                tables[fields[0], default: []].append(
                    TableView(
                        name: fields[1], kind: fields[2] == "VIEW" ? "view" : "table", columns: [column],
                        rows: counts[WarehouseTable(schema: fields[0], name: fields[1])]))
            }
        }
        return WarehouseSchema.allCases.reversed().map { schema in
            SchemaView(name: schema.rawValue, tables: tables[schema.rawValue] ?? [])
        }
    }

    private static let columnsOfAll = """
        SELECT c.table_schema, c.table_name, t.table_type, c.column_name, c.data_type
        FROM information_schema.columns c JOIN information_schema.tables t
          ON t.table_schema = c.table_schema AND t.table_name = c.table_name
        ORDER BY c.table_schema, c.table_name, c.ordinal_position
        """

    private static func noWarehouse(_ place: WarehousePlace) -> Problem {
        Problem(
            .notFound, "There is no warehouse for \(place.slug) \(place.environment) yet.",
            hint: "Clone a source into it: weir clone postgresql://…")
    }

    private func request(
        _ sql: String, _ format: EngineFormat, limit: Int, deadline: Double, in place: WarehousePlace
    ) async throws -> EngineRequest {
        guard try await adapter.status(of: place).exists else { throw Self.noWarehouse(place) }
        return EngineRequest(
            warehouse: place.name, target: try await adapter.readingTarget(for: place), sql: sql, format: format,
            limit: limit, deadline: deadline)
    }
}

extension EngineCell {
    var wire: Cell {
        switch self {
        case .null: .null
        case .bool(let value): .bool(value)
        case .integer(let value): .integer(value)
        case .number(let value): .number(value)
        case .text(let value): .text(value)
        }
    }
}
