import API
import Admission
import Console
import HTTPTypes

/// Gives out answers that are ready, without the routes: the same answers, with all that stands around the routes.
struct ReadyDesk: Sendable {
    let doorway: Doorway
    let log: RequestLog
    let api: API
    let console: Console

    @Sendable func answer(_ head: HTTPRequest, _ ends: ConnectionEnds) -> AtOnceAnswer? {
        let started = ContinuousClock.now
        guard let path = head.path, let arrival = doorway.arrival(of: head, ends) else { return nil }
        let isForPrograms = path.utf8.starts(with: "/api/".utf8)
        let found = isForPrograms ? api.answerAtOnce(head) : console.answerAtOnce(head, from: arrival.origin)
        guard let found else { return nil }
        let begun = log.begin(head, at: started)
        var fields = found.fields
        doorway.complete(&fields, of: arrival)
        log.end(begun, found.route, .ok, &fields)
        return AtOnceAnswer(fields: fields, body: found.body)
    }
}
