import Connecting
import Kernel
import Postgres
import PostgresConnector
import TestHouse
import Testing

@Suite("A snapshot of a PostgreSQL source", .timeLimit(.minutes(10)))
struct SnapshotTests {
    @Test("divides a table into parts that hold every row once, while it is changed")
    func parts() async throws {
        // A low fill factor: many pages of few rows.
        try await SourceHouse.use(
            """
            CREATE TABLE items (id int PRIMARY KEY, state text, filler text) WITH (fillfactor = 10);
            INSERT INTO items SELECT n, 'old', repeat('x', 150) FROM generate_series(1, 9000) n;
            """
        ) { house in
            let stream = try await house.stream("public.items")
            let stop = Signal()
            try await house.snapshot { snapshot in
                let parts = try await snapshot.parts(of: stream)
                #expect(parts.count == 2)
                let changes = Task {
                    let connection = try await house.database.connect()
                    var round = 0
                    while !Task.isCancelled {
                        try await connection.query(
                            "UPDATE items SET state = 'new', filler = repeat('y', 300) WHERE id % 7 = \(round % 7)")
                        try await connection.query(
                            """
                            INSERT INTO items SELECT \(1_000_000 + round * 100) + n, 'new', ''
                            FROM generate_series(1, 100) n
                            """
                        )
                        try await connection.query("DELETE FROM items WHERE id % 11 = \(round % 11)")
                        round += 1
                        if round == 2 { await stop.open() }
                    }
                    await connection.close()
                }
                await stop.wait()
                let files = try await house.read(stream, through: snapshot)
                let counted = try await snapshot.count(stream)
                changes.cancel()
                _ = await changes.result
                #expect(counted == 9000)
                let found = try await house.rows(
                    "SELECT count(*), count(DISTINCT id), min(id), max(id), count(*) FILTER (state <> 'old') FROM t",
                    of: files)
                #expect(found == [["9000", "9000", "1", "9000", "0"]])
            }
        }
    }

    @Test("shows every stream at the same moment")
    func oneMoment() async throws {
        try await SourceHouse.use("CREATE TABLE a (id int); CREATE TABLE b (id int); INSERT INTO a VALUES (1)") {
            house in
            let streams = try await [house.stream("public.a"), house.stream("public.b")]
            try await house.snapshot { snapshot in
                #expect(snapshot.position.position.contains("/"))
                #expect(snapshot.position.takenAt.hasSuffix("Z"))
                let first = try await house.read(streams[0], through: snapshot)
                try await house.database.script(
                    "INSERT INTO a VALUES (2); INSERT INTO b VALUES (2); DELETE FROM a WHERE id = 1")
                let second = try await house.read(streams[1], through: snapshot)
                let again = try await house.read(streams[0], through: snapshot)
                #expect(try await house.rows("SELECT id FROM t", of: first) == [["1"]])
                #expect(try await house.rows("SELECT id FROM t", of: again) == [["1"]])
                #expect(try await house.rows("SELECT id FROM t", of: second) == [])
                #expect(try await snapshot.count(streams[1]) == 0)
            }
        }
    }

    @Test("refuses what was emptied or rewritten where it could not be locked, through partitions and views too")
    func rewritten() async throws {
        try await SourceHouse.use(
            """
            CREATE TABLE facts (id int); INSERT INTO facts SELECT generate_series(1, 50);
            CREATE TABLE kept (id int); INSERT INTO kept VALUES (1);
            CREATE TABLE parts (id int) PARTITION BY LIST (id); CREATE TABLE part PARTITION OF parts FOR VALUES IN (1);
            INSERT INTO parts VALUES (1);
            CREATE VIEW seen AS SELECT f.id FROM facts f JOIN kept ON true;
            CREATE TABLE again (id int); INSERT INTO again VALUES (1);
            CREATE TABLE divided (id int) PARTITION BY LIST (id);
            CREATE TABLE divided_1 PARTITION OF divided FOR VALUES IN (1); INSERT INTO divided VALUES (1);
            CREATE VIEW whole AS SELECT d.id FROM divided d JOIN kept ON true;
            """
        ) { house in
            var streams: [String: SourceStream] = [:]
            for name in ["facts", "kept", "parts", "seen", "again", "whole"] {
                streams[name] = try await house.stream("public.\(name)")
            }
            // No locks: as where only columns are granted, or somebody held the table for long.
            try await house.snapshot { snapshot in
                // Whoever has asked holds the table from then on.
                let whole = try #require(streams["whole"])
                #expect(try await snapshot.count(whole) == 1)
                try await house.database.script(
                    """
                    BEGIN; TRUNCATE facts; INSERT INTO facts SELECT generate_series(1, 60); COMMIT;
                    ALTER TABLE part ALTER id SET STATISTICS 5; TRUNCATE part;
                    DROP TABLE again; CREATE TABLE again (id int);
                    """)
                for name in ["facts", "parts", "seen", "again"] {
                    let stream = try #require(streams[name])
                    let problem = await #expect(throws: Problem.self) { try await snapshot.count(stream) }
                    #expect(problem?.code == .sourceChanged, "\(name)")
                }
                let kept = try #require(streams["kept"])
                #expect(try await snapshot.count(kept) == 1)
            }
        }
    }

