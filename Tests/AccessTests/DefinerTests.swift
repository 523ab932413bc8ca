import Kernel
import Postgres
import TestHouse
import Testing

/// Ways round row-level security that PostgreSQL offers: functions with their owner's rights, views with theirs,
/// materialized views, rights of everybody. All are found in the catalogue, so that a new one is held to the same rules.
@Suite("What sees past row-level security", .timeLimit(.minutes(10)))
struct DefinerTests {
    /// Functions that the application may call and that look across organizations, each with its reason. A new one belongs
    /// here only if no row-level security could do the same, and only with arguments that nobody outside can choose.
    private static let known: [String: String] = [
        "ensure_organization": "before there is an organization to be in",
        "ensure_organization_with_owner": "the same, with its owner",
        "holders": "tells which organization a secret belongs to: only who holds it can ask",
        "redeem_code": "the same",
        "organization_named": "of the command line's and the settings' slugs",
        "claim_jobs": "workers take jobs of all organizations",
        "end_claim": "by job and fence, which only their worker knows",
        "end_and_claim": "both at once",
        "keep_leases": "by job and fence",
        "expire_leases": "jobs of workers that are gone",
        "tidy_one": "the same, one at a time",
        "wake_jobs": "jobs whose moment has come",
        "leave_line": "of a worker that ends",
        "write_log": "of the job that a worker has",
        "watch_runs": "which runs somebody looks at: a number in memory, no answer",
        "call_workers": "wakes workers: no answer",
        "due_schedules": "the scheduler's",
        "forget_runs": "retention",
        "due_notices": "the messenger's",
        "forget_notices": "retention",
        "data_retention": "the caretaker's: how long each environment keeps data",
        "add_metrics": "sums over all",
        "read_metrics": "sums over all",
        "queue_gauges": "sums over all",
        "found_organization": "makes an organization: whether somebody may is asked before",
        "carry_session": "makes a session end with the one that it comes from",
        "organizations_of": "which organizations the caller's own person belongs to",
        "organizations_to_remove": "the caretaker's: those whose grace time is over",
        "organizations_with_secrets": "rotation of master keys",
        "read_invitation": "before there is an organization to be in: by the hash of the invitation",
        "accept_invitation": "the same, and uses it up",
        "find_issuer": "before anybody has signed in: an issuer by name",
        "offered_issuers": "what the sign-in page offers",
        "issuers_of_domain": "the same, for a domain of e-mail",
        "visible_issuers": "an organization's own issuers and the shared ones",
        "rules_of_issuer": "whom an issuer lets in, of all organizations",
        "foreign_rules": "counts other organizations' rules of an issuer",
        "begin_sign_in": "by the hash of its state",
        "take_sign_in": "the same, once",
        "admit_account": "lets a proven account into the organizations whose rules it matches",
        "end_provider_sessions": "a provider's word that somebody has left, signed",
        "issuer_of_session": "by the hash of a session's secret",
        "begin_device_request": "before it is known who approves",
        "find_device_request": "by its short code, whose tries are counted",
        "answer_device_request": "the same",
        "poll_device_request": "by the hash of the device's code",
        "account_of": "a person's own data, in all of their organizations",
        "erase_account": "the same, erased",
        "append_audit": "adds a line to a chain, which nothing else can",
        "cut_audit": "retention of the audit",
        "keep_audit": "how long an organization's audit is kept: bound to the caller's in the call",
    ]

    private struct Definer {
        let name: String
        let owner: String
        let settings: String
        let isPublic: Bool
    }

    private func definers(of database: TestDatabase, where condition: SQL) async throws -> [Definer] {
        try await database.query(
            """
            SELECT p.proname, p.proowner::regrole::text AS owner, coalesce(array_to_string(p.proconfig, ' '), '') AS settings,
              EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) WHERE grantee = 0) AS public
            FROM pg_proc p WHERE p.pronamespace = 'weir'::regnamespace AND p.prosecdef AND \(condition) ORDER BY 1
            """
        ).map { row in
            Definer(
                name: try row.string("proname"), owner: try row.string("owner"), settings: try row.string("settings"),
                isPublic: try row.bool("public"))
        }
    }

