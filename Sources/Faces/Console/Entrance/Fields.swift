import HTTPTypes
import Hummingbird

extension HTTPFields {
    /// Whether htmx asks for a piece of a page.
    var asksForFragment: Bool { HTTPField.Name.htmx.map { self[$0] } == "true" }

    /// A field that swift-http-types has no constant for.
    func value(_ name: String) -> String? { HTTPField.Name(name).flatMap { self[$0] } }

    mutating func set(_ name: String, _ value: String) {
        guard let name = HTTPField.Name(name) else { return }
        self[name] = value
    }
}

extension HTTPField.Name {
    fileprivate static let htmx = Self("HX-Request")
}

extension Response {
    func with(_ name: String, _ value: String) -> Response {
        var response = self
        response.headers.set(name, value)
        return response
    }

    static let htmlType = "text/html; charset=utf-8"

    static func html(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: htmlType],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    /// A file to keep.
    static func download(_ name: String, type: String, body: ResponseBody) -> Response {
        Response(status: .ok, headers: [.contentType: type], body: body)
            .with("Content-Disposition", "attachment; filename=\"\(name)\"")
    }
}
