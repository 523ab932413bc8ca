import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes

/// What came out at the ends of a connection's handlers.
extension EmbeddedChannel {
    /// What the application has got since the last look: heads by their paths, bodies by their bytes, ends.
    func application() throws -> [String] {
        var parts: [String] = []
        while let part = try readInbound(as: HTTPRequestPart.self) {
            switch part {
            case .head(let head): parts.append(head.path ?? "")
            case .body(let bytes): parts.append("\(bytes.readableBytes)")
            case .end: parts.append("end")
            }
        }
        return parts
    }

    /// What the client has got since the last look, with the fields of the last answer.
    func client() throws -> (statuses: [Int], body: String, fields: HTTPFields, ends: Int) {
        var found: (statuses: [Int], body: String, fields: HTTPFields, ends: Int) = ([], "", [:], 0)
        while let part = try readOutbound(as: HTTPResponsePart.self) {
            switch part {
            case .head(let head):
                found.statuses.append(head.status.code)
                found.fields = head.headerFields
            case .body(let bytes): found.body += String(buffer: bytes)
            case .end: found.ends += 1
            }
        }
        return found
    }
}
