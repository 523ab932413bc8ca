import Kernel
import Roles
import Synchronization
import Testing
import Wire

@Suite("Answers that are kept for a moment", .timeLimit(.minutes(10)))
struct ReadyAnswersTests {
    /// Counts how often an answer was made, and holds its making up until it is let go.
    private actor Kitchen {
        private(set) var made = 0
        private var gate: [CheckedContinuation<Void, Never>] = []
        private var isHeld = false

        func hold() { isHeld = true }

        func letGo() {
            isHeld = false
            for waiting in gate { waiting.resume() }
            gate = []
        }

        func make() async -> String {
            made += 1
            let number = made
            if isHeld { await withCheckedContinuation { gate.append($0) } }
            return "answer \(number)"
        }

        /// Waits until so many have begun.
        func untilMade(_ count: Int) async { while made < count { await Task.yield() } }
    }

    private final class Clock: Sendable {
        private let instant = Mutex(ContinuousClock.now)
        var now: ContinuousClock.Instant { instant.withLock { $0 } }
        func pass(_ time: Duration) { instant.withLock { $0 += time } }
    }

    private let changes = ChangeCounts()
    private let clock = Clock()
    private let kitchen = Kitchen()
    private let answers: ReadyAnswers<String>
    private let acme = caller()
    private let other = caller()

    init() {
        answers = ReadyAnswers(changes, capacity: 40_000, now: { [clock] in clock.now }, measure: { $0.utf8.count })
    }

    private static func caller(_ rights: Rights = Rights([Grant(.viewer)])) -> Caller {
        let time = TimeSource.system
        return Caller(organization: time.makeID(), slug: "acme", principal: time.makeID(), name: "ada", rights: rights)
    }

    private func ask(_ caller: Caller, at address: String = "GET /runs") async throws -> String {
        try await answers.answer(at: address, for: caller.audience) { [kitchen] in await kitchen.make() }
    }

    @Test("all of an audience get the same one, for a second")
    func freshness() async throws {
        var colleague = acme
        colleague.principal = TimeSource.system.makeID()
        colleague.name = "bob"
        #expect(try await ask(acme) == "answer 1")
        #expect(try await ask(colleague) == "answer 1")
        clock.pass(.milliseconds(999))
        #expect(try await ask(acme) == "answer 1")
        clock.pass(.milliseconds(1))
        #expect(try await ask(acme) == "answer 2")
    }

    @Test("who may more or less, is elsewhere or asks for something else, gets an answer of their own")
    func audiences() async throws {
        var callers = [acme, other]
        let changes: [(inout Caller) -> Void] = [
            { $0.rights = Rights([Grant(.viewer, in: "dev")]) },
            { $0.rights = Rights([Grant(.viewer)], scopes: [.runsRead]) },
            { $0.rights = Rights([Grant(.admin)]) },
            { $0.closed = "It is suspended." },
            { $0.isLocal = true },
            { $0.slug = "acme2" },
            { $0.belongsElsewhere = true },
        ]
        for change in changes {
            var caller = acme
            change(&caller)
            callers.append(caller)
        }
        var seen: Set<String> = []
        for caller in callers { seen.insert(try await ask(caller)) }
        seen.insert(try await ask(acme, at: "GET /runs?state=FAILED"))
        #expect(seen.count == callers.count + 1)
        #expect(try await ask(acme) == "answer 1")
    }

    @Test("with nobody in particular nothing personal is known")
    func anybody() {
        var caller = acme
        caller.person = TimeSource.system.makeID()
        caller.credential = TimeSource.system.makeID()
        #expect(caller.anybody.audience == caller.audience)
        #expect(caller.anybody.principal == .none)
        #expect([caller.anybody.name, caller.anybody.display] == ["", ""])
        #expect(caller.anybody.person == nil)
        #expect(caller.anybody.credential == nil)
    }

    @Test("a change of the organization, or of perhaps any, ends it at once; one of another does not")
    func changed() async throws {
        #expect(try await ask(acme) == "answer 1")
        changes.note(in: other.organization)
        #expect(try await ask(acme) == "answer 1")
        changes.note(in: acme.organization)
        #expect(try await ask(acme) == "answer 2")
        changes.note(in: nil)
        #expect(try await ask(acme) == "answer 3")
    }

