import Foundation
import Kernel

/// What a generation did to the project.
package struct GenerationResult: Sendable, Codable, Hashable {
    /// The commit that `main` is at now.
    package var commit: String
    /// Files that were written or removed, by path.
    package var changed: [String]
    /// Files that people changed or deleted where the generator wanted another text too: theirs stayed.
    package var kept: [String]
    /// Files whose text on `main` is not the generated one.
    package var edited: [String]
    /// Whether edits stood uncommitted and were committed first.
    package var foundEdits: Bool
}

/// The Git repository in which the models of one warehouse live, and in which people edit them.
///
/// `generated` holds what was generated last, nothing else; `main` holds what people made of it, and is checked out.
/// A generation is committed to `generated` and merged into `main` file by file. Nothing is ever half done for long: a
/// process that dies at any point leaves a repository that the next `update` brings to the same end.
package struct ProjectRepository: Sendable {
    /// The project's folder, absolute.
    package let folder: String
    /// How long a lock file of another Git command is waited for.
    let patience: Duration
    let git: Git

    package init(folder: String, patience: Duration = .seconds(5)) {
        self.folder = folder
        self.patience = patience
        git = Git(folder: folder)
    }

    /// Makes the repository if there is none, commits the edits that stand in it, and merges these files in as the new
    /// generated state. The same files again change nothing.
    /// - Parameter message: of the commit, `Generate models from shop`.
    /// - Throws: `conflict` if a person is in the middle of a merge or on another branch, `busy` if another generation
    ///   or Git command is at work, `diskFull`, `missingDependency`, `invalidInput` for a path outside the project.
    package func update(with files: [ProjectFile], message: String) async throws -> GenerationResult {
        try Self.check(files)
        try FileManager.default.createDirectory(atPath: own("."), withIntermediateDirectories: true)
        guard let lock = FileLock(path: own("lock")) else {
            throw Problem(
                .busy, "Another generation is at work on the models in this project.",
                hint: "Try again when it has ended.")
        }
        defer { lock.release() }
        try await prepare()
        var foundEdits = try await commitEdits()
        let generated = try await commitGenerated(files, message: message)
        FaultPoint.pass("models.generated")
        var merge = try await self.merge(generated, message: message)
        // A person may save a file at any moment: what is on disk must be committed when files are replaced.
        while let target = merge.target, try await !apply(target, onto: merge.main) {
            foundEdits = try await commitEdits() || foundEdits
            merge = try await self.merge(generated, message: message)
        }
        let edited = try await paths(from: generated, to: "refs/heads/main")
        let result = GenerationResult(
            commit: try await git("rev-parse", "refs/heads/main"), changed: merge.changed, kept: merge.kept,
            edited: edited, foundEdits: foundEdits)
        try FileManager.default.removeItem(atPath: own("busy"))
        return result
    }

    /// A path in the part of `.git` that is ours.
    func own(_ name: String) -> String { "\(folder)/.git/weirhouse/\(name)" }

    /// Paths that differ between two commits.
    func paths(from old: String, to new: String) async throws -> [String] {
        try await git.run(["diff-tree", "-r", "-z", "--no-renames", "--name-only", old, new]).output
            .split(separator: "\0").map(String.init).sorted()
    }

    func commitID(_ name: String) async throws -> String? {
        let answer = try await git.run(["rev-parse", "--verify", "--quiet", "\(name)^{commit}"])
        return answer.status == 0 ? answer.output.trimmingCharacters(in: .whitespacesAndNewlines) : nil
    }

    private static func check(_ files: [ProjectFile]) throws {
        for file in files {
            let steps = file.path.split(separator: "/", omittingEmptySubsequences: false)
            guard steps.allSatisfy({ !["", ".", "..", ".git"].contains($0.lowercased()) }) else {
                throw Problem(.invalidInput, "The path \(file.path) is not one inside a project.")
            }
        }
    }

    // MARK: - Before

    private func prepare() async throws {
        try await git("init", "--quiet", "--initial-branch=main", "--template=")
        let busy = own("busy")
        if FileManager.default.fileExists(atPath: busy) {
            try await removeStaleLocks()
            for name in ["index", "index.lock", "tree", "checkout"] {
                try? FileManager.default.removeItem(atPath: own(name))
            }
        }
        try Data().write(to: URL(fileURLWithPath: busy))
        try FileManager.default.createDirectory(atPath: "\(folder)/.git/info", withIntermediateDirectories: true)
        try Data("target/\nlogs/\ndbt_packages/\n.user.yml\n.tmp/\n".utf8)
            .write(to: URL(fileURLWithPath: "\(folder)/.git/info/exclude"))
        try await finishApplying()
        try await checkThatNobodyIsAtWork()
    }

    /// Our process died: its last Git command may still run for a moment; what is locked after that, the dead locked.
    private func removeStaleLocks() async throws {
        let locks = ["index", "HEAD", "refs/heads/main", "refs/heads/generated", "packed-refs", "config"]
            .map { "\(folder)/.git/\($0).lock" }
        let clock = ContinuousClock()
        let deadline = clock.now + patience
        while locks.contains(where: FileManager.default.fileExists), clock.now < deadline {
            try await Task.sleep(for: .milliseconds(50))
        }
        for lock in locks { try? FileManager.default.removeItem(atPath: lock) }
    }

    private func checkThatNobodyIsAtWork() async throws {
        for name in ["MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply"]
        where FileManager.default.fileExists(atPath: "\(folder)/.git/\(name)") {
            throw Problem(
                .conflict, "Someone is in the middle of a merge or rebase in the models' repository.",
                hint: "Finish or abort it in \(folder), then try again.")
        }
        let head = try await git.run(["symbolic-ref", "--quiet", "HEAD"]).output.trimmingCharacters(
            in: .whitespacesAndNewlines)
        guard head == "refs/heads/main" else {
            throw Problem(
                .conflict, "The models' repository has another branch than main checked out.",
                hint: "Run git checkout main in \(folder), then try again.")
        }
    }

    /// - Returns: whether there were any.
    private func commitEdits() async throws -> Bool {
        try await git("add", "--all")
        if try await commitID("HEAD") == nil {
            guard try await !git("ls-files").isEmpty else { return false }
        } else {
            let answer = try await git.run(["diff", "--cached", "--quiet", "HEAD"])
            guard answer.status != 0 else { return false }
        }
        try await git("commit", "--quiet", "--no-verify", "--message=Edits found before generating")
        return true
    }

    // MARK: - Generated state

    /// - Returns: the commit that `generated` is at.
    private func commitGenerated(_ files: [ProjectFile], message: String) async throws -> String {
        let tree = own("tree")
        let index = own("index")
        for path in [tree, index] { try? FileManager.default.removeItem(atPath: path) }
        for file in files {
            let path = URL(fileURLWithPath: "\(tree)/\(file.path)")
            try FileManager.default.createDirectory(
                at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(file.text.utf8).write(to: path)
        }
        try FileManager.default.createDirectory(atPath: tree, withIntermediateDirectories: true)
        try await git("add", "--all", "--force", ".", index: index, tree: tree)
        let id = try await git("write-tree", index: index, tree: tree)
        try FileManager.default.removeItem(atPath: tree)
        let old = try await commitID("refs/heads/generated")
        if let old, try await git("rev-parse", "\(old)^{tree}") == id { return old }
        let commit = try await self.commit(tree: id, parents: [old].compactMap(\.self), message: message)
        try await git("update-ref", "refs/heads/generated", commit, old ?? "")
        return commit
    }

    func commit(tree: String, parents: [String], message: String) async throws -> String {
        let arguments = ["commit-tree", tree, "-m", message] + parents.flatMap { ["-p", $0] }
        let answer = try await git.run(arguments)
        guard answer.status == 0 else { throw Git.problem(arguments, answer) }
        return answer.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

/// A lock that ends with its process.
struct FileLock {
    private let descriptor: Int32

    /// Nil if another process, or another lock of this one, holds it.
    init?(path: String) {
        descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return nil }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
    }

    /// Unlocks first: a process that another thread is just starting may share the descriptor for a moment.
    func release() {
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