    @Test("refuses what had other columns when it was asked for")
    func columnsChanged() async throws {
        try await SourceHouse.use(
            """
            CREATE TABLE prices (id int PRIMARY KEY, amount numeric(10,2)); INSERT INTO prices VALUES (1, 1.2);
            CREATE TABLE kept (id int); INSERT INTO kept VALUES (1);
            """
        ) { house in
            let (prices, kept) = try await (house.stream("public.prices"), house.stream("public.kept"))
            try await house.database.script(
                "ALTER TABLE prices ALTER amount TYPE numeric(14,6), ADD note text; UPDATE prices SET amount = 1.234567"
            )
            let snapshot = try await house.source.openSnapshot(of: [prices, kept], parallelism: 1)
            let result = await Result<Int64, any Error> {
                let counted = await #expect(throws: Problem.self) { try await snapshot.count(prices) }
                let divided = await #expect(throws: Problem.self) { try await snapshot.parts(of: prices) }
                #expect(counted?.code == .sourceChanged && divided?.code == .sourceChanged)
                return try await snapshot.count(kept)
            }
            await snapshot.close()
            #expect(try result.get() == 1)
        }
    }

    @Test("reads a partitioned table with its partitions, and a parent without its children")
    func inheritance() async throws {
        try await SourceHouse.use(
            """
            CREATE TABLE events (id int) PARTITION BY LIST (id);
            CREATE TABLE events_1 PARTITION OF events FOR VALUES IN (1);
            CREATE TABLE events_2 PARTITION OF events FOR VALUES IN (2);
            INSERT INTO events VALUES (1), (2);
            CREATE TABLE parent (id int); CREATE TABLE child () INHERITS (parent);
            INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2);
            """
        ) { house in
            try await house.snapshot { snapshot in
                for (name, expected) in [
                    ("public.events", [["1"], ["2"]]), ("public.parent", [["1"]]), ("public.child", [["2"]]),
                ] {
                    let stream = try await house.stream(name)
                    let files = try await house.read(stream, through: snapshot)
                    #expect(try await house.rows("SELECT id FROM t ORDER BY 1", of: files) == expected)
                    #expect(try await snapshot.count(stream) == Int64(expected.count))
                }
            }
        }
    }

