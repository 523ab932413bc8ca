package import HTTPTypes
package import Kernel
package import NIOCore
import Wire

extension Console {
    /// What the routes would answer, with the name of the one that would, if that is ready and nothing has to be asked about
    /// whoever wants it; nil leaves the request to the routes. It returns at once, on any thread.
    ///
    /// A page is ready for those who may see it: whoever got it first was let in by the same rights.
    package func answerAtOnce(
        _ head: HTTPRequest, from origin: RequestOrigin
    ) -> (fields: HTTPFields, body: ByteBuffer, route: String)? {
        guard let ready, head.method == .get, let address = Self.sharedAddress(head),
            let session = SessionCookie.value(in: head.headerFields, isSecure: origin.isSecure),
            let caller = operations.knownCaller(session: session),
            let page = ready.ready(at: address, for: caller.audience)
        else { return nil }
        return (page.strictFields, page.body(for: caller.display), page.route)
    }

    /// Tells apart what all of an audience get alike: a page and the piece of it that htmx asks for have one address.
    static func sharedAddress(_ head: HTTPRequest) -> String? {
        head.path.map { head.headerFields.asksForFragment ? "part of \($0)" : $0 }
    }
}
