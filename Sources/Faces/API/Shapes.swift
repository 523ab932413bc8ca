import Kernel
import Wire

/// The shapes of requests and answers, as `Wire` has them. A test holds each against its Swift type.
enum Shapes {
    static let problem = Shape(
        name: "Problem", note: "What went wrong (RFC 9457).",
        fields: [
            Field("type", .text(format: "uri"), "`urn:weirhouse:problem:` and the code."),
            Field("title", .text(), "The same for every case of the code."),
            Field("status", .integer(least: 400, most: 599)),
            Field("detail", .text(), "One sentence about this case."),
            .optional("hint", .text(), "What to do."),
            Field("code", .words(Problem.Code.allCases.map(\.rawValue)), "Stable: clients may switch on it."),
            Field("correlation_id", .text(), "Also in the header X-Correlation-Id and in Weirhouse's log."),
            .optional("error", .text(), "OAuth's word for it, where a sign-in is asked for (RFC 8628, section 3.5)."),
        ])

    static let innerProblem = Shape(
        name: "ProblemInside", note: "A problem inside another answer.",
        fields: [
            Field("code", .words(Problem.Code.allCases.map(\.rawValue))),
            Field("title", .text()),
            Field("detail", .text()),
            .optional("hint", .text()),
        ])

    // System

    static let live = Shape(name: "Live", note: "The server answers.", fields: [Field("live", .boolean)])

    static let ready = Shape(name: "Ready", note: "The server can serve requests.", fields: [Field("ready", .boolean)])

    static let partHealth = Shape(
        name: "PartHealth", note: "The health of one part.",
        fields: [
            Field("name", .text(), "`metadata`, `worker`, `query engine`, `lake`, `dbt`, …"),
            Field("healthy", .boolean),
            Field("detail", .text()),
            .optional("hint", .text(), "What to do if it is not well."),
        ])

    static let healthReport = Shape(
        name: "HealthReport", note: "The health of each part.",
        fields: [
            Field("healthy", .boolean, "Whether all parts are."),
            Field("version", .text(), "Weirhouse's version."),
            Field("parts", .list(.shape(partHealth))),
        ])

    static let signInCode = Shape(
        name: "SignInCode", note: "A one-time link to the console, good for 15 minutes.",
        fields: [Field("code", .text()), Field("url_path", .text(), "`/sign-in/{code}`, relative to the server.")])

    // Sources

    static let sourceTestRequest = Shape(
        name: "SourceTestRequest", note: "A source to sign in to.",
        fields: [Field("url", .text(), "`postgresql://user:password@host:port/dbname`")])

    static let streamView = Shape(
        name: "StreamView", note: "A stream of a source.",
        fields: [
            Field("name", .text(), "`schema.table`, as a clone request's `tables` takes it."),
            Field("kind", .text(), "`table`, `partitioned_table`, `view`, `materialized_view` or `foreign_table`."),
            Field("columns", .integer(least: 0)),
            .optional("estimated_rows", .integer()),
            .optional("estimated_bytes", .integer()),
            .optional("refusal", .shape(innerProblem), "Why it cannot be cloned; absent if it can."),
        ])

    static let sourceTestResult = Shape(
        name: "SourceTestResult", note: "What the sign-in saw.",
        fields: [
            Field("product", .text(), "`PostgreSQL 15.18`"),
            Field("database", .text()),
            Field("streams", .list(.shape(streamView))),
        ])

    static let cloneRequest = Shape(
        name: "CloneRequest", note: "What to clone, and where to.",
        fields: [
            .open(
                "url", .text(), "`postgresql://user:password@host:port/dbname`; null with the name of a known source."),
            .open("organization", .text(), "The organization's slug; the token's own if absent."),
            .open("environment", environments, "`dev` if absent."),
            .open("source", .text(), "The source's name; the database's name if absent."),
            .open("tables", .list(.text()), "`table` or `schema.table`; all tables if absent or empty."),
            .open("views", .boolean, "Also clone all views."),
            .open("idempotency_key", .text(), "As the header Idempotency-Key, which goes before it."),
        ])

    static let cloneAccepted = Shape(
        name: "CloneAccepted", note: "The run that now goes on by itself.",
        fields: [
            Field("run_id", .text(format: "uuid")),
            Field("run_url", .text(), "The run's page."),
            Field("is_new", .boolean, "False if an earlier request of the same idempotency key made it."),
        ])
}
