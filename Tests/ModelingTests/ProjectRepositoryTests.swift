import Foundation
import Kernel
import Modeling
import Testing

@Suite struct ProjectRepositoryTests {
    private let house = TestFolder()

    private func files(_ texts: [String: String]) -> [ProjectFile] {
        texts.map { ProjectFile(path: $0.key, text: $0.value) }.sorted { $0.path < $1.path }
    }

    private let lines = (1...20).map { "line \($0)\n" }.joined()

    @Test func `a first generation writes the files and commits them as Weirhouse`() async throws {
        let repository = ProjectRepository(folder: house.path)
        let result = try await repository.update(
            with: files(["models/a.sql": "a\n", "b.yml": "b\n"]), message: "Generate")
        #expect(result.changed == ["b.yml", "models/a.sql"])
        #expect(house.read("models/a.sql") == "a\n")
        #expect(house.git("status", "--porcelain") == "")
        #expect(house.git("log", "--format=%an %s", "main") == "Weirhouse Generate")
    }

    @Test func `the same files again change nothing`() async throws {
        let repository = ProjectRepository(folder: house.path)
        let first = try await repository.update(with: files(["a.sql": "a\n"]), message: "Generate")
        let second = try await repository.update(with: files(["a.sql": "a\n"]), message: "Generate")
        #expect(second.commit == first.commit)
        #expect(second.changed.isEmpty && second.kept.isEmpty && second.edited.isEmpty && !second.foundEdits)
    }

    @Test func `edits stay, committed or not, and what is new in the same file comes in beside them`() async throws {
        let repository = ProjectRepository(folder: house.path)
        _ = try await repository.update(with: files(["a.sql": lines, "b.sql": "b\n"]), message: "Generate")
        house.write("a.sql", lines.replacing("line 2\n", with: "my line 2\n"))
        house.write("mine.sql", "mine\n")
        let result = try await repository.update(
            with: files(["a.sql": lines.replacing("line 19\n", with: "new line 19\n"), "b.sql": "b2\n"]),
            message: "Generate")
        #expect(result.foundEdits)
        #expect(result.kept.isEmpty)
        #expect(result.changed == ["a.sql", "b.sql"])
        #expect(result.edited == ["a.sql", "mine.sql"])
        let expected = lines.replacing("line 2\n", with: "my line 2\n").replacing("line 19\n", with: "new line 19\n")
        #expect(house.read("a.sql") == expected)
        #expect(house.read("b.sql") == "b2\n")
        #expect(house.read("mine.sql") == "mine\n")
        #expect(house.git("log", "--format=%s", "main").contains("Edits found before generating"))
    }

    @Test func `where both changed a line the person's file stays, once, and the result names it`() async throws {
        let repository = ProjectRepository(folder: house.path)
        _ = try await repository.update(with: files(["a.sql": "a\n", "b.sql": "b\n"]), message: "Generate")
        house.write("a.sql", "mine\n")
        let result = try await repository.update(with: files(["a.sql": "a2\n", "b.sql": "b2\n"]), message: "Generate")
        #expect(result.kept == ["a.sql"])
        #expect(result.changed == ["b.sql"])
        #expect(house.read("a.sql") == "mine\n")
        let again = try await repository.update(with: files(["a.sql": "a2\n", "b.sql": "b2\n"]), message: "Generate")
        #expect(again.kept.isEmpty && again.changed.isEmpty)
        #expect(again.edited == ["a.sql"])
    }

    @Test func `a deleted file stays deleted and one no longer generated goes unless it was edited`() async throws {
        let repository = ProjectRepository(folder: house.path)
        let all = ["deleted.sql": "1\n", "models/old.sql": "2\n", "edited.sql": "3\n", "same.sql": "4\n"]
        _ = try await repository.update(with: files(all), message: "Generate")
        house.remove("deleted.sql")
        house.write("edited.sql", "mine\n")
        let result = try await repository.update(
            with: files(["deleted.sql": "new\n", "same.sql": "4\n"]), message: "Generate")
        #expect(house.read("deleted.sql") == nil)
        #expect(house.read("models/old.sql") == nil)
        #expect(!FileManager.default.fileExists(atPath: "\(house.path)/models"))
        #expect(house.read("edited.sql") == "mine\n")
        #expect(result.kept == ["deleted.sql", "edited.sql"])
        #expect(result.changed == ["models/old.sql"])
    }

