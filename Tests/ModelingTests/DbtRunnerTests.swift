import Foundation
import Kernel
import Modeling
import Synchronization
import Testing
import Warehousing

/// Real dbt over a DuckDB file that holds what a load would have left in RAW.
@Suite(.serialized, .enabled(if: PythonHome.path != nil, "needs Weirhouse's Python environment: make bootstrap"))
struct DbtRunnerTests {
    private let house = TestFolder()
    private let runner = DbtRunner(pythonHome: PythonHome.path ?? "")

    @Test(arguments: Inputs.all.keys)
    func `everything generated builds and passes without a warning`(name: String) async throws {
        let input = try #require(Inputs.all[name])
        try prepare(input, rows: name == "adversarial" ? RawTables.adversarialRows : "")
        let progress = Mutex<[BuildProgress]>([])
        let result = try await runner.build(house.path, target: target()) { step in
            progress.withLock { $0.append(step) }
        }
        #expect(result.failures == [])
        #expect(result.warnings == [])
        #expect(result.problem == nil && result.succeeded)
        let models = ProjectGenerator.files(for: input).filter {
            $0.path.hasPrefix("models/") && $0.path.hasSuffix(".sql")
        }
        #expect(result.modelsBuilt == models.count)
        #expect(result.testsPassed > models.count && result.testsFailed == 0)
        let steps = progress.withLock { $0 }
        #expect(steps.count == result.modelsBuilt + result.testsPassed)
        #expect(steps.last?.finished == steps.last?.of)
        for file in ProjectGenerator.files(for: input) where file.path.hasPrefix("dashboards/") {
            for chart in try Dashboard(yaml: file.text, file: file.path).charts {
                #expect(try query(chart.statement()).status == 0, "\(chart.id)")
                #expect(
                    try query(chart.statement(from: "2026-01-01", through: "2026-01-02")).status == 0, "\(chart.id)")
            }
        }
        let strays = try FileManager.default.contentsOfDirectory(atPath: house.path)
        #expect(Set(strays).subtracting(Self.expected).isEmpty)
        let leftovers = try FileManager.default.contentsOfDirectory(atPath: "\(house.path)/target")
        #expect(!leftovers.contains { $0.hasPrefix("private-") })
    }

    private static let expected: Set = [
        "models", "macros", "dashboards", "target", "logs", "dbt_project.yml", "README.md", ".gitignore", "lake.duckdb",
        "lake.duckdb.wal",
    ]

    @Test func `joins keep the child's rows and infinities stay out of the days`() async throws {
        try prepare(Inputs.adversarial, rows: RawTables.adversarialRows)
        _ = try await runner.build(house.path, target: target()) { _ in }
        #expect(query("select count(*) from INTERMEDIATE.int_odd__order_enriched").output == "[(4,)]")
        #expect(
            query("select cast(day as varchar), \"rows\", total_sum from MARTS.daily_order").output
                == "[('2026-01-02', 2, Decimal('11.50'))]")
        #expect(
            query("select amount, amount_text, typeof(amount) from STAGING.stg_odd__types order by 2").output
                == "[(Decimal('-0.1'), '-0.10', 'DECIMAL(38,1)'), (Decimal('123456789012345678.5'), '123456789012345678.5', "
                + "'DECIMAL(38,1)'), (None, 'NaN', 'DECIMAL(38,1)')]")
        #expect(
            query("select c_interval from MARTS.dim_types where id = 99999999999999999999999999999999999999").output
                == "[('1 month -3 days 04:05:06.123456',)]")
    }

    @Test func `a test that fails is counted and named`() async throws {
        try prepare(Inputs.adversarial, rows: "insert into \"RAW\".odd__nokey values (1);")
        house.write("tests/never.sql", "select 1 as one")
        let result = try await runner.build(house.path, target: target()) { _ in }
        #expect(result.testsFailed == 1)
        #expect(result.failures.map(\.node) == ["never"])
        #expect(result.problem?.code == .modelsFailed)
        #expect(result.problem?.detail.hasPrefix("The test never failed: ") == true)
    }

    @Test(arguments: [true, false])
    func `a row without its parent is an error in one snapshot, a warning in two`(ofOneSnapshot: Bool) async throws {
        let first = "'2026-01-01 10:00:00Z'"
        let second = ofOneSnapshot ? first : "'2026-01-01 11:00:00Z'"
        try prepare(
            Inputs.chinook,
            rows: """
                insert into "RAW".chinook__artist values (1, 'AC/DC');
                insert into "RAW".chinook__album values (1, 'Let There Be Rock', 1), (2, 'Restless and Wild', 2);
                insert into "RAW"._weir_loads (table_name, taken_at) values
                    ('chinook__artist', '2026-01-01 09:00:00Z'), ('chinook__album', '2026-01-01 09:00:00Z'),
                    ('chinook__artist', \(first)), ('chinook__album', \(second));
                """)
        let result = try await runner.build(house.path, target: target()) { _ in }
        let test = "has_parent_stg_chinook__album"
        if ofOneSnapshot {
            #expect(result.failures.count == 1 && result.failures[0].node.hasPrefix(test))
            #expect(result.skipped > 0)
        } else {
            #expect(result.succeeded)
            let warning = try #require(result.warnings.first)
            #expect(result.warnings.count == 1 && warning.hasPrefix(test) && warning.contains("1 result"))
        }
    }

    @Test func `a model that fails is named in one line, without secrets, and those after it are skipped`() async throws
    {
        try prepare(Inputs.chinook)
        let model = "{{ config(materialized='table') }} select cast('s3cret-password' as integer) as artistid"
        house.write("models/staging/chinook/stg_chinook__artist.sql", model)
        let result = try await runner.build(house.path, target: target()) { _ in }
        #expect(result.failures.map(\.node) == ["stg_chinook__artist"])
        #expect(result.skipped > 0)
        let detail = try #require(result.problem?.detail)
        #expect(detail.hasPrefix("The model stg_chinook__artist failed: "))
        #expect(detail.contains("•••") && !detail.contains("s3cret-password") && !detail.contains("\n"))
    }

    @Test func `a project that dbt cannot read is a problem that says why`() async throws {
        try prepare(Inputs.chinook)
        house.write("models/broken.sql", "select * from {{ ref('nowhere') }}")
        await #expect {
            _ = try await runner.build(house.path, target: target()) { _ in }
        } throws: { error in
            let problem = error as? Problem
            return problem?.code == .modelsFailed && problem?.detail.contains("nowhere") == true
        }
    }

    @Test func `a build that takes too long is stopped with all its processes`() async throws {
        try prepare(Inputs.chinook)
        let hasty = DbtRunner(pythonHome: runner.pythonHome, limits: .init(time: .milliseconds(700)))
        await #expect {
            _ = try await hasty.build(house.path, target: target()) { _ in }
        } throws: { error in
            (error as? Problem)?.detail.contains("longer than") == true
        }
        #expect(TestFolder.run("/usr/bin/flock", ["-n", "\(house.path)/target/.lock", "true"]).status == 0)
    }

    @Test func `a cancelled build ends its process and says so`() async throws {
        try prepare(Inputs.chinook)
        let (started, signal) = AsyncStream<Void>.makeStream()
        let build = Task { try await runner.build(house.path, target: target()) { _ in signal.yield() } }
        for await _ in started { break }
        build.cancel()
        await #expect(throws: CancellationError.self) { _ = try await build.value }
        #expect(TestFolder.run("/usr/bin/flock", ["-n", "\(house.path)/target/.lock", "true"]).status == 0)
    }

    @Test func `a build in a process that is killed dies with it`() async throws {
        try prepare(Inputs.chinook)
        // The watcher sees the end of the pipe that only the parent holds; `sleep` stands for a dbt that never ends.
        let script = """
            import os, subprocess, sys
            read, write = os.pipe()
            os.set_inheritable(write, False)
            child = subprocess.Popen(['/bin/sh', '-c', sys.argv[1], 'x', '1000000', sys.argv[2], 'sleep', '1000'],
                                     stdin=read, process_group=0)
            os.close(read)
            os.close(write)
            sys.exit(-child.wait(20))
            """
        let end = TestFolder.run(
            "\(runner.pythonHome)/bin/python", ["-c", script, DbtRunner.script, "\(house.path)/target"])
        #expect(end.status == 9)
    }

    @Test func `a missing Python environment is said`() async throws {
        let lost = DbtRunner(pythonHome: "/nonexistent")
        await #expect {
            _ = try await lost.build(house.path, target: target()) { _ in }
        } throws: { ($0 as? Problem)?.code == .missingDependency }
    }

    // MARK: - The house

    private func prepare(_ input: ModelingInput, rows: String = "") throws {
        for file in ProjectGenerator.files(for: input) { house.write(file.path, file.text) }
        house.write("target/raw.sql", "create schema \"RAW\";\n" + RawTables.create(input) + rows)
        let script = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute(open(sys.argv[2]).read())"
        let made = TestFolder.run(
            "\(runner.pythonHome)/bin/python",
            ["-c", script, "\(house.path)/lake.duckdb", "\(house.path)/target/raw.sql"])
        try #require(made.status == 0, "\(made.output)")
    }

    private func target() -> ModelingTarget {
        ModelingTarget(
            profile: """
                type: duckdb
                path: ":memory:"
                database: lake
                schema: MARTS
                threads: 1
                config_options:
                  temp_directory: "{{ env_var('WEIR_DBT_TEMP') }}/spill"
                attach:
                  - path: "{{ env_var('LAKE_FILE') }}"
                    alias: lake
                """,
            environment: ["LAKE_FILE": Secret("\(house.path)/lake.duckdb"), "LAKE_KEY": Secret("s3cret-password")],
            database: "lake")
    }

    private func query(_ sql: String) -> (status: Int32, output: String) {
        TestFolder.run(
            "\(runner.pythonHome)/bin/python",
            [
                "-c", "import duckdb, sys; print(duckdb.connect(sys.argv[1]).execute(sys.argv[2]).fetchall())",
                "\(house.path)/lake.duckdb", sql,
            ])
    }
}

/// Where the tests find dbt: `WEIR_PYTHON_HOME`, or `.venv` beside Package.swift.
enum PythonHome {
    static let path: String? = {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../../.venv")
        let home = ProcessInfo.processInfo.environment["WEIR_PYTHON_HOME"] ?? root.standardizedFileURL.path
        return FileManager.default.isExecutableFile(atPath: "\(home)/bin/dbt") ? home : nil
    }()
}
