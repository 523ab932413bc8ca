import Kernel
import Synchronization
import Testing
import Wire

@Suite("Attempts with secrets")
struct AttemptLimitsTests {
    /// A clock that only tests move.
    private final class Clock: Sendable {
        private let instant = Mutex(ContinuousClock.now)
        var now: ContinuousClock.Instant { instant.withLock { $0 } }
        func pass(_ time: Duration) { instant.withLock { $0 += time } }
    }

    private let clock = Clock()
    private let limits: AttemptLimits

    init() {
        var policy = AttemptLimits.Policy()
        policy.free = 3
        policy.capacity = 8
        limits = AttemptLimits(policy) { [clock] in clock.now }
    }

    /// Tries a secret from an address; right ones begin with `right`.
    private func attempt(
        _ secret: String, from address: String = "192.0.2.1", by guesser: AttemptLimits.Guesser = .network
    ) async throws {
        let origin = RequestOrigin(address: IPAddress(address), isSecure: false, authority: "weir.test")
        try await RequestOrigin.$current.withValue(origin) {
            try await limits.attempt(secret, by: guesser) {
                guard secret.hasPrefix("right") else { throw Problem(.unauthenticated, "It is wrong.") }
            }
        }
    }

    private func code(
        _ secret: String, from address: String = "192.0.2.1", by guesser: AttemptLimits.Guesser = .network
    ) async -> Problem.Code? {
        do {
            try await attempt(secret, from: address, by: guesser)
            return nil
        } catch {
            return (error as? Problem)?.code
        }
    }

    private func useUp(from address: String = "192.0.2.1") async {
        for number in 0..<3 { _ = await code("wrong \(number) of \(address)", from: address) }
    }

    @Test("after some wrong ones each has to wait, twice as long every time, up to a minute")
    func delays() async throws {
        await useUp()
        var waits: [Int] = []
        for number in 3..<12 {
            do {
                try await attempt("wrong \(number)")
            } catch let problem as Problem {
                #expect(problem.code == .tooManyAttempts)
                let wait = try #require(problem.cause as? RetryAfter)
                waits.append(wait.seconds)
                clock.pass(.seconds(wait.seconds))
            }
            #expect(await code("wrong \(number)") == .unauthenticated)
        }
        #expect(waits == [1, 2, 4, 8, 16, 32, 60, 60, 60])
    }

    @Test("a secret that was right before is never slowed, whatever its neighbours do")
    func knownSecrets() async {
        #expect(await code("right") == nil)
        await useUp()
        #expect(await code("wrong again") == .tooManyAttempts)
        for _ in 0..<10 { #expect(await code("right") == nil) }
    }

    @Test("a secret that was made here is not slowed at its first use")
    func expectedSecrets() async {
        await useUp()
        #expect(await code("right and new") == .tooManyAttempts)
        limits.expect("right and expected")
        #expect(await code("right and expected") == nil)
    }

    @Test("nobody else's network is slowed; one household's IPv6 addresses are one network")
    func networks() async {
        await useUp(from: "2001:db8:1:2::1")
        #expect(await code("right 1", from: "2001:db8:1:2:ffff::9") == .tooManyAttempts)
        #expect(await code("right 1", from: "2001:db8:1:3::1") == nil)
        #expect(await code("right 2", from: "192.0.2.2") == nil)
    }

    @Test("the same wrong secret again is no new guess, and is not looked up again for a while")
    func repeated() async throws {
        for _ in 0..<100 { #expect(await code("wrong and old") == .unauthenticated) }
        #expect(await code("right") == nil)
        let looks = Mutex(0)
        func look() async { _ = try? await limits.attempt("wrong and old") { looks.withLock { $0 += 1 } } }
        await look()
        #expect(looks.withLock { $0 } == 0)
        clock.pass(.seconds(31))
        await look()
        #expect(looks.withLock { $0 } == 1)
    }

    @Test("a revoked secret loses its standing")
    func revoked() async {
        let isRevoked = Mutex(false)
        func use() async throws {
            try await limits.attempt("token") {
                if isRevoked.withLock({ $0 }) { throw Problem(.unauthenticated, "It is revoked.") }
            }
        }
        #expect(!limits.knows("token"))
        await #expect(throws: Never.self) { try await use() }
        #expect(limits.knows("token"))
        isRevoked.withLock { $0 = true }
        let problem = await #expect(throws: Problem.self) { try await use() }
        #expect(problem?.code == .unauthenticated)
        #expect(!limits.knows("token"))
    }

    @Test("all is forgotten after ten quiet minutes")
    func forgotten() async {
        await useUp()
        #expect(await code("right") == .tooManyAttempts)
        clock.pass(.seconds(600))
        #expect(await code("right") == nil)
        for number in 0..<3 { #expect(await code("wrong anew \(number)") == .unauthenticated) }
    }

    @Test("errors that say nothing about the secret cost nothing")
    func otherErrors() async {
        for number in 0..<10 {
            let problem = await #expect(throws: Problem.self) {
                try await limits.attempt("secret \(number)") { throw Problem(.metadataUnavailable, "It is away.") }
            }
            #expect(problem?.code == .metadataUnavailable)
        }
        #expect(await code("right") == nil)
    }

    @Test("an account's attempts count from their beginning, and are only its own")
    func accounts() async {
        let ann = AttemptLimits.Guesser.account("ann")
        await withTaskGroup(of: Problem.Code?.self) { group in
            for number in 0..<50 { group.addTask { await code("wrong \(number)", by: ann) } }
            var refused = 0
            for await code in group where code == .tooManyAttempts { refused += 1 }
            #expect(refused == 47)
        }
        #expect(await code("right", from: "192.0.2.9", by: ann) == .tooManyAttempts)
        #expect(await code("right", by: .account("bo")) == nil)
        #expect(await code("right by network") == nil)
    }

    @Test("what is remembered is bounded, and the newest stay")
    func bounded() async {
        for number in 0..<100 {
            await useUp(from: "198.51.100.\(number)")
            #expect(await code("right \(number)", from: "198.51.100.\(number)") == .tooManyAttempts)
        }
        // The oldest are forgotten: nobody can fill the memory.
        #expect(await code("right", from: "198.51.100.0") == nil)
    }
}
