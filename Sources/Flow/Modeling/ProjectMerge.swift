import Foundation

/// What is to become of `main`.
struct ProjectMerge {
    /// Where it is now; nil before its first commit.
    var main: String?
    /// The commit that it moves to; nil if it has all that was generated.
    var target: String?
    var changed: [String] = []
    var kept: [String] = []
}

/// How `generated` is merged into `main`: file by file, without a guess at renames, because generated files are alike
/// and an edit must never move to another model.
extension ProjectRepository {
    func merge(_ generated: String, message: String) async throws -> ProjectMerge {
        guard let main = try await commitID("refs/heads/main") else {
            let all = try await entries(of: generated).keys.sorted()
            return ProjectMerge(main: nil, target: generated, changed: all)
        }
        let base = try await git.run(["merge-base", main, generated])
        let baseID = base.status == 0 ? base.output.trimmingCharacters(in: .whitespacesAndNewlines) : nil
        if baseID == generated { return ProjectMerge(main: main, target: nil) }
        if baseID == main {
            return ProjectMerge(main: main, target: generated, changed: try await paths(from: main, to: generated))
        }
        let old = if let baseID { try await entries(of: baseID) } else { [String: Entry]() }
        let (ours, new) = (try await entries(of: main), try await entries(of: generated))
        var merge = ProjectMerge(main: main)
        var lines = ""
        for path in Set(old.keys).union(new.keys).sorted() {
            switch try await decide(old[path], ours[path], new[path]) {
            case .ours: continue
            case .kept: merge.kept.append(path)
            case .theirs(let entry):
                merge.changed.append(path)
                lines +=
                    entry.map { "\($0.mode) \($0.id)\t\(path)\0" }
                    ?? "0 \(String(repeating: "0", count: 40))\t\(path)\0"
            }
        }
        let index = own("index")
        try await git("read-tree", main, index: index)
        if !lines.isEmpty { try await git("update-index", "-z", "--index-info", input: lines, index: index) }
        let tree = try await git("write-tree", index: index)
        merge.target = try await commit(tree: tree, parents: [main, generated], message: message)
        return merge
    }

    private struct Entry: Equatable {
        var mode: String
        var id: String
    }

    private enum Decision {
        case ours, kept
        case theirs(Entry?)
    }

    private func decide(_ old: Entry?, _ ours: Entry?, _ new: Entry?) async throws -> Decision {
        if new == old || new == ours { return .ours }
        if ours == old { return .theirs(new) }
        // Deleted here and changed there, changed here and no longer generated, or added on both sides.
        guard let old, let ours, let new else { return .kept }
        return try await mergedText(old, ours, new).map { .theirs(Entry(mode: ours.mode, id: $0)) } ?? .kept
    }

    /// - Returns: the id of the merged text, nil if both changed the same lines.
    private func mergedText(_ old: Entry, _ ours: Entry, _ new: Entry) async throws -> String? {
        var files: [String] = []
        defer { for file in files { try? FileManager.default.removeItem(atPath: file) } }
        for (name, entry) in [("ours", ours), ("old", old), ("new", new)] {
            let file = own(name)
            let text = try await git.run(["cat-file", "blob", entry.id]).output
            // Bytes that are no UTF-8 would not come back as they were.
            guard !text.contains("\u{FFFD}") else { return nil }
            try Data(text.utf8).write(to: URL(fileURLWithPath: file))
            files.append(file)
        }
        // Its exit status is the number of conflicts, or 255 where a file is no text.
        let answer = try await git.run(["merge-file", "-p", "--quiet"] + files)
        guard answer.status == 0 else { return nil }
        return try await git("hash-object", "-w", "--stdin", input: answer.output)
    }

    private func entries(of commit: String) async throws -> [String: Entry] {
        let lines = try await git.run(["ls-tree", "-r", "-z", commit]).output.split(separator: "\0")
        return lines.reduce(into: [:]) { entries, line in
            let halves = line.split(separator: "\t", maxSplits: 1)
            let fields = halves[0].split(separator: " ")
            guard halves.count == 2, fields.count == 3 else { return }
            entries[String(halves[1])] = Entry(mode: String(fields[0]), id: String(fields[2]))
        }
    }
}
