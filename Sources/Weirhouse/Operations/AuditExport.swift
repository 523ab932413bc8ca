import Foundation
import Kernel
import Postgres
import Wire

/// All lines that match, as a file: read from the database as its reader takes them.
struct AuditExport: Sendable {
    let reader: AuditReader
    let search: AuditSearch
    /// The last line that is looked at.
    let through: Int64
    let format: AuditFormat

    /// Lines of one piece.
    private static let pieceLines = 500

    var pieces: AsyncThrowingStream<[UInt8], any Error> {
        let place = Place()
        return AsyncThrowingStream { try await next(place) }
    }

    /// Where the reader is. Only the stream's one reader touches it.
    private actor Place {
        private(set) var sequence: Int64 = 0
        private(set) var isBegun = false

        func move(to sequence: Int64) {
            self.sequence = sequence
            isBegun = true
        }
    }

    private func next(_ place: Place) async throws -> [UInt8]? {
        let after = await place.sequence
        let isFirst = await !place.isBegun
        do {
            let lines = try await reader.next(Self.pieceLines, after: after, through: through, search)
            guard let last = lines.last ?? nil else {
                guard isFirst else { return nil }
                await place.move(to: through)
                return Array(header.utf8)
            }
            await place.move(to: last.sequence)
            let texts = try lines.map(text)
            return Array(((isFirst ? header : "") + texts.joined()).utf8)
        } catch let error as PGError {
            throw error.asMetadataProblem
        }
    }

    private var header: String {
        format == .csv ? AuditCSV.columns.joined(separator: ",") + "\r\n" : ""
    }

    private func text(of line: AuditLine) throws -> String {
        switch format {
        case .jsonl: String(decoding: try WireJSON.encode(line), as: UTF8.self) + "\n"
        case .csv: AuditCSV.row(line)
        }
    }
}

/// RFC 4180. Spreadsheets take what begins with certain characters for a formula, also from a file: such a cell gets an
/// apostrophe before it (OWASP, "CSV Injection").
enum AuditCSV {
    static let columns = [
        "sequence", "at", "who", "who_kind", "who_id", "credential_id", "action", "target_kind", "target", "outcome",
        "problem", "before", "after", "address", "user_agent", "correlation_id", "organization_id", "previous_hash",
        "hash",
    ]

    static func row(_ line: AuditLine) -> String {
        let cells: [String?] = [
            String(line.sequence), line.at, line.who, line.whoKind, line.whoID, line.credentialID, line.action,
            line.targetKind, line.target, line.outcome, line.problem, line.before, line.after, line.address,
            line.userAgent, line.correlationID, line.organizationID, line.previousHash, line.hash,
        ]
        return cells.map { $0.map(cell) ?? "" }.joined(separator: ",") + "\r\n"
    }

    static func cell(_ text: String) -> String {
        let isFormula = text.unicodeScalars.first.map { "=+-@\t\r\n＝＋－＠".unicodeScalars.contains($0) } ?? false
        let safe = isFormula ? "'\(text)" : text
        return "\"\(safe.replacingScalar("\"", with: "\"\""))\""
    }
}
