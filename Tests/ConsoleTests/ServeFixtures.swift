import Foundation
import Hummingbird
import Testing

@testable import Console

/// `WEIR_SERVE_FIXTURES=8090 swift test --filter ServeFixtures` serves the fixture's pages to a real browser until it is
/// stopped; the sign-in link is `/sign-in/good-code`. `WEIR_FIXTURE_MOOD` is `well`, `unwell` or `empty`.
@Suite struct ServeFixtures {
    @Test(.enabled(if: ProcessInfo.processInfo.environment["WEIR_SERVE_FIXTURES"] != nil))
    func `the fixture's pages are served on the port that is asked for`() async throws {
        let environment = ProcessInfo.processInfo.environment
        let port = try #require(environment["WEIR_SERVE_FIXTURES"].flatMap { Int($0) })
        let mood: FixtureOperations.Mood =
            switch environment["WEIR_FIXTURE_MOOD"] {
            case "unwell": .unwell
            case "empty": .empty
            default: .well
            }
        let router = Router()
        try Fixtures.console(FixtureOperations(mood, pace: .milliseconds(700))).addRoutes(to: router)
        let application = Application(
            router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port)))
        try await application.runService()
    }
}
