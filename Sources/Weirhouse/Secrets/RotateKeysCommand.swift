import ArgumentParser
import Foundation
import Kernel
import Postgres
import Secrets

/// `weir secrets rotate-keys`, for whoever runs Weirhouse: it reads the master keys itself, and changes those of all
/// organizations.
struct RotateKeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-keys", abstract: "Seal all secrets anew, under the newest master key and fresh data keys.",
        discussion: """
            For whoever runs Weirhouse, with the settings of its server. Servers and workers may run meanwhile. If it is \
            interrupted, run it again. At the end it says which master keys are needed no more (docs/secrets.md).
            """)

    @Option(help: "The data folder (WEIR_DATA; default ~/.weirhouse).") var data: String?

    func run() async throws {
        let settings = try Settings.read(data: data)
        let folder = DataFolder(settings.data)
        guard FileManager.default.fileExists(atPath: "\(folder.path)/version") else {
            throw Problem(.invalidInput, "\(folder.path) is no data folder of Weirhouse.", hint: "Name it with --data.")
        }
        let pool = PGPool(try Metadata.of(settings, folder: folder).application, limit: 2)
        let keys = settings.secrets.masterKeys(folder)
        let text = try await KeyChange(pool: pool, keys: keys).run()
        await pool.close()
        FileHandle.standardOutput.write(Data(text.lines.map { "\($0)\n" }.joined().utf8))
        guard text.isWhole else { throw ExitCode.failure }
    }
}

/// The rotation of all organizations, told in lines.
struct KeyChange: Sendable {
    let pool: PGPool
    let keys: MasterKeys

    struct Report: Sendable {
        var lines: [String] = []
        /// Whether every organization was done.
        var isWhole = true
    }

    func run() async throws -> Report {
        let rotation = KeyRotation(LocalSecretStore(pool: pool, keys: keys, time: .system))
        let known = try keys.reload()
        var report = Report()
        var used: [String?: Int] = [:]
        for organization in try await rotation.organizations() {
            let slug = try await pool.transaction(organization: organization) { try await House.slug(on: $0) }
            do {
                let done = try await rotation.rotate(organization)
                report.lines.append(
                    "\(slug): \(done.sealed) secrets sealed anew, \(done.wrapped) data keys wrapped anew, "
                        + "\(done.removed) old data keys removed.")
            } catch let problem as Problem {
                report.isWhole = false
                report.lines.append("\(slug): \(problem)")
            }
            for use in try await rotation.use(by: organization) { used[use.masterKey, default: 0] += use.count }
        }
        if used.isEmpty { report.lines.append("There are no secrets in this database.") }
        report.lines += Self.left(known, used)
        return report
    }

    private static func left(_ known: [MasterKey], _ used: [String?: Int]) -> [String] {
        var lines = known.enumerated().map { index, key in
            let count = used[key.id] ?? 0
            if index == 0 { return "Master key \(key.id) seals; \(count) data keys hang on it." }
            return count == 0
                ? "Master key \(key.id): nothing hangs on it any more. It may go; backups of before need it."
                : "Master key \(key.id): \(count) data keys hang on it still. Run this again."
        }
        for (id, count) in used.sorted(by: { ($0.key ?? "") < ($1.key ?? "") }) {
            guard let id else {
                lines.append("\(count) secrets are sealed under a master key itself still. Run this again.")
                continue
            }
            if !known.contains(where: { $0.id == id }) {
                lines.append("Master key \(id) is not here, and \(count) data keys hang on it.")
            }
        }
        return lines
    }
}
