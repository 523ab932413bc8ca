import Kernel
import Testing

@Suite("Problems")
struct ProblemTests {
    private struct Leak: Error, CustomStringConvertible {
        let description = "password=hunter2"
    }

    @Test("stay what they are when wrapped")
    func wrapsItself() {
        let problem = Problem(wrapping: Problem(.diskFull, "Full.", hint: "Free space."))
        #expect(problem.code == .diskFull)
        #expect(problem.description == "Full. Free space.")
    }

    @Test("name a cancellation as one")
    func wrapsCancellation() {
        #expect(Problem(wrapping: CancellationError()).code == .cancelled)
    }

    @Test("of unknown kind are internal and do not show their cause")
    func wrapsUnknown() {
        let problem = Problem(wrapping: Leak())
        #expect(problem.code == .internal)
        #expect(problem.cause is Leak)
        #expect(!problem.description.contains("hunter2"))
        #expect(!"\(problem)".contains("hunter2"))
    }

    @Test("have a title and a stable word each", arguments: Problem.Code.allCases)
    func titles(code: Problem.Code) {
        #expect(!code.title.isEmpty)
        #expect(code.rawValue.allSatisfy { $0.isLowercase || $0 == "_" })
        #expect(Problem.Code(rawValue: code.rawValue) == code)
    }

    @Test("have a line each in the retry table")
    func retryTable() {
        let retried: [Problem.Code: Int] = [
            .sourceUnreachable: 3, .sourceInterrupted: 3, .sourceChanged: 2, .metadataUnavailable: 10,
            .engineUnavailable: 10, .secretsUnavailable: 10, .busy: 10, .leaseLost: 10, .timedOut: 2,
        ]
        for code in Problem.Code.allCases {
            let expected =
                code == .deliveryFailed
                ? .retry(attempts: 22, ceiling: .seconds(900))
                : retried[code].map { RetryDirective.retry(attempts: $0) } ?? .giveUp
            #expect(code.retryDirective == expected, "\(code)")
        }
    }

    @Test("of messages are tried for about two hours")
    func messages() {
        guard case .retry(let attempts, let ceiling) = Problem.Code.deliveryFailed.retryDirective else {
            return #expect(Bool(false), "they are given up at once")
        }
        var pauses = Duration.zero
        for attempt in 1..<attempts { pauses += backoff(after: attempt, ceiling: ceiling) }
        // Chance shortens each by up to half, by a quarter on average.
        let seconds = pauses / .seconds(1) * 0.75
        #expect(seconds > 110 * 60 && seconds < 130 * 60)
    }

    @Test(
        "that a person must solve are never tried again",
        arguments: [
            Problem.Code.invalidInput, .forbidden, .sourceCredentials, .sourcePermission, .dataInvalid, .diskFull,
            .modelsFailed, .queryRefused, .cancelled, .internal,
        ])
    func givesUp(code: Problem.Code) {
        #expect(code.retryDirective == .giveUp)
    }
}

@Suite("The pause before a retry")
struct BackoffTests {
    @Test("doubles up to its ceiling")
    func doubles() {
        let pauses = (1...8).map { backoff(after: $0) }
        #expect(pauses == [0.5, 1, 2, 4, 8, 16, 30, 30].map { .seconds($0) })
    }

    @Test("is never below its base nor above its ceiling", arguments: [Int.min, -1, 0, 17, 1000, Int.max])
    func bounded(attempt: Int) {
        let pause = backoff(after: attempt, base: .seconds(1), ceiling: .seconds(5))
        #expect(pause >= .seconds(1) && pause <= .seconds(5))
    }
}

@Suite("Secrets")
struct SecretTests {
    private struct Holder {
        let name = "holder"
        let secret = Secret("hunter2")
        let bytes = Secret(Array("hunter2".utf8))
    }

    @Test("never print, however they are asked")
    func neverPrint() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump(Holder(), to: &dumped)
        dump(secret, to: &dumped)
        let texts = [
            "\(secret)", String(describing: secret), String(reflecting: secret), "\(Holder())",
            String(reflecting: Holder()), "\([secret])", "\(Optional(secret) as Any)", "\(["key": secret])", dumped,
            "\(Mirror(reflecting: secret).children.map(\.value))",
        ]
        for text in texts {
            #expect(!text.contains("hunter2"))
            #expect(!text.contains("104, 117"))
        }
        #expect("\(secret)" == "•••")
    }

    @Test("are there for who reveals them")
    func reveal() {
        #expect(Secret("hunter2").reveal() == "hunter2")
        #expect(Secret("a") == Secret("a"))
        #expect(Secret("a") != Secret("b"))
    }
}
