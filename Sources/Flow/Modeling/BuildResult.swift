package import Kernel

/// How a dbt build ended.
package struct BuildResult: Sendable, Codable, Hashable {
    /// Models whose tables and views were made.
    package var modelsBuilt: Int
    package var testsPassed: Int
    package var testsFailed: Int
    /// Models and tests that failed or could not run, in dbt's order; those skipped because of them are left out.
    package var failures: [NodeFailure]
    /// Nodes that were skipped because one before them failed.
    package var skipped: Int
    /// What dbt warned of, one line each.
    package var warnings: [String]
    package var seconds: Double

    package struct NodeFailure: Sendable, Codable, Hashable {
        /// The model's or test's name.
        package var node: String
        /// `model`, `test`, `seed`, `snapshot`, …
        package var kind: String
        /// dbt's message in one line, without secrets.
        package var message: String
    }

    /// Whether a model or test failed because the engine may not take more memory.
    package var needsMoreMemory: Bool { failures.contains { $0.message.contains("Out of Memory Error") } }

    package var succeeded: Bool { failures.isEmpty && skipped == 0 }

    /// `modelsFailed` naming the first failure; nil if all went well.
    package var problem: Problem? {
        guard let first = failures.first else { return nil }
        let others = failures.count > 1 ? " (and \(failures.count - 1) more)" : ""
        let end = first.message.hasSuffix(".") ? "" : "."
        return Problem(
            .modelsFailed,
            "The \(first.kind) \(first.node) failed\(others): \(first.message)\(end)",
            hint: "Correct it in the project's folder, then build again.")
    }
}

/// One node of a build that is done.
package struct BuildProgress: Sendable, Hashable {
    package var finished: Int
    package var of: Int
    /// The model's or test's name and kind.
    package var node: String
    package var kind: String
    /// dbt's word: `success`, `pass`, `error`, `fail`, `skipped`, `warn`.
    package var status: String

    /// `12 of 40 model fct_orders: success`.
    package var line: String { "\(finished) of \(of) \(kind) \(node): \(status)" }
}
