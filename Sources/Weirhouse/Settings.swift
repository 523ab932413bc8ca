import Access
import Admission
import Configuration
import Foundation
import Kernel
import Telemetry
import Wire

/// What is set from outside: options of the command line over environment variables over defaults.
struct Settings: Sendable {
    /// The data folder, absolute.
    var data: String
    /// 0: any free one.
    var port: Int
    /// Weirhouse's Python environment: DuckDB, its extensions, dbt, browser assets.
    var pythonHome: String
    var duckDBLibrary: String?
    /// Another PostgreSQL for the metadata than the private cluster.
    var databaseURL: Secret<String>?
    /// Folder of `initdb` and `postgres`.
    var postgresPrograms: String?
    /// Where people reach the server, for links in messages; nil: as it listens.
    var publicURL: String?
    /// The mail server that notifications go through: `smtp://user:password@host:587?from=weir@acme.example`.
    var smtpURL: Secret<String>?
    /// Addresses in private networks that webhooks and buckets may be at, as networks with commas between.
    var allowedPrivateAddresses: String
    /// How long log lines of runs that are over are kept, and the runs themselves.
    var keepLogs: Duration
    var keepRuns: Duration
    /// How long states of the warehouse and folders of the lake are kept that a newer load has superseded.
    var keepData: Duration
    /// How long one attempt of a job may take, where that is not what its kind says.
    var timeLimits: TimeLimits
    /// From when a clone is asked for, or taken up again, to when it must be done.
    var cloneDeadline: Duration
    /// Where secrets are kept.
    var secrets = SecretsSettings()
    /// Format and level of log lines.
    var log = LogSettings()
    /// What `/metrics` asks for; nil: it is open, to this machine only.
    var metricsToken: Secret<String>?
    /// Where traces go; nil: nowhere.
    var traces: OTLPSettings?
    var sessions = SessionSettings()
    /// Where the server listens, whom it believes, and under which names it answers.
    var network: NetworkSettings
    var whoMayFound = Founders.local
    /// What people agree to before they go on; nil: nothing.
    var terms: TermsSettings?

    var extensionFolder: String { "\(pythonHome)/duckdb_extensions" }

    /// - Throws: `invalidInput`.
    static func read(data: String? = nil, port: Int? = nil) throws -> Settings {
        let reader = ConfigReader(provider: EnvironmentVariablesProvider())
        let port = port ?? reader.int(forKey: "weir.port", default: 8080)
        guard (0...65_535).contains(port) else {
            throw Problem(.invalidInput, "\(port) is no port.", hint: "Use 0 to 65535.")
        }
        let folder = data ?? reader.string(forKey: "weir.data") ?? "~/.weirhouse"
        let publicURL = try publicURL(reader.string(forKey: "weir.public.url"))
        return Settings(
            data: absolute(folder), port: port,
            pythonHome: absolute(reader.string(forKey: "weir.python.home") ?? nearestPythonHome()),
            duckDBLibrary: reader.string(forKey: "weir.duckdb.library"),
            databaseURL: reader.string(forKey: "database.url", isSecret: true).map { Secret($0) },
            postgresPrograms: reader.string(forKey: "weir.postgres.bin"),
            publicURL: publicURL,
            smtpURL: reader.string(forKey: "weir.smtp.url", isSecret: true).map { Secret($0) },
            allowedPrivateAddresses: reader.string(forKey: "weir.allow.private.addresses") ?? "",
            keepLogs: try days(reader.int(forKey: "weir.keep.logs.days", default: 30), "WEIR_KEEP_LOGS_DAYS"),
            keepRuns: try days(reader.int(forKey: "weir.keep.runs.days", default: 400), "WEIR_KEEP_RUNS_DAYS"),
            keepData: try days(reader.int(forKey: "weir.keep.data.days", default: 30), "WEIR_KEEP_DATA_DAYS"),
            timeLimits: try TimeLimits(reader.string(forKey: "weir.time.limits") ?? ""),
            cloneDeadline: try days(
                reader.int(forKey: "weir.clone.deadline.days", default: 30), "WEIR_CLONE_DEADLINE_DAYS"),
            secrets: try SecretsSettings.read(ProcessInfo.processInfo.environment),
            log: try LogSettings(
                format: reader.string(forKey: "weir.log"), level: reader.string(forKey: "weir.log.level")),
            metricsToken: try metricsToken(reader.string(forKey: "weir.metrics.token", isSecret: true)),
            traces: try OTLPSettings.read { ProcessInfo.processInfo.environment[$0] },
            sessions: try SessionSettings(
                minutes: reader.int(forKey: "weir.session.minutes"),
                idleMinutes: reader.int(forKey: "weir.session.idle.minutes")),
            network: try NetworkSettings.read(publicURL: publicURL) { ProcessInfo.processInfo.environment[$0] },
            whoMayFound: try Founders(setting: reader.string(forKey: "weir.who.may.found")),
            terms: try TermsSettings.read(
                url: reader.string(forKey: "weir.terms.url"), version: reader.string(forKey: "weir.terms.version")))
    }

