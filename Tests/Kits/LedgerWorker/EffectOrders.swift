import Foundation
import Jobs
import Kernel
import Postgres

/// Numbers that follow from a seed (SplitMix64).
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

/// Which jobs there are to be.
struct EffectOrders {
    private(set) var dice: Dice
    /// All of them are held there; none fails by order then.
    let hold: EffectOrder.Hold?
    let organizations: Int

    init(seed: UInt64, hold: EffectOrder.Hold?, organizations: Int) {
        dice = Dice(seed: seed)
        self.hold = hold
        self.organizations = organizations
    }

    mutating func organization() -> Int { Int.random(in: 0..<organizations, using: &dice) }

    /// The jobs of the next run, at most `most`: a job by itself, one after the other, or several between two.
    mutating func run(most: Int, of owner: OrganizationID) throws -> [JobSpec] {
        let shape = hold == nil ? Int.random(in: 0..<4, using: &dice) : 0
        let after: [[Int]]
        switch shape {
        case 2: after = [[], [0], [1]]
        case 3:
            let width = Int.random(in: 2...4, using: &dice)
            after = [[]] + Array(repeating: [0], count: width) + [Array(1...width)]
        default: after = [[]]
        }
        return try after.prefix(most).map { try job(after: $0, of: owner) }
    }

    private mutating func job(after: [Int], of owner: OrganizationID) throws -> JobSpec {
        let isLimited = hold == nil && dice.one(in: 10)
        let isExclusive = hold == nil && dice.one(in: 30)
        return JobSpec(
            kind: "effect", payload: try JSONValue(order()), after: after,
            exclusiveKey: isExclusive ? "ledger/\(owner)/\(Int.random(in: 0..<10, using: &dice))" : nil,
            limits: isLimited ? [EffectHouse.limit(of: owner)] : [], priority: Int.random(in: -1...1, using: &dice))
    }

    private mutating func order() -> EffectOrder {
        EffectOrder(
            milliseconds: Int.random(in: 5...60, using: &dice), reports: dice.one(in: 5),
            failuresBefore: hold == nil && dice.one(in: 20) ? 1 : 0,
            failuresAfter: hold == nil && dice.one(in: 20) ? 1 : 0, hold: hold)
    }
}

/// The queue's database with some organizations.
struct EffectHouse: Sendable {
    let pool: PGPool

    /// At most so many at once, of the jobs that are counted under it.
    static func limit(of owner: OrganizationID) -> String { "ledger/\(owner)" }
    private static let most = 6
    private static let runsAtOnce = 50

    func enqueue(_ count: Int, _ orders: EffectOrders) async throws {
        var orders = orders
        var owners: [OrganizationID] = []
        for number in 0..<orders.organizations { owners.append(try await organization(number)) }
        var left = count
        while left > 0 {
            // One transaction for runs of one organization.
            let owner = owners[orders.organization()]
            var runs: [[JobSpec]] = []
            while left > 0, runs.count < Self.runsAtOnce {
                runs.append(try orders.run(most: left, of: owner))
                left -= runs.last?.count ?? 0
            }
            try await pool.transaction(organization: owner) { [runs] connection in
                for jobs in runs {
                    try await JobQueue(pool: pool).enqueue(
                        run: TimeSource.system.makeID(), kind: "ledger", organization: owner, environment: "dev",
                        source: "none", jobs: jobs, time: .system, on: connection)
                }
            }
        }
    }

    private func organization(_ number: Int) async throws -> OrganizationID {
        let slug = "ledger\(number)"
        let (id, principal) = (TimeSource.system.makeUUID(), TimeSource.system.makeUUID())
        let found = try await pool.withConnection { connection in
            try await connection.query(
                "SELECT organization_id FROM weir.ensure_organization(\(slug), \(slug), \(id), \(principal))")
        }
        guard let owner: OrganizationID = try found.first?.id("organization_id") else {
            throw Problem(.internal, "There is no organization.")
        }
        try await JobLimits(pool: pool).set(Self.limit(of: owner), of: owner, most: Self.most)
        return owner
    }
}
