/// `POST /api/v1/sources/test`: sign in to a source and list its streams.
package struct SourceTestRequest: Sendable, Codable {
    package var url: String

    package init(url: String) { self.url = url }
}

package struct SourceTestResult: Sendable, Codable {
    /// `PostgreSQL 15.18`.
    package var product: String
    package var database: String
    package var streams: [StreamView]

    package init(product: String, database: String, streams: [StreamView]) {
        self.product = product
        self.database = database
        self.streams = streams
    }
}

package struct StreamView: Sendable, Codable {
    /// `schema.table`, as `CloneRequest.tables` takes it.
    package var name: String
    /// `table`, `partitioned_table`, `view`, `materialized_view` or `foreign_table`.
    package var kind: String
    package var columns: Int
    package var estimatedRows: Int64?
    package var estimatedBytes: Int64?
    /// Why it cannot be cloned; nil if it can.
    package var refusal: ProblemView?

    package init(
        name: String, kind: String, columns: Int, estimatedRows: Int64?, estimatedBytes: Int64?, refusal: ProblemView?
    ) {
        self.name = name
        self.kind = kind
        self.columns = columns
        self.estimatedRows = estimatedRows
        self.estimatedBytes = estimatedBytes
        self.refusal = refusal
    }
}
