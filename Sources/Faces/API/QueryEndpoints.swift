import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

extension Endpoint {
    static let queries: [Endpoint] = [
        Endpoint(
            method: .post, path: "/api/v1/query", name: "query",
            summary: "Runs one SELECT. `json` gives at most `limit` rows; `csv` and `parquet` give all, as they come. "
                + "An answer that breaks off without its last chunk is not whole.",
            body: Shapes.queryRequest,
            answer: Answer(
                note: "The rows, in the format that was asked for.",
                contents: [
                    Answer.Content(mediaType: "application/json", schema: .shape(Shapes.queryTable)),
                    Answer.Content(mediaType: "text/csv", schema: .text()),
                    Answer.Content(mediaType: "application/vnd.apache.parquet", schema: nil),
                ]),
            problems: queryProblems,
            action: .signedIn(.dataRead) { call, caller in try await answer(call, caller) }),
        Endpoint(
            method: .get, path: "/api/v1/tables", name: "listTables",
            summary: "The warehouse's schemas with their tables and columns.",
            parameters: Parameter.naming, answer: .json(Shapes.schemaList, "The tree."),
            problems: [.notFound, .engineUnavailable],
            action: .signedIn(.dataRead) { call, caller in
                try .json(["schemas": await call.operations.tables(of: call.place, as: caller)])
            }),
        Endpoint(
            method: .get, path: "/api/v1/tables/{schema}/{table}/rows", name: "previewTable",
            summary: "The first rows of a table.",
            parameters: [
                .path("schema", "`RAW`, `STAGING`, `INTERMEDIATE` or `MARTS`."), .path("table", "The table's name."),
                .query("limit", "How many at most; 100 if absent.", .integer(least: 1, most: 1000)),
            ] + Parameter.naming,
            answer: .json(Shapes.queryTable, "The rows."), problems: queryProblems,
            action: .signedIn(.dataRead) { call, caller in
                let table = try await call.operations.preview(
                    schema: call.part("schema"), table: call.part("table"), limit: call.integer("limit", default: 100),
                    of: call.place, as: caller)
                return try .json(table.finite)
            }),
    ]

    private static let queryProblems: [Problem.Code] = [
        .notFound, .queryRefused, .queryFailed, .queryTooLong, .queryTooLarge, .engineUnavailable, .busy,
    ]

    private static func answer(_ call: Call, _ caller: Caller) async throws -> Response {
        let request: QueryRequest = try call.decoded()
        let format = request.format ?? .json
        guard format == .json else {
            let bytes = try await call.operations.export(request, as: caller)
            return try await .stream(bytes, contentType: format.contentType, faults: call.faults)
        }
        return try .json(await call.operations.query(request, as: caller).finite)
    }
}

extension Response {
    /// Bytes as they come. It waits for the first, so that a query that fails at once is answered with a problem.
    static func stream(
        _ bytes: AsyncThrowingStream<[UInt8], any Error>, contentType: String, faults: FaultReport
    ) async throws -> Response {
        var iterator = bytes.makeAsyncIterator()
        let first = try await iterator.next() ?? []
        return Response(
            status: .ok, headers: [.contentType: contentType, .cacheControl: "no-store"],
            body: ResponseBody { writer in
                do {
                    try await writer.write(ByteBuffer(bytes: first))
                    for try await piece in bytes { try await writer.write(ByteBuffer(bytes: piece)) }
                } catch {
                    // The status is out already: reporting and breaking the answer off is all that is left.
                    _ = faults.report(error)
                    throw error
                }
                try await writer.finish(nil)
            })
    }
}
