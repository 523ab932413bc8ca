import Connecting
import Kernel
import Postgres
import PostgresConnector
import TestHouse
import Testing

@Suite("Discovery of a PostgreSQL source", .timeLimit(.minutes(10)))
struct DiscoveryTests {
    @Test("finds keys, foreign keys and what kind of thing each stream is, and each partitioned table once")
    func structure() async throws {
        try await SourceHouse.use(
            """
            CREATE SCHEMA "Other Schema";
            CREATE TABLE customers (id int PRIMARY KEY, email text NOT NULL UNIQUE, nick text UNIQUE, gone int);
            ALTER TABLE customers DROP COLUMN gone;
            CREATE UNIQUE INDEX partial ON customers (id) WHERE id > 5;
            CREATE UNIQUE INDEX expression ON customers (lower(email));
            CREATE TABLE "Other Schema"."select" ("Order" int, "b" int, a int, customer int REFERENCES customers,
              PRIMARY KEY (b, "Order"));
            CREATE TABLE lines (x int, y int, FOREIGN KEY (y, x) REFERENCES "Other Schema"."select" ("b", "Order"));
            CREATE TABLE events (id bigint, at date NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
            CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
            CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
            CREATE VIEW seen AS SELECT * FROM customers;
            CREATE MATERIALIZED VIEW stored AS SELECT 1 AS one;
            CREATE TABLE bare ();
            """
        ) { house in
            let found = try await house.streams()
            #expect(
                Set(found.keys) == [
                    "public.customers", "Other Schema.select", "public.lines", "public.events", "public.seen",
                    "public.stored", "public.bare",
                ])
            let customers = try #require(found["public.customers"]?.stream)
            #expect(customers.kind == .table)
            #expect(customers.columns.map(\.name) == ["id", "email", "nick"])
            #expect(customers.columns.map(\.nullable) == [false, false, true])
            #expect(customers.primaryKey == ["id"])
            #expect(customers.uniqueKeys == [["email"]])
            let select = try #require(found["Other Schema.select"]?.stream)
            #expect(select.primaryKey == ["b", "Order"])
            #expect(
                select.foreignKeys == [
                    ForeignKey(columns: ["customer"], references: customers.name, referencedColumns: ["id"])
                ])
            #expect(
                found["public.lines"]?.stream.foreignKeys == [
                    ForeignKey(columns: ["y", "x"], references: select.name, referencedColumns: ["b", "Order"])
                ])
            #expect(found["public.events"]?.stream.kind == .partitionedTable)
            #expect(found["public.events"]?.stream.primaryKey == ["id", "at"])
            #expect(found["public.seen"]?.stream.kind == .view)
            #expect(found["public.stored"]?.stream.kind == .materializedView)
            #expect(found["public.bare"]?.refusal?.code == .unsupported)
            #expect(found.values.filter { $0.refusal != nil }.count == 1)
        }
    }

    @Test("carries numbers as exactly as they are declared, and as text where no decimal holds them")
    func numeric() async throws {
        try await SourceHouse.use(
            """
            CREATE DOMAIN euro AS numeric(12, 2) CHECK (VALUE >= 0);
            CREATE DOMAIN price AS euro;
            CREATE TABLE n (a numeric(10, 2), b numeric, c numeric(38, 10), d numeric(39, 0), e numeric(5, -2),
              f numeric(3, 5), g euro, h price, i money, j numeric(1, 0), k numeric(38, 38));
            """
        ) { house in
            let columns = try await house.stream("public.n").columns
            let carried = Dictionary(columns.map { ($0.name, $0.carried) }, uniquingKeysWith: { first, _ in first })
            #expect(carried["a"] == .decimal(precision: 10, scale: 2))
            #expect(carried["c"] == .decimal(precision: 38, scale: 10))
            #expect(carried["g"] == .decimal(precision: 12, scale: 2))
            #expect(carried["h"] == .decimal(precision: 12, scale: 2))
            #expect(carried["i"] == .decimal(precision: 19, scale: 2))
            #expect(carried["j"] == .decimal(precision: 1, scale: 0))
            #expect(carried["k"] == .decimal(precision: 38, scale: 38))
            for name in ["b", "d", "e", "f"] {
                #expect(carried[name] == .text, "\(name)")
                #expect(columns.first { $0.name == name }?.meaning == .decimalText, "\(name)")
            }
        }
    }

    @Test("says which tables this user may not read")
    func permission() async throws {
        try await SourceHouse.use(
            """
            CREATE TABLE open (id int); CREATE TABLE closed (id int); CREATE TABLE part (id int, secret text);
            CREATE SCHEMA hidden; CREATE TABLE hidden.t (id int);
            GRANT SELECT ON open, hidden.t TO READER; GRANT SELECT (id) ON part TO READER;
            """, asReader: true
        ) { house in
            let found = try await house.streams()
            #expect(found["public.open"]?.refusal == nil)
            for name in ["public.closed", "public.part", "hidden.t"] {
                #expect(found[name]?.refusal?.code == .sourcePermission, "\(name)")
                #expect(found[name]?.refusal?.hint?.contains("GRANT SELECT") == true, "\(name)")
            }
        }
    }

    @Test("tells a wrong host, database, user and password apart, and shows no password")
    func refusals() async throws {
        try await SourceHouse.use("") { house in
            let place = house.source
            #expect(try await place.check().product.hasPrefix("PostgreSQL "))
            #expect(try await place.check().database == house.database.name)
            let port = house.database.address.parameters["port"] ?? "5432"
            let cases: [(String, Set<Problem.Code>)] = [
                ("postgresql://postgres:hunter2@127.0.0.1:1/x", [.sourceUnreachable]),
                ("postgresql://postgres:hunter2@no-such-host.invalid/x", [.sourceUnreachable]),
                ("postgresql://weir_nobody:hunter2@127.0.0.1:\(port)/\(house.database.name)", [.sourceCredentials]),
            ]
            for (text, expected) in cases {
                let source = PostgresSource(
                    address: try .init(text), duckDB: { throw Problem(.internal, "DuckDB is not needed.") })
                let problem = await #expect(throws: Problem.self) { _ = try await source.check() }
                #expect(problem.map { expected.contains($0.code) } == true, "\(problem?.description ?? "")")
                #expect(problem?.description.contains("hunter2") == false)
            }
            let missing = PostgresSource(
                address: try TestServer.address(database: "weir_no_such_database"),
                duckDB: { try await TestDuck.shared() })
            let problem = await #expect(throws: Problem.self) { _ = try await missing.openSnapshot(parallelism: 1) }
            #expect(problem?.code == .sourceMissing)
        }
    }
}
