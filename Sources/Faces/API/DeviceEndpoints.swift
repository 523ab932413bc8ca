import HTTPTypes
import Hummingbird
import Kernel
import Roles
import Wire

extension Endpoint {
    /// Signing in through a browser (RFC 8628), with JSON where the RFC has forms.
    static let devices: [Endpoint] = [
        Endpoint(
            method: .post, path: "/api/v1/device", name: "beginDevice",
            summary: "Begins the sign-in of a command line: a code for it, and one for a person (RFC 8628, 3.1).",
            body: Shapes.deviceRequest, answer: .json(Shapes.deviceStarted, "The codes."), problems: [.tooManyAttempts],
            action: .open { call in try .json(await call.operations.beginDevice(call.decoded())) }),
        Endpoint(
            method: .post, path: "/api/v1/device/token", name: "pollDevice",
            summary: """
                Asks whether the person has answered (RFC 8628, 3.4). Until then the status is 400 and `error` says \
                `authorization_pending`, `slow_down` (wait 5 s more between questions), `access_denied` or \
                `expired_token`.
                """,
            body: Shapes.deviceQuestion, answer: .json(Shapes.deviceToken, "The token, this once."),
            action: .open { call in
                let question: DeviceQuestion = try call.decoded()
                return try answer(await call.operations.pollDevice(code: question.deviceCode))
            }),
    ]

    private struct DeviceQuestion: Decodable {
        let deviceCode: String
    }

    private static func answer(_ word: DeviceWord) throws -> Response {
        switch word {
        case .granted(let token): return try .json(token)
        case .authorizationPending:
            throw notYet("authorization_pending", "Nobody has answered yet.", hint: "Ask again in some seconds.")
        case .slowDown(let seconds):
            throw notYet("slow_down", "That was too soon.", hint: "From now on wait \(seconds) seconds.")
        case .accessDenied:
            throw notYet("access_denied", "The sign-in was denied in the browser.", hint: nil)
        case .expiredToken:
            throw notYet(
                "expired_token", "The code is over, or was used.", hint: "Begin again: codes are good for ten minutes.")
        }
    }

    private static func notYet(_ error: String, _ detail: String, hint: String?) -> Refusal {
        Refusal(Problem(.unauthenticated, detail, hint: hint), status: 400, error: error)
    }
}

extension Shapes {
    static let deviceRequest = Shape(
        name: "DeviceRequest", note: "A command line that wants to be let in.",
        fields: [
            Field("machine", .text(), "What it calls itself; the person sees it."),
            .open("scopes", .list(.words(Scope.names)), "What it asks for; `all` if absent. The person chooses."),
        ])

    static let deviceStarted = Shape(
        name: "DeviceStarted", note: "RFC 8628, section 3.2.",
        fields: [
            Field("device_code", .text(), "For the command line alone."),
            Field("user_code", .text(), "`BCDF-GHJK`, for the person."),
            Field("verification_uri", .text(format: "uri"), "Where the person types it."),
            Field("verification_uri_complete", .text(format: "uri"), "The same with the code in it."),
            Field("expires_in", .integer(least: 1), "Seconds."),
            Field("interval", .integer(least: 1), "Seconds between two questions."),
        ])

    static let deviceQuestion = Shape(
        name: "DeviceQuestion", note: "RFC 8628, section 3.4.",
        fields: [
            Field("device_code", .text()),
            .optional("grant_type", .words(["urn:ietf:params:oauth:grant-type:device_code"])),
        ])

    static let deviceToken = Shape(
        name: "DeviceToken", note: "RFC 6749, section 5.1.",
        fields: [
            Field("access_token", .text()),
            Field("token_type", .words(["Bearer"])),
            Field("expires_in", .integer(least: 0), "Seconds."),
            Field("scope", .text(), "Names of scopes with blanks between."),
            Field("organization", .text(), "The organization that it is for."),
            Field("name", .text(), "Who it speaks for."),
        ])
}
