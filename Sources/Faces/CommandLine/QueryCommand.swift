import ArgumentParser
import AsyncHTTPClient
import Foundation
import Kernel
import NIOCore
import Wire

struct QueryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query", abstract: "Run one SELECT over a warehouse.",
        discussion: "Tables and JSON hold at most 10,000 rows; csv and parquet hold all.")

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, csv, json, parquet

        var wire: QueryFormat {
            switch self {
            case .table, .json: .json
            case .csv: .csv
            case .parquet: .parquet
            }
        }
    }

    @Argument(help: "The SQL; - reads it from standard input.")
    var sql: String
    @Option(help: "The organization.")
    var organization: String?
    @Option(help: "dev, stage or prod.")
    var environment: String?
    @Option(help: "table, csv, json or parquet.")
    var format = Format.table
    @OptionGroup var data: DataOptions

    func run() async throws {
        if format == .parquet, Output.standardOutput.isTerminal {
            throw ValidationError(
                "Parquet is not for a terminal: send it to a file, as in … --format parquet > rows.parquet.")
        }
        let request = QueryRequest(
            sql: try text(), organization: organization, environment: environment, format: format.wire)
        switch format {
        case .table:
            let table: QueryTable = try await data.client.post("/api/v1/query", request)
            try Output.standardOutput.write(QueryText(style: Output.standardOutput.style).text(of: table))
        case .json, .csv, .parquet:
            try await copy(request)
            if format == .json { Output.standardOutput.say("") }
        }
    }

    private func text() throws -> String {
        guard sql == "-" else { return sql }
        let input = FileHandle.standardInput.readDataToEndOfFile()
        guard let text = String(data: input, encoding: .utf8) else {
            throw ValidationError("The SQL on standard input is not UTF-8.")
        }
        return text
    }

    private func copy(_ request: QueryRequest) async throws {
        try await Output.standardOutput.copy(try await data.client.stream("/api/v1/query", request))
    }
}

extension Output {
    /// Writes an answer's bytes as they come.
    /// - Throws: `engineUnavailable` if they break off.
    func copy(_ body: HTTPClientResponse.Body) async throws {
        do {
            for try await piece in body { try write(Array(piece.readableBytesView)) }
        } catch let status as ExitCode {
            throw status
        } catch let problem as Problem {
            throw problem
        } catch {
            throw Problem(
                .engineUnavailable, "The answer broke off: what was printed is not whole.",
                hint: "The server's log says why.", cause: error)
        }
    }
}