    @Test("a run that is found in another state ends it, the same state does not")
    func runs() async throws {
        let run = TimeSource.system.makeID(RunTag.self)
        changes.noteRun(run, is: "RUNNING", in: acme.organization)
        #expect(try await ask(acme) == "answer 1")
        changes.noteRun(run, is: "RUNNING", in: acme.organization)
        #expect(try await ask(acme) == "answer 1")
        changes.noteRun(run, is: "SUCCESS", in: acme.organization)
        #expect(try await ask(acme) == "answer 2")
    }

    @Test("many who ask at once wait for one; who asks after a change waits for another, and no old one is kept")
    func together() async throws {
        await kitchen.hold()
        async let first = ask(acme)
        await kitchen.untilMade(1)
        async let joined = ask(acme)
        changes.note(in: acme.organization)
        async let later = ask(acme)
        await kitchen.untilMade(2)
        await kitchen.letGo()
        let (one, two) = (try await first, try await later)
        #expect([one, two] == ["answer 1", "answer 2"])
        #expect(["answer 1", "answer 2"].contains(try await joined))
        #expect(try await ask(acme) == "answer 2")
        #expect(await kitchen.made == 2)
    }

    @Test("while the next is made the one before is told, for ten seconds, but not past a change")
    func before() async throws {
        #expect(try await ask(acme) == "answer 1")
        clock.pass(.seconds(1))
        await kitchen.hold()
        async let next = ask(acme)
        await kitchen.untilMade(2)
        #expect(try await ask(acme) == "answer 1")
        clock.pass(.milliseconds(9_999))
        #expect(try await ask(acme) == "answer 1")
        clock.pass(.milliseconds(1))
        async let waiting = ask(acme)
        await kitchen.letGo()
        #expect(try await [next, waiting] == ["answer 2", "answer 2"])
        // After a change nobody is told what was before it.
        clock.pass(.seconds(1))
        await kitchen.hold()
        async let old = ask(acme)
        await kitchen.untilMade(3)
        changes.note(in: acme.organization)
        async let new = ask(acme)
        await kitchen.untilMade(4)
        await kitchen.letGo()
        #expect(try await [old, new] == ["answer 3", "answer 4"])
    }

    @Test("what would be told without waiting can be had at once, and nothing else")
    func atOnce() async throws {
        func ready(_ caller: Caller, at address: String = "GET /runs") -> String? {
            answers.ready(at: address, for: caller.audience)
        }
        #expect(ready(acme) == nil)
        #expect(try await ask(acme) == "answer 1")
        #expect(ready(acme) == "answer 1")
        #expect(ready(other) == nil)
        #expect(ready(acme, at: "GET /runs?state=FAILED") == nil)
        clock.pass(.seconds(1))
        #expect(ready(acme) == nil)
        await kitchen.hold()
        async let next = ask(acme)
        await kitchen.untilMade(2)
        #expect(ready(acme) == "answer 1")
        clock.pass(.seconds(10))
        #expect(ready(acme) == nil)
        await kitchen.letGo()
        #expect(try await next == "answer 2")
        #expect(ready(acme) == "answer 2")
        changes.note(in: acme.organization)
        #expect(ready(acme) == nil)
    }

    @Test("whoever asked first may go away: the others get their answer")
    func cancelled() async throws {
        await kitchen.hold()
        let gone = Task { try await ask(acme) }
        await kitchen.untilMade(1)
        async let waiting = ask(acme)
        gone.cancel()
        await kitchen.letGo()
        #expect(try await waiting == "answer 1")
    }

    @Test("an error is kept for nobody")
    func errors() async throws {
        await #expect(throws: Problem.self) {
            _ = try await answers.answer(at: "GET /runs", for: acme.audience) { throw Problem(.busy, "Not now.") }
        }
        #expect(try await ask(acme) == "answer 1")
    }

    @Test("however many addresses are asked for, what is kept is bounded, and large answers are not kept")
    func bounded() async throws {
        let answers = ReadyAnswers<Int>(changes, capacity: 4_000, now: { [clock] in clock.now }, measure: { $0 })
        let made = Mutex(0)
        func ask(_ address: String, size: Int) async throws {
            _ = try await answers.answer(at: address, for: acme.audience) {
                made.withLock { $0 += 1 }
                return size
            }
        }
        try await ask("large", size: 1_000)
        try await ask("large", size: 1_000)
        #expect(made.withLock { $0 } == 2)
        for number in 0..<100 { try await ask("\(number)", size: 300) }
        for number in 0..<100 { try await ask("\(number)", size: 300) }
        // At most 4 fit in at a time.
        #expect(made.withLock { $0 } >= 2 + 200 - 4)
        try await ask("99", size: 300)
        #expect(made.withLock { $0 } <= 202)
    }
}
