import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("Calls of workers", .timeLimit(.minutes(10)))
struct CallTests {
    private func taker(
        _ name: String, kind: String = "a", version: Int = 1, of organizations: [OrganizationID]? = nil
    ) -> JobTaker {
        JobTaker(
            worker: name, kinds: [JobTaker.Kind(kind, version: version)], organizations: organizations,
            channel: "calls_\(name)")
    }

    /// Hears calls as a worker's listener does.
    private func listen(_ house: JobHouse, _ names: String...) async throws -> PGConnection {
        let connection = try await house.metadata.database.connect()
        for name in names { try await connection.script("LISTEN \"calls_\(name)\"") }
        return connection
    }

    private func heard(_ connection: PGConnection) async throws -> [String] {
        // What was notified before this statement's end is there with its answer.
        try await connection.query("SELECT 1")
        return try await connection.pendingNotifications().map { String($0.channel.dropFirst(6)) }
    }

    @Test("one worker that waits is called for one job, and no other")
    func one() async throws {
        try await JobHouse.use { house in
            let ears = try await listen(house, "ada", "bob")
            for name in ["ada", "bob"] {
                #expect(try await house.queue.turn(of: taker(name), room: 1).rest == .inLine)
            }
            try await house.enqueue([.init(kind: "a")])
            let first = try await heard(ears)
            #expect(first.count == 1)
            try await house.enqueue([.init(kind: "a"), .init(kind: "a")])
            let second = try await heard(ears)
            // Nobody is left for the third.
            #expect(Set(first + second) == ["ada", "bob"] && second.count == 1)
            // Whoever comes takes what there is, called for it or not.
            #expect(try await house.queue.turn(of: taker("ada"), room: 3).claimed.count == 3)
            await ears.close()
        }
    }

    @Test("only workers that can take the job are called")
    func able() async throws {
        try await JobHouse.use { house in
            let other = try await house.metadata.addOrganization("other")
            let ears = try await listen(house, "kind", "version", "organization", "able")
            for taker in [
                taker("kind", kind: "b"), taker("version", version: 1), taker("organization", version: 2, of: [other]),
            ] {
                #expect(try await house.queue.turn(of: taker, room: 1).rest == .inLine)
            }
            try await house.enqueue([try JobSpec(kind: "a", payload: JSONValue(0), after: [], version: 2)])
            #expect(try await heard(ears) == [])
            // A worker that comes later takes it at once.
            #expect(try await house.queue.turn(of: taker("able", version: 2), room: 2).claimed.count == 1)
            #expect(try await house.queue.turn(of: taker("able", version: 2), room: 1).rest == .inLine)
            try await house.enqueue([try JobSpec(kind: "a", payload: JSONValue(0), after: [], version: 2)])
            #expect(try await heard(ears) == ["able"])
            await ears.close()
        }
    }

    @Test(
        "jobs that become ready later call too: after others, after a failure, when a limit has room, when it is time")
    func later() async throws {
        try await JobHouse.use { house in
            let ears = try await listen(house, "ada")
            func wait() async throws {
                #expect(try await house.queue.turn(of: taker("ada"), room: 1).rest == .inLine)
                #expect(try await heard(ears) == [])
            }
            try await house.enqueue([
                .init(kind: "first", key: "k"), .init(kind: "a", after: [0]), .init(kind: "a", key: "k"),
            ])
            let first = try #require(try await house.claim("first"))
            // The keyed one is set aside when it is met.
            #expect(try await house.claim("a") == nil)
            try await wait()
            try await house.complete(first)
            #expect(try await heard(ears) == ["ada"])
            let jobs = try await house.queue.turn(of: taker("ada"), room: 2).claimed
            #expect(jobs.count == 2)
            try await wait()
            let step = JobStep(.pending, [.wait(.milliseconds(1)), .count(.failure)])
            try await house.queue.end(jobs[0], with: step, because: Problem(.busy, "Busy."))
            try await house.metadata.database.wait(
                until: "EXISTS (SELECT FROM weir.jobs WHERE waits = 'time' AND run_after < clock_timestamp())")
            try await house.queue.wakeJobs()
            #expect(try await heard(ears) == ["ada"])
            try await house.expire(jobs[1])
            _ = try await house.queue.turn(of: taker("ada"), room: 2)
            await ears.close()
        }
    }

    @Test("no call is lost to a transaction that is still open when a worker looks")
    func open() async throws {
        try await JobHouse.use { house in
            let ears = try await listen(house, "ada")
            let (mayCommit, isMade) = (Signal(), Signal())
            let maker = Task {
                try await house.metadata.application.transaction(organization: house.organization) { connection in
                    try await house.queue.enqueue(
                        run: TimeSource.system.makeID(), kind: "test", organization: house.organization,
                        environment: "dev", source: "s", jobs: [JobSpec(kind: "a", payload: JSONValue(0), after: [])],
                        time: .system, on: connection)
                    await isMade.open()
                    await mayCommit.wait()
                }
            }
            await isMade.wait()
            // Nothing is to be seen, but that is not sure.
            guard case .again(let pause) = try await house.queue.turn(of: taker("ada"), room: 1).rest else {
                Issue.record("it believes that nothing is ready")
                return
            }
            #expect(pause > .zero && pause < .milliseconds(100))
            await mayCommit.open()
            try await maker.value
            #expect(try await house.queue.turn(of: taker("ada"), room: 1).claimed.count == 1)
            await ears.close()
        }
    }