    /// One that is set but empty is a mistake: it would leave open what was to be closed.
    private static func metricsToken(_ given: String?) throws -> Secret<String>? {
        guard let given else { return nil }
        guard !given.isEmpty else {
            throw Problem(.invalidInput, "WEIR_METRICS_TOKEN is empty.", hint: "Give it a value or remove it.")
        }
        return Secret(given)
    }

    private static func days(_ count: Int, _ name: String) throws -> Duration {
        guard (1...36_500).contains(count) else {
            throw Problem(.invalidInput, "\(name) is \(count).", hint: "Use 1 to 36500 days.")
        }
        return .seconds(count * 86_400)
    }

    private static func publicURL(_ text: String?) throws -> String? {
        guard let text else { return nil }
        guard let parts = URLComponents(string: text), ["http", "https"].contains(parts.scheme), parts.host != nil
        else {
            throw Problem(
                .invalidInput, "WEIR_PUBLIC_URL is no address.", hint: "Write it like https://weir.acme.example.")
        }
        return text.hasSuffix("/") ? String(text.dropLast()) : text
    }

    private static func absolute(_ path: String) -> String {
        let expanded = (path as NSString).expandingTildeInPath
        let whole = expanded.hasPrefix("/") ? expanded : "\(FileManager.default.currentDirectoryPath)/\(expanded)"
        return (whole as NSString).standardizingPath
    }

    /// `.venv` in the folder of the program or one above it: where `make bootstrap` puts it.
    private static func nearestPythonHome() -> String {
        var folder = (OwnProgram.path as NSString).deletingLastPathComponent
        while folder.count > 1 {
            let candidate = "\(folder)/.venv"
            if FileManager.default.fileExists(atPath: "\(candidate)/bin/python") { return candidate }
            folder = (folder as NSString).deletingLastPathComponent
        }
        return "/usr/lib/weirhouse/python"
    }
}

/// How long a browser stays signed in.
struct SessionSettings: Sendable {
    /// From sign-in, whatever happens.
    var lifetime: Duration = .seconds(12 * 3600)
    /// Without a request.
    var idle: Duration = .seconds(2 * 3600)

    init() {}

    /// - Throws: `invalidInput`.
    init(minutes: Int?, idleMinutes: Int?) throws {
        if let minutes { lifetime = try Self.limit(minutes, "WEIR_SESSION_MINUTES") }
        if let idleMinutes { idle = try Self.limit(idleMinutes, "WEIR_SESSION_IDLE_MINUTES") }
    }

    /// Of a session that the request being answered opens.
    var terms: Gate.Terms {
        var terms = Gate.Terms(lifetime: lifetime, idle: idle, name: RequestOrigin.current?.browser)
        terms.from = RequestOrigin.current?.address?.description
        return terms
    }

    private static func limit(_ minutes: Int, _ name: String) throws -> Duration {
        // Use is noted once a minute: a shorter pause could not be told.
        guard (2...43_200).contains(minutes) else {
            throw Problem(.invalidInput, "\(name) is \(minutes).", hint: "Use 2 to 43200 minutes.")
        }
        return .seconds(minutes * 60)
    }
}

/// This program's file.
enum OwnProgram {
    static let path = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "weir"
    static let version = "0.1.0"
}
