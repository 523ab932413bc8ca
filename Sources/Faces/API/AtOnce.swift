package import HTTPTypes
package import NIOCore
import Wire

/// A JSON answer as bytes.
struct ReadyJSON: Sendable {
    let body: ByteBuffer
    /// As the router names it.
    let route: String
}

extension API {
    /// What the routes would answer, with the name of the one that would, if that is ready and nothing has to be asked about
    /// whoever wants it; nil leaves the request to the routes. It returns at once, on any thread.
    ///
    /// An answer is ready for those who may have it: whoever got it first was let in by the same rights.
    package func answerAtOnce(_ head: HTTPRequest) -> (fields: HTTPFields, body: ByteBuffer, route: String)? {
        guard let ready, head.method == .get, let address = head.path,
            let token = try? bearerToken(in: head.headerFields), attempts.knows(token),
            let caller = operations.knownCaller(token: token),
            let found = ready.ready(at: address, for: caller.audience)
        else { return nil }
        return (HTTPFields.ofJSON, found.body, found.route)
    }
}
