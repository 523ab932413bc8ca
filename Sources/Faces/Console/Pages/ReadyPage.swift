import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import Wire

/// What an address shows to all of an audience alike.
enum SharedContent {
    /// A page in its frame.
    case page(String, view: Any, Heading)
    /// A piece of a page, for htmx.
    case fragment(String, view: Any)
    case data(any Encodable)
}

/// An answer as bytes, with a gap where the name of whoever asks stands.
struct ReadyPage: Sendable {
    private let fields: HTTPFields
    /// With those that every answer of the console has.
    let strictFields: HTTPFields
    private let before: ByteBuffer
    /// Nil if no name stands in it.
    private let after: ByteBuffer?
    /// As the router names it.
    let route: String

    fileprivate init(_ contentType: String, _ before: ByteBuffer, after: ByteBuffer? = nil, at route: String) {
        fields = [.contentType: contentType]
        var strict = fields
        strict.makeStrict()
        strictFields = strict
        self.before = before
        self.after = after
        self.route = route
    }

    /// In bytes.
    var size: Int { before.readableBytes + (after?.readableBytes ?? 0) }

    func response(for name: String) -> Response {
        Response(status: .ok, headers: fields, body: ResponseBody(byteBuffer: body(for: name)))
    }

    func body(for name: String) -> ByteBuffer {
        guard let after else { return before }
        let name = Markup().escapeText(name)
        var body = ByteBuffer()
        body.reserveCapacity(size + name.utf8.count)
        body.writeImmutableBuffer(before)
        body.writeString(name)
        body.writeImmutableBuffer(after)
        return body
    }
}

extension Pages {
    /// Stands for the name until it is known; nobody can guess it and have it in a text of theirs.
    private static let gap = UUID().uuidString

    /// - Parameters:
    ///   - visit: somebody of the audience; their own name is not shown.
    ///   - route: whose answer it is.
    func ready(_ content: SharedContent, for visit: Visit, at route: String) throws -> ReadyPage {
        switch content {
        case .page(let template, let view, let heading):
            var visit = visit
            visit.caller.display = Self.gap
            let parts = text(template, view, heading, visit: visit).split(
                separator: Self.gap, maxSplits: 1, omittingEmptySubsequences: false)
            return ReadyPage(
                Response.htmlType, ByteBuffer(substring: parts[0]),
                after: parts.dropFirst().first.map { ByteBuffer(substring: $0) }, at: route)
        case .fragment(let template, let view):
            return ReadyPage(Response.htmlType, ByteBuffer(string: render(template, view)), at: route)
        case .data(let value):
            return ReadyPage("application/json", ByteBuffer(bytes: try WireJSON.encode(value)), at: route)
        }
    }
}
