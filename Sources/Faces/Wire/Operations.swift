package import Kernel

/// All that a face (API, console, and through the API the command line) can ask of Weirhouse. The composition root
/// implements it. Every method throws `Problem`s only; a caller sees nothing of other organizations. What a caller may
/// not do throws `forbidden`, which is decided in one place (`GuardedOperations`).
package protocol Operations: ScheduleOperations, NotificationOperations, WorkforceOperations, IssuerOperations,
    ProviderSignInOperations, DirectoryOperations, SecretOperations, AuditOperations, OrganizationOperations,
    MemberOperations, TokenOperations, DeviceOperations, AccountOperations
{
    /// Needs no sign-in. Never throws: what is not well is said in the report.
    func health() async -> HealthReport
    /// Returns if requests can be served: the metadata database is there and in the form that this server knows. Needs
    /// no sign-in, and takes at most two seconds.
    /// - Throws: `metadataUnavailable`, whose words say what is missing.
    func checkReadiness() async throws

    /// Starts a clone as durable jobs. A given address is tried first and kept only if it can be signed in to and has
    /// the tables that are named. A key that a clone was made with returns that clone's run, and tries nothing.
    /// - Throws: `invalidInput`, `forbidden`, `notFound`; `conflict` if the key stands for a clone of another source or
    ///   environment; what `testSource` throws.
    func startClone(_ request: CloneRequest, as caller: Caller) async throws -> CloneAccepted
    func testSource(_ request: SourceTestRequest, as caller: Caller) async throws -> SourceTestResult

    /// The newest first.
    /// - Throws: `invalidInput` if the limit is not 1…500 or the cursor is none.
    func runs(_ filter: RunFilter, as caller: Caller) async throws -> RunList
    /// - Throws: `notFound`.
    func run(_ id: RunID, as caller: Caller) async throws -> RunDetail
    /// Cancels all of a run that is not done; what runs is over within seconds.
    /// - Throws: `notFound`.
    func cancelRun(_ id: RunID, note: String?, as caller: Caller) async throws -> RunDetail
    /// Takes a failed run up again: at the jobs that failed, or at those of a kind with all that comes after.
    /// - Throws: `notFound`; `conflict` if there is nothing to take up.
    func retryRun(_ id: RunID, from kind: String?, as caller: Caller) async throws -> RunDetail
    /// Ends a failed run that somebody has taken care of.
    /// - Throws: `notFound`; `conflict` if it has not failed; `invalidInput` without a note.
    func resolveRun(_ id: RunID, note: String, as caller: Caller) async throws -> RunDetail
    /// The same for several runs, one after the other; what cannot be done is said in its outcome.
    /// - Throws: `invalidInput` for an unknown action, more than 200 runs, or `resolve` without a note.
    func changeRuns(_ request: BulkRequest, as caller: Caller) async throws -> [BulkOutcome]
    /// One page of a run's log, its lines in order.
    /// - Throws: `notFound`; `invalidInput` if the limit is not 1…`LogPage.most`.
    func log(of id: RunID, _ range: LogRange, limit: Int, as caller: Caller) async throws -> LogPage
    /// Events from now on: first the run as it is and all log lines after `sequence`, then each change. It ends when the
    /// run is over or the reader goes. They are read as the reader takes them: a slow one makes no queue.
    func events(
        of id: RunID, after sequence: Int64, as caller: Caller
    ) async throws -> AsyncThrowingStream<RunEvent, any Error>

    /// At most `request.limit` rows.
    /// - Throws: `queryRefused`, `queryFailed`, `queryTooLong`, `queryTooLarge`, `engineUnavailable`, `notFound`.
    func query(_ request: QueryRequest, as caller: Caller) async throws -> QueryTable
    /// All rows as CSV or Parquet, in pieces of bytes as they come.
    /// - Throws: as `query`; also from the stream.
    func export(_ request: QueryRequest, as caller: Caller) async throws -> AsyncThrowingStream<[UInt8], any Error>

    func tables(of place: PlaceRequest, as caller: Caller) async throws -> [SchemaView]
    /// The first rows.
    func preview(
        schema: String, table: String, limit: Int, of place: PlaceRequest, as caller: Caller
    ) async throws -> QueryTable

    /// Also those whose file cannot be read; they say why.
    func dashboards(as caller: Caller) async throws -> [DashboardSummary]
    func dashboard(_ name: String, of place: PlaceRequest, as caller: Caller) async throws -> DashboardView
    func chart(
        _ chart: String, of dashboard: String, range: DayRange, of place: PlaceRequest, as caller: Caller
    ) async throws -> ChartData
    /// - Throws: as `query`; also from the stream.
    func exportChart(
        _ chart: String, of dashboard: String, range: DayRange, of place: PlaceRequest, as caller: Caller
    ) async throws -> ChartExport

    /// Who holds this API token.
    /// - Throws: `unauthenticated`.
    func caller(token: String) async throws -> Caller
    /// Who holds this browser session; nil if it is unknown or over.
    func caller(session: String) async throws -> Caller?
    /// Who holds this API token, if that is known without asking anybody; nil says nothing.
    func knownCaller(token: String) -> Caller?
    /// Who holds this browser session, if that is known without asking anybody, and they owe no consent; nil says nothing.
    func knownCaller(session: String) -> Caller?
    /// A one-time link's code, good for 15 minutes. The address is `/sign-in/{code}`.
    func makeSignInCode(as caller: Caller) async throws -> String
    /// Uses up a code and opens a session, good for `sessionLifetime` at most; its secret goes into the cookie.
    /// - Throws: `unauthenticated` if the code is unknown, used or too old.
    func openSession(code: String) async throws -> Secret<String>
    func closeSession(_ session: String) async throws
}

/// An organization (the caller's if nil) and an environment (`dev` if nil).
package struct PlaceRequest: Sendable, Codable, Hashable {
    package var organization: String?
    package var environment: String?

    package init(organization: String? = nil, environment: String? = nil) {
        self.organization = organization
        self.environment = environment
    }
}

/// `GET /api/v1/status`.
package struct HealthReport: Sendable, Codable {
    package var healthy: Bool
    package var version: String
    package var parts: [PartHealth]

    package init(version: String, parts: [PartHealth]) {
        healthy = parts.allSatisfy(\.healthy)
        self.version = version
        self.parts = parts
    }
}

package struct PartHealth: Sendable, Codable {
    /// `metadata`, `worker`, `query engine`, `lake`, `dbt`.
    package var name: String
    package var healthy: Bool
    package var detail: String
    /// What to do if it is not well.
    package var hint: String?

    package init(name: String, healthy: Bool, detail: String, hint: String? = nil) {
        self.name = name
        self.healthy = healthy
        self.detail = detail
        self.hint = hint
    }
}
