import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// A box for one SELECT over a warehouse.
struct QueryArea: Sendable {
    /// Rows on a page; a CSV file holds all.
    private static let pageRows = 500

    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/query", .dataRead) { visit in
            page(QueryPage(sql: visit.call.query["sql"] ?? "", place: try visit.place()), visit)
        }
        entrance.post("/query", .dataRead) { try await run($0) }
        entrance.post("/query.csv", .dataRead) { try await download($0) }
    }

    private func run(_ visit: Visit) async throws -> Response {
        let (request, place) = try await request(of: visit)
        do {
            let result = QueryResult(grid: Grid(try await console.operations.query(request, as: visit.caller)))
            if visit.call.isFragment { return .html(console.pages.render("query-result", result)) }
            return page(QueryPage(sql: request.sql, place: place, result: result), visit)
        } catch {
            let problem = Problem(wrapping: error)
            guard !visit.call.isFragment, problem.code != .internal else { throw error }
            let view = QueryPage(sql: request.sql, place: place, problem: ProblemNote(problem))
            return page(view, visit, status: HTTPResponse.Status(problem))
        }
    }

    private func download(_ visit: Visit) async throws -> Response {
        var (request, _) = try await request(of: visit)
        request.format = .csv
        let pieces = try await console.operations.export(request, as: visit.caller)
        let body = ResponseBody(asyncSequence: pieces.map { ByteBuffer(bytes: $0) })
        return .download("query.csv", type: QueryFormat.csv.contentType, body: body)
    }

    private func request(of visit: Visit) async throws -> (QueryRequest, Place) {
        let form = try await visit.call.form()
        let place = try Place(named: form["environment"])
        guard let sql = form["sql"] else {
            throw Problem(.invalidInput, "There is no SQL to run.", hint: "Write a SELECT.")
        }
        return (QueryRequest(sql: sql, environment: place.environment, limit: Self.pageRows), place)
    }

    private func page(_ view: QueryPage, _ visit: Visit, status: HTTPResponse.Status = .ok) -> Response {
        console.pages.page("query", view, Heading("SQL", .query, needsHtmx: true), visit: visit, status: status)
    }
}

struct QueryPage: Sendable {
    let sql: String
    let environments: [Choice]
    let result: QueryResult?
    let problem: ProblemNote?

    init(sql: String, place: Place, result: QueryResult? = nil, problem: ProblemNote? = nil) {
        self.sql = sql
        environments = place.choices
        self.result = result
        self.problem = problem
    }
}

struct QueryResult: Sendable {
    let grid: Grid
}