    @Test("a worker that is called by a transaction which does not end is called by others all the same")
    func held() async throws {
        try await JobHouse.use { house in
            let ears = try await listen(house, "ada")
            #expect(try await house.queue.turn(of: taker("ada"), room: 1).rest == .inLine)
            let (mayEnd, hasCalled) = (Signal(), Signal())
            let holder = Task {
                try await house.metadata.application.transaction(organization: house.organization) { connection in
                    try await house.queue.enqueue(
                        run: TimeSource.system.makeID(), kind: "test", organization: house.organization,
                        environment: "dev", source: "s", jobs: [JobSpec(kind: "a", payload: JSONValue(0), after: [])],
                        time: .system, on: connection)
                    await hasCalled.open()
                    await mayEnd.wait()
                    throw Problem(.conflict, "Not made after all.")
                }
            }
            await hasCalled.wait()
            try await house.enqueue([.init(kind: "a")])
            #expect(try await heard(ears) == ["ada"])
            #expect(try await house.queue.turn(of: taker("ada"), room: 1).claimed.count == 1)
            await mayEnd.open()
            await #expect(throws: Problem.self) { try await holder.value }
            await ears.close()
        }
    }

    @Test("a worker that is being called does not wait for whoever calls it, and so for nothing that waits for it")
    func called() async throws {
        try await JobHouse.use { house in
            #expect(try await house.queue.turn(of: taker("ada"), room: 1).rest == .inLine)
            try await house.enqueue([.init(kind: "b", key: "k")])
            let (mayEnd, hasCalled) = (Signal(), Signal())
            let caller = Task {
                try await house.metadata.application.transaction(organization: house.organization) { connection in
                    let specs = [try JobSpec(kind: "a", payload: JSONValue(0), after: [])]
                    try await house.queue.enqueue(
                        run: TimeSource.system.makeID(), kind: "test", organization: house.organization,
                        environment: "dev", source: "s", jobs: specs, time: .system, on: connection)
                    await hasCalled.open()
                    await mayEnd.wait()
                }
            }
            await hasCalled.wait()
            // It takes a job, and with it the key's only place, and wants to stand in line for more.
            let both = JobTaker(
                worker: "ada", kinds: [.init("a"), .init("b")], organizations: nil, channel: "calls_ada")
            let turn = try await house.queue.turn(of: both, room: 2)
            #expect(turn.claimed.map(\.kind) == ["b"])
            guard case .again = turn.rest else {
                Issue.record("it believes that it stands in line")
                return
            }
            await mayEnd.open()
            try await caller.value
            #expect(try await house.queue.turn(of: both, room: 2).claimed.map(\.kind) == ["a"])
            #expect(try await house.queue.turn(of: both, room: 1).rest == .inLine)
        }
    }

    @Test("whoever is called and has no place left passes the call on")
    func passedOn() async throws {
        try await JobHouse.use { house in
            let ears = try await listen(house, "ada", "bob")
            for name in ["ada", "bob"] { _ = try await house.queue.turn(of: taker(name), room: 1) }
            try await house.enqueue([.init(kind: "a")])
            let first = try await heard(ears)
            #expect(first.count == 1)
            try await house.queue.callOthers()
            #expect(try await Set(first + heard(ears)) == ["ada", "bob"])
            await ears.close()
        }
    }

    @Test("a call that was lost with whoever was called is made again")
    func lost() async throws {
        try await JobHouse.use { house in
            let ears = try await listen(house, "ada", "dead")
            _ = try await house.queue.turn(of: taker("ada"), room: 1)
            _ = try await house.queue.turn(of: taker("dead"), room: 1)
            try await house.enqueue([.init(kind: "a")])
            // The last to stand in line comes first.
            #expect(try await heard(ears) == ["dead"])
            try await house.queue.wakeJobs()
            #expect(try await heard(ears) == [])
            try await house.metadata.database.query("UPDATE weir.jobs SET ready_at = now() - interval '2 seconds'")
            try await house.queue.wakeJobs()
            #expect(try await heard(ears) == ["ada"])
            await ears.close()
        }
    }

    @Test("ten workers wait for one job each, and one begins it without the others waking")
    func quiet() async throws {
        try await JobHouse.use(connections: 12) { house in
            let handler = Handler(kind: "a") { _, _ in 1 }
            let workers = (0..<10).map { house.worker("worker \($0)", slots: 1, look: .seconds(3600), [handler]) }
            try await house.running(workers) {
                try await house.idle(10)
                let ears = try await house.metadata.database.connect()
                for row in try await house.metadata.database.query("SELECT channel FROM weir.idle_workers") {
                    try await ears.script("LISTEN \"\(row.string("channel"))\"")
                }
                // Whoever is called and does not come for a second is not waited for: on a busy machine others are
                // called too, rightly. That says nothing; another job is made then.
                for round in 1...30 {
                    try await house.idle(10)
                    // Of a round before that took too long.
                    _ = try await heard(ears)
                    let run = try await house.enqueue([.init(kind: "a")])
                    try await house.end(of: run)
                    let called = try await heard(ears).count
                    let inTime = try await house.metadata.database.number(
                        """
                        SELECT count(*) FROM weir.jobs
                        WHERE run_id = \(run) AND started_at < created_at + interval '0.5 s'
                        """)
                    guard inTime == 0 else {
                        #expect(called == 1)
                        break
                    }
                    #expect(round < 30, "No worker came within half a second, thirty times.")
                }
                await ears.close()
            }
            #expect(try await house.metadata.database.number("SELECT count(*) FROM weir.idle_workers") == 0)
        }
    }
}
