import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

@Suite("The state machine of jobs", .timeLimit(.minutes(10)))
struct JobMachineTests {
    private static let events: [JobEvent] =
        [
            .claimed, .succeeded, .deadlinePassed, .workerStopped, .leaseLost, .cancelled, .rescueOffered, .rescueEnded,
            .retried,
            .resolved,
        ] + Problem.Code.allCases.map { .failed($0) }

    @Test("knows the same transitions as the database")
    func database() async throws {
        try await JobHouse.use { house in
            let rows = try await house.metadata.database.query("SELECT from_state, to_state FROM weir.job_transitions")
            let known = try rows.map { row in
                JobTransition(
                    from: try #require(JobState(rawValue: row.string("from_state"))),
                    to: try #require(JobState(rawValue: row.string("to_state"))))
            }
            #expect(Set(known) == JobMachine.transitions)
        }
    }

    @Test("no other transition can be written")
    func refused() async throws {
        try await JobHouse.use { house in
            for from in JobState.allCases {
                for to in JobState.allCases where from != to {
                    let isWritten = try await house.writes(from: from, to: to)
                    #expect(isWritten == JobMachine.transitions.contains(.init(from: from, to: to)), "\(from) → \(to)")
                }
            }
        }
    }

    @Test("whatever happens in whatever order, a job ends or can go on, and counts only up", arguments: 0..<200)
    func walks(seed: UInt64) throws {
        var dice = Dice(seed: seed)
        let policy = JobPolicy(rescue: seed % 2 == 0 ? .seconds(60) : nil, mostLosses: 3)
        var job = JobFacts(state: .pending)
        for _ in 0..<200 {
            let event = try #require(Self.events.randomElement(using: &dice))
            let luck = Double.random(in: 0...1, using: &dice)
            guard let step = JobMachine.step(job, on: event, policy: policy, luck: luck) else { continue }
            #expect(JobMachine.transitions.contains(.init(from: job.state, to: step.state)))
            // Room is given back exactly when a claim ends.
            #expect(step.effects.contains(.releaseLimits) == (job.state == .running))
            #expect(step.effects.contains(.freeSuccessors) == (step.state == .success))
            if step.state == .pending, job.state == .running, case .failed = event {
                #expect((step.pause ?? .zero) > .zero)
                #expect((step.pause ?? .zero) <= .seconds(30))
            }
            if step.effects.contains(.count(.failure)) { job.failures += 1 }
            if step.effects.contains(.count(.loss)) { job.losses += 1 }
            if event == .retried { (job.failures, job.losses) = (0, 0) }
            #expect(job.losses <= policy.mostLosses)
            #expect(job.failures <= 10)
            job.state = step.state
        }
        let goesOn = Self.events.contains { JobMachine.step(job, on: $0, policy: policy) != nil }
        #expect(goesOn || job.state == .failed || job.state == .resolved)
    }

    @Test("a failure that a person must solve is not tried again, one that passes is, with pauses that grow")
    func failures() throws {
        let running = JobFacts(state: .running)
        let final = try #require(JobMachine.step(running, on: .failed(.sourceCredentials)))
        #expect(final.state == .failed)
        #expect(final.effects.contains(.offerRescue(.seconds(7 * 86_400))))
        var pauses: [Duration] = []
        var job = running
        while let step = JobMachine.step(job, on: .failed(.busy)), step.state == .pending {
            pauses.append(step.pause ?? .zero)
            job.failures += 1
        }
        #expect(pauses.count == 9)
        #expect(pauses == pauses.sorted())
        let unlucky = try #require(JobMachine.step(running, on: .failed(.busy), luck: 0))
        #expect(unlucky.pause == (pauses.first ?? .zero) / 2)
    }

    @Test("a deadline that is past fails a job that waits and one that runs, and neither is tried again")
    func deadlines() {
        for state in [JobState.pending, .running] {
            let step = JobMachine.step(
                JobFacts(state: state), on: .deadlinePassed, policy: JobPolicy(rescue: .seconds(9)))
            #expect(step?.state == .failed)
            #expect(step?.effects.contains(.stopSuccessors) == true)
            #expect(step?.effects.contains(.offerRescue(.seconds(9))) == true)
            #expect(step?.effects.contains(.releaseLimits) == (state == .running))
        }
        for state in [JobState.success, .failed, .retryable, .resolved, .cancelled] {
            #expect(JobMachine.step(JobFacts(state: state), on: .deadlinePassed) == nil)
        }
    }

    @Test("a job that ends its workers fails in the end, a stopped worker does not count")
    func losses() throws {
        let policy = JobPolicy(mostLosses: 3)
        let second = JobFacts(state: .running, losses: 1)
        #expect(JobMachine.step(second, on: .leaseLost, policy: policy)?.state == .pending)
        let third = JobFacts(state: .running, losses: 2)
        #expect(JobMachine.step(third, on: .leaseLost, policy: policy)?.state == .failed)
        #expect(JobMachine.step(third, on: .workerStopped, policy: policy) == JobStep(.pending, [.releaseLimits]))
    }
}

/// SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014): the same for the same seed.
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// True once in `n`.
    mutating func one(in n: Int) -> Bool { Int.random(in: 0..<n, using: &self) == 0 }
}