    @Test func `an edit never moves to another model that looks alike`() async throws {
        let repository = ProjectRepository(folder: house.path)
        _ = try await repository.update(with: files(["a.sql": lines]), message: "Generate")
        house.write("a.sql", lines.replacing("line 5\n", with: "mine\n"))
        _ = try await repository.update(with: files(["b.sql": lines]), message: "Generate")
        #expect(house.read("b.sql") == lines)
        #expect(house.read("a.sql")?.contains("mine") == true)
    }

    @Test func `files that stood in the folder before stay`() async throws {
        house.write("a.sql", "mine\n")
        house.write("target/run.json", "not kept\n")
        let repository = ProjectRepository(folder: house.path)
        let result = try await repository.update(with: files(["a.sql": "a\n", "b.sql": "b\n"]), message: "Generate")
        #expect(result.kept == ["a.sql"])
        #expect(house.read("a.sql") == "mine\n")
        #expect(house.read("b.sql") == "b\n")
        #expect(!house.git("ls-files").contains("target"))
    }

    @Test func `a generation that died while it replaced files is undone and done again, edits kept`() async throws {
        let repository = ProjectRepository(folder: house.path, patience: .zero)
        _ = try await repository.update(
            with: files(["a.sql": "a\n", "b.sql": "b\n", "c.sql": "c\n"]), message: "Generate")
        // As after a kill: committed to `generated`, the note written, one file replaced, locks left behind.
        let old = house.git("rev-parse", "main")
        _ = try await repository.update(
            with: files(["a.sql": "a2\n", "b.sql": "b2\n", "d.sql": "d\n"]), message: "Generate")
        let dead = house.git("rev-parse", "main")
        house.git("reset", "--hard", "--quiet", old)
        house.write(".git/weirhouse/applying", dead)
        house.write(".git/weirhouse/busy", "")
        house.write(".git/index.lock", "")
        house.write("a.sql", "a2\n")
        house.write("d.sql", "d\n")
        house.remove("c.sql")
        // What a person saved meanwhile.
        house.write("b.sql", "mine\n")
        let result = try await repository.update(with: files(["a.sql": "a3\n", "b.sql": "b\n"]), message: "Generate")
        #expect(house.read("a.sql") == "a3\n")
        #expect(house.read("b.sql") == "mine\n")
        #expect(house.read("c.sql") == nil)
        #expect(house.read("d.sql") == nil)
        #expect(result.edited == ["b.sql"])
        #expect(house.git("status", "--porcelain") == "")
    }

    @Test func `a generation that died before the merge is merged by the next`() async throws {
        let repository = ProjectRepository(folder: house.path)
        _ = try await repository.update(with: files(["a.sql": "a\n"]), message: "Generate")
        let old = house.git("rev-parse", "main")
        _ = try await repository.update(with: files(["a.sql": "a2\n"]), message: "Generate")
        house.git("reset", "--hard", "--quiet", old)
        let result = try await repository.update(with: files(["a.sql": "a2\n"]), message: "Generate")
        #expect(result.changed == ["a.sql"])
        #expect(house.read("a.sql") == "a2\n")
    }

    @Test func `a person's merge, another branch, or a Git command at work is never disturbed`() async throws {
        let repository = ProjectRepository(folder: house.path, patience: .zero)
        _ = try await repository.update(with: files(["a.sql": "a\n"]), message: "Generate")
        house.write(".git/MERGE_HEAD", house.git("rev-parse", "main"))
        #expect(await code { try await repository.update(with: [], message: "Generate") } == .conflict)
        house.remove(".git/MERGE_HEAD")
        _ = try await repository.update(with: files(["a.sql": "a\n"]), message: "Generate")
        house.write(".git/index.lock", "")
        #expect(await code { try await repository.update(with: [], message: "Generate") } == .busy)
        house.remove(".git/index.lock")
        house.git("checkout", "--quiet", "-b", "other")
        #expect(await code { try await repository.update(with: [], message: "Generate") } == .conflict)
    }

    @Test func `a path outside the project is refused`() async throws {
        let repository = ProjectRepository(folder: house.path)
        for path in ["../a", "/etc/a", "a/../../b", ".git/config", ".GIT/hooks/x", ""] {
            #expect(
                await code { try await repository.update(with: files([path: ""]), message: "Generate") }
                    == .invalidInput)
        }
    }

    private func code(_ work: () async throws -> GenerationResult) async -> Problem.Code? {
        do {
            _ = try await work()
            return nil
        } catch { return (error as? Problem)?.code }
    }
}
