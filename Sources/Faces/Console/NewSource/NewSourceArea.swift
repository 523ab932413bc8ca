import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

/// The one click: connect, look, choose, clone.
struct NewSourceArea: Sendable {
    let console: Console

    func addRoutes(to entrance: Entrance<some RequestContext>) {
        entrance.get("/sources/new", .sourcesManage) { visit in page(NewSourcePage(CloneForm(visit.call.query)), visit)
        }
        entrance.post("/sources/test", .sourcesManage) { try await test($0) }
        entrance.post("/clones", .clonesStart) { try await clone($0) }
    }

    /// The streams of the source: a piece for htmx, the whole page without it.
    private func test(_ visit: Visit) async throws -> Response {
        let form = CloneForm(try await visit.call.form())
        do {
            let request = SourceTestRequest(url: try form.connection())
            let offer = StreamOffer(try await console.operations.testSource(request, as: visit.caller))
            if visit.call.isFragment { return .html(console.pages.render("source-streams", offer)) }
            return page(NewSourcePage(form, offer: offer), visit)
        } catch {
            return try refuse(error, form, visit)
        }
    }

    private func clone(_ visit: Visit) async throws -> Response {
        let form = CloneForm(try await visit.call.form())
        do {
            let accepted = try await console.operations.startClone(try form.request(), as: visit.caller)
            let address = "/runs/\(accepted.runID.encodedForAddress)"
            guard visit.call.isFragment else { return .redirect(to: address) }
            return Response(status: .noContent).with("HX-Redirect", address)
        } catch {
            return try refuse(error, form, visit)
        }
    }

    /// In htmx's page the form stands as it was typed; else it is filled again, without the password.
    private func refuse(_ error: any Error, _ form: CloneForm, _ visit: Visit) throws -> Response {
        let problem = Problem(wrapping: error)
        guard problem.code != .internal, !visit.call.isFragment else { throw error }
        return page(
            NewSourcePage(form, problem: ProblemNote(problem)), visit,
            status: HTTPResponse.Status(problem))
    }

    private func page(_ view: NewSourcePage, _ visit: Visit, status: HTTPResponse.Status = .ok) -> Response {
        let heading = Heading("New source", .newSource, needsHtmx: true)
        return console.pages.page("new-source", view, heading, visit: visit, status: status)
    }
}

struct NewSourcePage: Sendable {
    let address: String
    let source: String
    let environments: [Choice]
    let problem: ProblemNote?
    let offer: StreamOffer?

    init(_ form: CloneForm, problem: ProblemNote? = nil, offer: StreamOffer? = nil) {
        address = ConnectionAddress(form.address).withoutPassword
        source = form.source ?? ""
        let chosen = form.environment ?? "dev"
        environments = Place.names.map { Choice(value: $0, label: $0, isChosen: $0 == chosen) }
        self.problem = problem
        self.offer = offer
    }
}

/// What a source offers: tables are chosen already, views on request.
struct StreamOffer: Sendable {
    let product: String
    let database: String
    let summary: String
    let streams: [StreamRow]
    let isEmpty: Bool
    let refused: String?

    init(_ result: SourceTestResult) {
        product = result.product
        database = result.database
        streams = result.streams.map { StreamRow($0) }
        isEmpty = result.streams.isEmpty
        let tables = result.streams.filter { $0.refusal == nil && !StreamRow.isView($0) }
        let rows = tables.reduce(0) { $0 + ($1.estimatedRows ?? 0) }
        let bytes = tables.reduce(0) { $0 + ($1.estimatedBytes ?? 0) }
        summary =
            "\(Readable.plural(tables.count, "table")), about \(Readable.plural(rows, "row")), \(Readable.bytes(bytes))"
        let count = result.streams.count { $0.refusal != nil }
        refused = count > 0 ? "\(Readable.count(Int64(count))) cannot be cloned" : nil
    }
}

struct StreamRow: Sendable {
    let name: String
    /// Only what is no plain table says what it is.
    let kind: String?
    let columns: Int
    let rows: String
    let size: String
    let isChosen: Bool
    let refusal: ProblemNote?

    init(_ stream: StreamView) {
        name = stream.name
        kind = stream.kind == "table" ? nil : stream.kind.replacing("_", with: " ")
        columns = stream.columns
        rows = stream.estimatedRows.map { Readable.count($0) } ?? "unknown"
        size = stream.estimatedBytes.map { Readable.bytes($0) } ?? "unknown"
        isChosen = stream.refusal == nil && !Self.isView(stream)
        refusal = stream.refusal.map { ProblemNote($0) }
    }

    static func isView(_ stream: StreamView) -> Bool { stream.kind.hasSuffix("view") }
}
