import Kernel
import Wire

/// Rows at the source against rows in the warehouse, stream by stream.
struct Receipts: Sendable {
    let rows: [ReceiptRow]
    let summary: String
    let sourceTotal: String
    /// Nil as long as nothing is loaded.
    let loadedTotal: String?

    /// Nil before the extraction has listed the streams.
    init?(_ streams: [StreamReceipt], isOver: Bool, place: String) {
        guard !streams.isEmpty else { return nil }
        rows = streams.map { ReceiptRow($0, isOver: isOver, environment: place) }
        let verified = streams.count(where: \.verified)
        summary =
            verified == streams.count
            ? "All \(Readable.plural(streams.count, "stream")) verified"
            : "\(Readable.count(Int64(verified))) of \(Readable.plural(streams.count, "stream")) verified"
        sourceTotal = Readable.count(streams.reduce(0) { $0 + ($1.sourceRows ?? 0) })
        let loaded = streams.compactMap(\.loadedRows)
        loadedTotal = loaded.isEmpty ? nil : Readable.count(loaded.reduce(0, +))
    }
}

struct ReceiptRow: Sendable {
    let name: String
    let table: String
    /// The table's page, once there is a table.
    let address: String?
    let sourceRows: String?
    let loadedRows: String?
    let verdict: String
    /// `equal`, `differs` or `open`.
    let style: String
    let problem: ProblemNote?

    init(_ stream: StreamReceipt, isOver: Bool, environment: String) {
        name = stream.name
        table = stream.table
        let suffix = environment == "dev" ? "" : "?environment=\(environment.encodedForAddress)"
        address = stream.loadedRows == nil ? nil : "/tables/RAW/\(stream.table.encodedForAddress)\(suffix)"
        sourceRows = stream.sourceRows.map { Readable.count($0) }
        loadedRows = stream.loadedRows.map { Readable.count($0) }
        problem = stream.problem.map { ProblemNote($0) }
        let isWrong = stream.problem != nil || isOver
        style = stream.verified ? "equal" : isWrong ? "differs" : "open"
        verdict =
            if stream.verified { "Equal" } else if !isWrong { "Not yet" } else if stream.loadedRows == nil {
                "Not loaded"
            } else { "Not equal" }
    }
}