    @Test("asks for a column as text when it holds a number that is none, and then carries it")
    func notANumber() async throws {
        try await SourceHouse.use(
            "CREATE TABLE t (id int, price numeric(10, 2)); INSERT INTO t VALUES (1, 1.5), (2, 'NaN')"
        ) { house in
            var stream = try await house.stream("public.t")
            try await house.snapshot(parallelism: 1) { snapshot in
                let needed = await #expect(throws: ColumnNeedsText.self) {
                    _ = try await house.read(stream, through: snapshot)
                }
                #expect(needed?.column == "price")
                stream.columns[1].carried = .text
                stream.columns[1].meaning = .decimalText
                let files = try await house.read(stream, through: snapshot)
                #expect(try await house.rows("SELECT price FROM t ORDER BY id", of: files) == [["1.50"], ["NaN"]])
            }
        }
    }

    @Test("refuses what the user may not read, and goes on with the rest")
    func permission() async throws {
        try await SourceHouse.use(
            """
            CREATE TABLE open (id int); INSERT INTO open VALUES (1);
            CREATE TABLE closed (id int);
            CREATE TABLE rows_hidden (id int); INSERT INTO rows_hidden VALUES (1), (2);
            ALTER TABLE rows_hidden ENABLE ROW LEVEL SECURITY;
            CREATE POLICY one ON rows_hidden USING (id = 1);
            GRANT SELECT ON open, rows_hidden TO READER;
            """, asReader: true
        ) { house in
            let open = try await house.stream("public.open")
            let refused = try await [house.stream("public.closed"), house.stream("public.rows_hidden")]
            try await house.snapshot(parallelism: 1) { snapshot in
                for stream in refused {
                    let counting = await #expect(throws: Problem.self) { _ = try await snapshot.count(stream) }
                    #expect(counting?.code == .sourcePermission)
                    let part = StreamPart(number: 0, of: 1, range: nil)
                    let reading = await #expect(throws: Problem.self) {
                        _ = try await snapshot.write(part, of: stream, to: house.target())
                    }
                    #expect(reading?.code == .sourcePermission)
                    #expect(reading?.detail.contains("Row-level security") == (stream.name.table == "rows_hidden"))
                    let files = try await house.read(open, through: snapshot)
                    #expect(try await house.rows("SELECT id FROM t", of: files) == [["1"]])
                }
            }
        }
    }

    @Test("ends every read cleanly when the server goes away in the middle, and closes")
    func interrupted() async throws {
        // Reading the view waits for a lock that the test holds.
        try await SourceHouse.use(
            """
            CREATE FUNCTION held() RETURNS int LANGUAGE plpgsql AS
              $$ BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN 1; END $$;
            CREATE VIEW slow AS SELECT held() AS one;
            """
        ) { house in
            let stream = try await house.stream("public.slow")
            let holder = try await house.database.connect()
            try await holder.query("SELECT pg_advisory_lock(42)")
            try await house.snapshot { snapshot in
                let part = StreamPart(number: 0, of: 1, range: nil)
                // More reads than readers: those that wait for one must hear of it too.
                let reads = (0..<8).map { _ in
                    Task { _ = try await snapshot.write(part, of: stream, to: house.target()) }
                }
                let counting = Task { _ = try await snapshot.count(stream) }
                try await house.database.wait(
                    until:
                        """
                        3 = (SELECT count(*) FROM pg_stat_activity
                          WHERE datname = current_database() AND wait_event = 'advisory')
                        """
                )
                try await holder.query(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                    """)
                for read in reads + [counting] {
                    let problem = await #expect(throws: Problem.self) { try await read.value }
                    #expect(problem?.code == .sourceInterrupted, "\(problem?.cause as Any)")
                }
            }
            await holder.close()
        }
    }

    @Test("is closed with all of its sessions when a read is cancelled")
    func cancelled() async throws {
        try await SourceHouse.use(
            """
            CREATE FUNCTION held() RETURNS int LANGUAGE plpgsql AS
              $$ BEGIN PERFORM pg_advisory_xact_lock_shared(42); RETURN 1; END $$;
            CREATE VIEW slow AS SELECT held() AS one;
            """
        ) { house in
            let stream = try await house.stream("public.slow")
            let holder = try await house.database.connect()
            try await holder.query("SELECT pg_advisory_lock(42)")
            try await house.snapshot { snapshot in
                let counting = Task { _ = try await snapshot.count(stream) }
                try await house.database.wait(
                    until:
                        """
                        1 = (SELECT count(*) FROM pg_stat_activity
                          WHERE datname = current_database() AND wait_event = 'advisory')
                        """
                )
                counting.cancel()
                await #expect(throws: CancellationError.self) { try await counting.value }
                try await holder.query("SELECT pg_advisory_unlock(42)")
                #expect(try await snapshot.count(stream) == 1)
            }
            try await house.database.wait(
                until:
                    """
                    NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                      AND pid NOT IN (pg_backend_pid(), \(try await pid(of: holder))::int))
                    """
            )
            await holder.close()
        }
    }

    private func pid(of connection: PGConnection) async throws -> Int64 {
        try await connection.query("SELECT pg_backend_pid() AS pid").first?.int("pid") ?? 0
    }
}
