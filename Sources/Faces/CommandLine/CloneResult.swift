import Wire

/// What `clone --json` prints. Every key is always there, null where nothing is known; `problem` only where there is one.
struct CloneResult: Encodable {
    struct Stream: Encodable {
        let receipt: StreamReceipt

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(receipt.name, forKey: .name)
            try container.encode(receipt.sourceRows, forKey: .sourceRows)
            try container.encode(receipt.loadedRows, forKey: .loadedRows)
            try container.encode(receipt.verified, forKey: .verified)
            try container.encodeIfPresent(receipt.problem, forKey: .problem)
        }
    }

    let detail: RunDetail
    /// With the server's address.
    let dashboard: String?

    /// Whether the exit status is 0: the run is a success and every stream is verified.
    static func isVerified(_ detail: RunDetail) -> Bool {
        detail.run.state == .success && detail.streams.allSatisfy(\.verified)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(detail.run.runID, forKey: .runID)
        try container.encode(detail.streams.map(Stream.init), forKey: .streams)
        try container.encode(detail.models, forKey: .models)
        try container.encode(dashboard, forKey: .dashboardURL)
        try container.encode(detail.loadSeconds, forKey: .loadSeconds)
        try container.encode(detail.run.seconds, forKey: .seconds)
        try container.encodeIfPresent(problem, forKey: .problem)
    }

    private var problem: ProblemView? {
        guard detail.run.state != .success else { return nil }
        return detail.run.problem ?? detail.jobs.lazy.compactMap(\.problem).first
    }

    private enum Key: CodingKey {
        case runID, streams, models, dashboardURL, loadSeconds, seconds, problem
        case name, sourceRows, loadedRows, verified
    }
}
