import Foundation
import Kernel

/// How the files on disk follow `main`. Each file is replaced by a rename, so that nobody ever reads half of one; a
/// note in `.git/weirhouse/applying` tells the next process what a dead one was about to do.
extension ProjectRepository {
    /// Moves `main` and the working tree to a commit.
    /// - Returns: false, with nothing done, if the working tree is not as committed.
    func apply(_ target: String, onto main: String?) async throws -> Bool {
        let status = try await git.run(["status", "--porcelain", "-z"])
        guard status.status == 0, status.output.isEmpty else { return false }
        try Data(target.utf8).write(to: URL(fileURLWithPath: note), options: .atomic)
        FaultPoint.pass("models.applying")
        let changed = try await paths(from: tree(of: main), to: target)
        let checkout = try await checkOut(target)
        for path in changed {
            try replace(path, from: checkout)
            FaultPoint.pass("models.replaced")
        }
        try await git("update-ref", "refs/heads/main", target, main ?? "")
        FaultPoint.pass("models.moved")
        try await finish()
        return true
    }

    /// Undoes what a dead process replaced, so that what differs from `main` afterwards are a person's edits alone.
    func finishApplying() async throws {
        guard let text = try? String(contentsOfFile: note, encoding: .utf8) else { return }
        let main = try await commitID("refs/heads/main")
        guard let target = try await commitID(text), target != main else { return try await finish() }
        let changed = try await paths(from: tree(of: main), to: target)
        let planned = try await checkOut(target)
        let replaced = changed.filter { contents(planned + $0) == contents("\(folder)/\($0)") }
        let before = try await checkOut(main)
        for path in replaced { try replace(path, from: before) }
        try await finish()
    }

    private var note: String { own("applying") }

    private func finish() async throws {
        if let main = try await commitID("refs/heads/main") {
            try await git("read-tree", main)
            _ = try await git.run(["update-index", "-q", "--refresh"])
        }
        try? FileManager.default.removeItem(atPath: own("checkout"))
        try? FileManager.default.removeItem(atPath: note)
    }

    /// The commit itself, or a tree without files.
    private func tree(of commit: String?) async throws -> String {
        if let commit { return commit }
        return try await git("hash-object", "-w", "-t", "tree", "--stdin")
    }

    /// Writes the files of a commit beside the working tree.
    /// - Returns: their folder, ending with `/`.
    private func checkOut(_ commit: String?) async throws -> String {
        let place = own("checkout/")
        try? FileManager.default.removeItem(atPath: place)
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        guard let commit else { return place }
        let index = own("index")
        try await git("read-tree", commit, index: index)
        try await git("checkout-index", "--all", "--force", "--prefix=\(place)", index: index)
        return place
    }

    private func replace(_ path: String, from checkout: String) throws {
        let file = "\(folder)/\(path)"
        guard contents(checkout + path) != nil else {
            try? FileManager.default.removeItem(atPath: file)
            removeEmptyFolders(above: path)
            return
        }
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        guard rename(checkout + path, file) == 0 else {
            let isFull = errno == ENOSPC
            throw Problem(
                isFull ? .diskFull : .internal, "The model file \(path) cannot be written.",
                hint: isFull ? "Free some space." : "Look at the permissions of \(folder).")
        }
    }

    private func removeEmptyFolders(above path: String) {
        var folder = (path as NSString).deletingLastPathComponent
        while !folder.isEmpty, rmdir("\(self.folder)/\(folder)") == 0 {
            folder = (folder as NSString).deletingLastPathComponent
        }
    }

    private func contents(_ file: String) -> Data? { FileManager.default.contents(atPath: file) }
}