    @Test("functions that the application can call with another's rights are known, each with its reason")
    func known() async throws {
        try await MetadataDatabase.use { metadata in
            let callable = try await definers(
                of: metadata.database,
                where: "p.prorettype <> 'trigger'::regtype AND has_function_privilege('weir_app', p.oid, 'EXECUTE')")
            #expect(Set(callable.map(\.name)) == Set(Self.known.keys))
        }
    }

    @Test(
        "functions with their owner's rights belong to a role that owns nothing, look nowhere else, and are for nobody else"
    )
    func strict() async throws {
        try await MetadataDatabase.use { metadata in
            let all = try await definers(of: metadata.database, where: "true")
            #expect(all.count > 20)
            for definer in all {
                #expect(definer.owner == "weir_dispatch", "\(definer.name)")
                #expect(definer.settings.contains("search_path=\"\""), "\(definer.name): \(definer.settings)")
            }
            let callable = try await definers(of: metadata.database, where: "p.prorettype <> 'trigger'::regtype")
            for definer in callable { #expect(!definer.isPublic, "\(definer.name) can be called by everybody") }
        }
    }

    @Test("views see what whoever asks may see, and nothing is kept aside from its table")
    func views() async throws {
        try await MetadataDatabase.use { metadata in
            let views = try await metadata.database.query(
                """
                SELECT relname, relkind, coalesce(array_to_string(reloptions, ' '), '') AS options FROM pg_class
                WHERE relnamespace = 'weir'::regnamespace AND relkind IN ('v', 'm', 'f')
                """)
            for view in views {
                let name = try view.string("relname")
                #expect(try view.string("relkind") == "v", "\(name) holds rows that no policy guards")
                #expect(try view.string("options").contains("security_invoker"), "\(name)")
            }
            #expect(
                try await metadata.database.number(
                    """
                    SELECT count(*) FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class
                    WHERE c.relnamespace = 'weir'::regnamespace AND c.relkind <> 'v'
                    """) == 0)
        }
    }

    @Test("everybody has no right to anything, and the application none to sequences, partitions' parents or roles")
    func publicRights() async throws {
        try await MetadataDatabase.use { metadata in
            let open = try await metadata.database.query(
                """
                SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a
                WHERE c.relnamespace = 'weir'::regnamespace AND a.grantee = 0
                """)
            #expect(try open.map { try $0.string("relname") } == [])
            #expect(
                try await !metadata.database.query(
                    "SELECT has_schema_privilege('public', 'weir', 'USAGE') OR has_schema_privilege('weir_app', 'weir', 'CREATE') AS may"
                )[0].bool("may"))
            // What a sequence counts tells how much others do.
            let sequences = try await metadata.database.query(
                """
                SELECT relname FROM pg_class WHERE relnamespace = 'weir'::regnamespace
                  AND CASE WHEN relkind = 'S' THEN has_sequence_privilege('weir_app', oid, 'SELECT, USAGE') ELSE false END
                """)
            #expect(try sequences.map { try $0.string("relname") } == [])
        }
    }

    @Test("a secret that is not known tells of nobody, and one that is known of its own organization alone")
    func credentials() async throws {
        try await MetadataDatabase.use { metadata in
            for slug in ["mine", "others"] {
                try await metadata.database.query(
                    """
                    WITH made AS (SELECT * FROM weir.ensure_organization_with_owner(
                      \(slug), 'owner', gen_random_uuid(), gen_random_uuid()))
                    INSERT INTO weir.credentials (hash, kind, organization_id, principal_id)
                      SELECT sha256(\(slug)::bytea), 'token', organization_id, principal_id FROM made
                    """)
            }
            func slugs(_ secret: String, _ kind: String) async throws -> [String] {
                try await metadata.application.withConnection { connection in
                    try await connection.query(
                        """
                        SELECT slug FROM weir.holders(ARRAY[sha256(\(secret)::bytea)], ARRAY[\(kind)::text], '{NULL}')
                        """
                    ).map { try $0.string("slug") }
                }
            }
            #expect(try await slugs("mine", "token") == ["mine"])
            #expect(try await slugs("others", "token") == ["others"])
            for (secret, kind) in [("nobodys", "token"), ("mine", "session"), ("mine", "code"), ("", "token")] {
                #expect(try await slugs(secret, kind) == [], "\(secret) \(kind)")
            }
        }
    }
}
