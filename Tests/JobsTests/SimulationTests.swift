import Foundation
import Jobs
import Kernel
import Postgres
import TestHouse
import Testing

/// Schedules of workers that die, pause past their lease, lose their answers or are late, between any two steps, over the
/// real queue in PostgreSQL. `WEIR_SIMULATIONS` sets how many (10,000 otherwise).
@Suite("Simulated workers", .timeLimit(.minutes(30)))
struct SimulationTests {
    private static let count = Int(ProcessInfo.processInfo.environment["WEIR_SIMULATIONS"] ?? "") ?? 10_000
    private static let lanes = 4

    @Test("no job is lost, none is done twice, none is stuck")
    func schedules() async throws {
        try await JobHouse.use(connections: Self.lanes * 2) { house in
            try await Ledger.make(in: house)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 0..<Self.lanes {
                    let organization = try await house.metadata.addOrganization("lane\(lane)")
                    group.addTask {
                        for seed in stride(from: lane, to: Self.count, by: Self.lanes) {
                            var schedule = Schedule(
                                house: house, organization: organization, dice: Dice(seed: UInt64(seed)))
                            try await schedule.play()
                            let verdict = try await schedule.verdict()
                            try #require(verdict == [], "seed \(seed)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            let leftOver = try await house.metadata.database.number("SELECT coalesce(sum(used), 0) FROM weir.limits")
            #expect(leftOver == 0)
        }
    }
}

/// Outside effects: each is guarded by the job's fence, as the border of a warehouse is.
private enum Ledger {
    static func make(in house: JobHouse) async throws {
        try await house.metadata.database.query(
            """
            CREATE TABLE public.ledger (job_id uuid, fence bigint, PRIMARY KEY (job_id, fence))
            """)
        try await house.metadata.database.query(
            "CREATE TABLE public.border (job_id uuid PRIMARY KEY, fence bigint NOT NULL, is_done boolean NOT NULL)")
        try await house.metadata.database.query("GRANT ALL ON public.ledger, public.border TO weir_app")
    }

    /// Writes the effect unless it is there already or a later claim has been here.
    static func enter(_ job: ClaimedJob, in house: JobHouse) async throws {
        let rows = try await house.metadata.application.withConnection { connection in
            try await connection.query(
                """
                WITH here AS (
                  INSERT INTO public.border AS b VALUES (\(job.id), \(job.fence), true)
                  ON CONFLICT (job_id) DO UPDATE SET fence = excluded.fence WHERE b.fence <= excluded.fence
                  RETURNING xmax = 0 AS is_first
                ), entered AS (
                  INSERT INTO public.ledger SELECT \(job.id)::uuid, \(job.fence)::bigint FROM here WHERE is_first
                )
                SELECT FROM here
                """)
        }
        guard !rows.isEmpty else { throw Problem(.leaseLost, "A later claim was here.") }
    }
}

/// One run of up to five jobs and three workers, in an order that the dice decide.
private struct Schedule {
    let house: JobHouse
    let organization: OrganizationID
    var dice: Dice
    private var hands: [[Hand]] = [[], [], []]
    private var run = TimeSource.system.makeID(RunTag.self)
    private let kinds = ["a", "b", "c"]

    /// A claim in a worker's hand, and how far it is.
    private struct Hand {
        var job: ClaimedJob
        var hasEffect = false
    }

    init(house: JobHouse, organization: OrganizationID, dice: Dice) {
        self.house = house
        self.organization = organization
        self.dice = dice
    }

    mutating func play() async throws {
        try await enqueue()
        // Troubles end after so many steps: then all must come to its end.
        for _ in 0..<Int.random(in: 3...15, using: &dice) { try await step(inTrouble: true) }
        for _ in 0..<200 {
            let worker = Int.random(in: 0..<hands.count, using: &dice)
            if let index = hands[worker].indices.randomElement(using: &dice) {
                try await goOn(worker, index)
            } else if try await !claim(worker), hands.allSatisfy(\.isEmpty), try await isOver() {
                // Another worker may have had the row of a job in its hand at that moment: then it is asked again.
                return
            }
        }
    }

    /// False if there was nothing to claim.
    private mutating func claim(_ worker: Int) async throws -> Bool {
        let claimed = try await house.queue.claim(
            kinds: kinds, organizations: [organization], worker: "\(worker)", limit: Int.random(in: 1...3, using: &dice)
        )
        hands[worker] += claimed.map { Hand(job: $0) }
        return !claimed.isEmpty
    }

    private mutating func enqueue() async throws {
        let count = Int.random(in: 1...5, using: &dice)
        var specs: [JobSpec] = []
        for position in 0..<count {
            let before = (0..<position).filter { _ in dice.one(in: 4) }
            specs.append(
                JobSpec(
                    kind: kinds.randomElement(using: &dice) ?? "a", payload: try JSONValue(position), after: before,
                    exclusiveKey: dice.one(in: 3) ? "simulated/\(organization)" : nil,
                    priority: Int.random(in: -1...1, using: &dice)))
        }
        try await house.metadata.application.transaction(organization: organization) { [self, specs] connection in
            try await house.queue.enqueue(
                run: run, kind: "simulated", organization: organization, environment: "dev", source: "s", jobs: specs,
                time: .system, on: connection)
        }
    }

    private mutating func step(inTrouble: Bool) async throws {
        let worker = Int.random(in: 0..<hands.count, using: &dice)
        let isTroubled = inTrouble && dice.one(in: 3)
        guard let index = hands[worker].indices.randomElement(using: &dice), !dice.one(in: 3) else {
            let claimed = try await house.queue.claim(
                kinds: kinds, organizations: [organization], worker: "\(worker)",
                limit: Int.random(in: 1...3, using: &dice))
            // A worker that dies with the answer on its way never knows what it holds.
            if isTroubled { try await expire(claimed) } else { hands[worker] += claimed.map { Hand(job: $0) } }
            return
        }
        if isTroubled {
            try await trouble(worker, index)
        } else {
            try await goOn(worker, index)
        }
    }

    private mutating func trouble(_ worker: Int, _ index: Int) async throws {
        let hand = hands[worker][index]
        switch Int.random(in: 0..<5, using: &dice) {
        case 0:  // It dies.
            hands[worker].remove(at: index)
            try await expire([hand.job])
        case 1:  // It pauses past its lease, and does not know.
            try await expire([hand.job])
        case 2:  // It stops, and gives the job back.
            hands[worker].remove(at: index)
            try await ending { try await end(hand.job, on: .workerStopped) }
        case 3:  // The handler fails in a way that passes.
            hands[worker].remove(at: index)
            try await ending { try await end(hand.job, on: .failed(.busy)) }
            try await passTime()
        default:  // The end is written, but the answer is lost: it tries once more.
            if hand.hasEffect { try await ending { try await house.complete(hand.job) } }
        }
    }

    private func end(_ job: ClaimedJob, on event: JobEvent) async throws {
        guard let step = JobMachine.step(JobFacts(state: .running), on: event, luck: 0) else { return }
        try await house.queue.end(job, with: step)
    }

    private mutating func goOn(_ worker: Int, _ index: Int) async throws {
        let hand = hands[worker][index]
        do {
            if hand.hasEffect {
                try await endInTurn(worker, index)
            } else {
                try await Ledger.enter(hand.job, in: house)
                hands[worker][index].hasEffect = true
            }
        } catch let problem as Problem where problem.code == .leaseLost {
            hands[worker].removeAll { $0.job.fence == hand.job.fence }
        }
    }

    /// Ends the job alone, or all that are done with the next claim, as a worker with several slots does.
    private mutating func endInTurn(_ worker: Int, _ index: Int) async throws {
        if dice.one(in: 3) {
            let hand = hands[worker].remove(at: index)
            return try await house.complete(hand.job)
        }
        let done = hands[worker].filter(\.hasEffect).map(\.job)
        hands[worker].removeAll(where: \.hasEffect)
        let taker = JobTaker(
            worker: "\(worker)", kinds: kinds.map { JobTaker.Kind($0) }, organizations: [organization])
        let turn = try await house.queue.turn(
            of: taker, ending: done.map { DoneJob($0, result: try JSONValue("done")) },
            room: Int.random(in: 0...3, using: &dice))
        hands[worker] += turn.claimed.map { Hand(job: $0) }
    }

    /// A claim that is over already has nothing to end.
    private func ending(_ work: () async throws -> Void) async throws {
        do { try await work() } catch let problem as Problem where problem.code == .leaseLost {}
    }

    private func expire(_ jobs: [ClaimedJob]) async throws {
        for job in jobs {
            try await house.metadata.database.query(
                """
                UPDATE weir.jobs SET lease_until = now() - interval '1 second'
                WHERE job_id = \(job.id) AND fence = \(job.fence) AND state = 'RUNNING'
                """)
        }
        try await house.queue.expireLeases(policy: JobPolicy(mostLosses: 1_000_000))
    }

    /// Pauses before another attempt are over.
    private func passTime() async throws {
        try await house.metadata.database.query(
            """
            UPDATE weir.jobs SET run_after = now() - interval '1 second'
            WHERE organization_id = \(organization) AND state = 'PENDING' AND waits = 'time'
            """)
        try await house.queue.wakeJobs()
    }

    private func isOver() async throws -> Bool { try await house.state(of: run) == "SUCCESS" }

    /// What is wrong when all is over.
    func verdict() async throws -> [String] {
        let rows = try await house.metadata.database.query(
            """
            SELECT j.position, j.state, j.waits, (SELECT count(*) FROM public.ledger l WHERE l.job_id = j.job_id) AS effects
            FROM weir.jobs j WHERE j.run_id = \(run) ORDER BY 1
            """)
        var wrong: [String] = []
        for row in rows {
            let (state, effects) = (try row.string("state"), try row.int("effects"))
            if state != "SUCCESS" || effects != 1 {
                wrong.append(
                    "job \(try row.int("position")): \(state) (\(try row.string("waits"))), \(effects) effects")
            }
        }
        let early = try await house.metadata.database.number(
            """
            SELECT count(*) FROM weir.job_predecessors p JOIN public.ledger a ON a.job_id = p.job_id
              JOIN public.ledger b ON b.job_id = p.predecessor_id JOIN weir.jobs j ON j.job_id = p.job_id
            WHERE j.run_id = \(run) AND a.fence < b.fence
            """)
        return wrong + (early > 0 ? ["\(early) jobs began before one that they come after"] : [])
    }
}
