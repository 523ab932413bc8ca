import ArgumentParser
import Foundation
import Kernel
import Wire

/// When a schedule makes a run: one of four.
struct TriggerOptions: ParsableArguments {
    @Option(help: "Each so often: 15m, 6h, 2d.", transform: TimeSpan.init(typed:))
    var every: TimeSpan?
    @Option(help: "By the clock, in cron's five fields: \"0 6 * * 1-5\".")
    var cron: String?
    @Option(help: "The time zone of --cron, such as Europe/Berlin; UTC if absent.")
    var timeZone: String?
    @Option(help: "When a _SUCCESS marker arrives below this folder or s3://bucket/prefix.")
    var onFile: String?
    @Option(help: "When a run of this source has succeeded.")
    var after: String?

    func validate() throws { _ = try trigger() }

    /// - Throws: `ValidationError` unless exactly one is given.
    func trigger() throws -> TriggerView {
        if timeZone != nil, cron == nil { throw ValidationError("--time-zone goes with --cron.") }
        let triggers = [
            try every.map { TriggerView(kind: "every", minutes: try $0.minutes(of: "--every")) },
            cron.map { TriggerView(kind: "cron", expression: $0, timeZone: timeZone) },
            onFile.map { TriggerView(kind: "file", location: $0) },
            after.map { TriggerView(kind: "after", source: $0) },
        ].compactMap(\.self)
        guard triggers.count == 1, let trigger = triggers.first else {
            throw ValidationError("Say when, with one of --every, --cron, --on-file and --after.")
        }
        return trigger
    }

    /// The access key for a bucket, from the environment that AWS' tools use; nil for other triggers and without a key.
    /// - Throws: `invalidInput` for half a key.
    func credentials(from environment: [String: String]) throws -> BucketCredentials? {
        guard let onFile, onFile.hasPrefix("s3://") else { return nil }
        let value = { (name: String) in environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        switch (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY")) {
        case (nil, nil): return nil
        case (let id?, let secret?):
            return BucketCredentials(
                accessKeyID: id, secretAccessKey: secret, sessionToken: value("AWS_SESSION_TOKEN"))
        default:
            throw Problem(
                .invalidInput, "Only one half of the bucket's access key is in the environment.",
                hint: "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither to keep the key that is kept.")
        }
    }
}
