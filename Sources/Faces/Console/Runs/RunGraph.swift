import Foundation
import Wire

/// A run's jobs as a drawing: a column for each step of the longest way to a job, a line for each "comes after". All
/// numbers are units of the drawing's own.
struct RunGraph: Sendable {
    let width: Int
    let height: Int
    /// The drawing in words.
    let label: String
    let lines: [Line]
    let nodes: [Node]

    struct Line: Sendable {
        /// An SVG path.
        let path: String
        /// The style of what it waits for: `success` once that is done.
        let style: String
    }

    struct Node: Sendable {
        let x: Int
        let y: Int
        let width = RunGraph.nodeWidth
        let height = RunGraph.nodeHeight
        let textX: Int
        let nameY: Int
        let noteY: Int
        let markX: Int
        let name: String
        /// `Success · 4.0 s`.
        let note: String
        let style: String
    }

    static let nodeWidth = 132
    static let nodeHeight = 48
    private static let columnGap = 30
    private static let rowGap = 14
    private static let edge = 2

    /// Nil if there is nothing to connect.
    init?(_ jobs: [JobView], now: Date) {
        guard jobs.count > 1 else { return nil }
        let order = JobOrder(jobs)
        let tallest = order.columns.map(\.count).max() ?? 1
        let inner = Self.span(tallest, Self.nodeHeight, Self.rowGap)
        width = Self.span(order.columns.count, Self.nodeWidth, Self.columnGap) + 2 * Self.edge
        height = inner + 2 * Self.edge
        var places: [Int: (x: Int, y: Int)] = [:]
        for (column, members) in order.columns.enumerated() {
            let top = Self.edge + (inner - Self.span(members.count, Self.nodeHeight, Self.rowGap)) / 2
            for (row, job) in members.enumerated() {
                places[job] = (
                    Self.edge + column * (Self.nodeWidth + Self.columnGap), top + row * (Self.nodeHeight + Self.rowGap)
                )
            }
        }
        nodes = jobs.indices.compactMap { job in places[job].map { Self.node(jobs[job], $0, now: now) } }
        lines = order.arrows.compactMap { arrow in
            guard let from = places[arrow.from], let to = places[arrow.to] else { return nil }
            return Line(path: Self.curve(from, to), style: jobs[arrow.from].state == .success ? "success" : "open")
        }
        label =
            "Jobs in the order of their dependencies: "
            + order.columns.map { $0.map { JobRow.word(for: jobs[$0].kind) }.joined(separator: " and ") }
            .joined(separator: ", then ")
    }

    private static func span(_ count: Int, _ size: Int, _ gap: Int) -> Int { count * size + max(count - 1, 0) * gap }

    private static func node(_ job: JobView, _ place: (x: Int, y: Int), now: Date) -> Node {
        let state = StateBadge(job.state)
        let seconds = JobTimes(job, isOver: job.state.isOver, now: now).worked
        let name = JobRow.word(for: job.kind)
        return Node(
            x: place.x, y: place.y, textX: place.x + 27, nameY: place.y + 20, noteY: place.y + 37, markX: place.x + 15,
            name: name.count > 14 ? "\(name.prefix(13))…" : name,
            note: seconds.map { "\(state.word) · \(Readable.shortDuration($0))" } ?? state.word, style: state.style)
    }

    /// From the middle of a node's right side to the middle of another's left side.
    private static func curve(_ from: (x: Int, y: Int), _ to: (x: Int, y: Int)) -> String {
        let (x1, y1) = (from.x + nodeWidth, from.y + nodeHeight / 2)
        let (x2, y2) = (to.x - 1, to.y + nodeHeight / 2)
        let bend = columnGap / 2
        return "M\(x1) \(y1)C\(x1 + bend) \(y1) \(x2 - bend) \(y2) \(x2) \(y2)"
    }
}

/// Jobs by how far they are from the first ones, and the arrows that say all that the others say too.
struct JobOrder: Sendable {
    /// Numbers of jobs, column by column.
    let columns: [[Int]]
    let arrows: [Arrow]

    struct Arrow: Sendable, Equatable {
        let from: Int
        let to: Int
    }

    init(_ jobs: [JobView]) {
        let numbers = Dictionary(jobs.indices.map { (jobs[$0].jobID, $0) }, uniquingKeysWith: { first, _ in first })
        let before = jobs.indices.map { job in
            Set(jobs[job].after.compactMap { numbers[$0] }).subtracting([job]).sorted()
        }
        let depths = Self.depths(before)
        columns = Self.columns(depths, before)
        let ancestors = Self.ancestors(before, depths)
        arrows = jobs.indices.flatMap { job in
            // An arrow that another way says already would only run through the nodes between.
            before[job].filter { one in !before[job].contains { $0 != one && ancestors[$0].contains(one) } }
                .map { Arrow(from: $0, to: job) }
        }
    }

    /// The longest way from a job that comes after nothing. What stands in a circle, which the queue refuses, is put
    /// first.
    private static func depths(_ before: [[Int]]) -> [Int] {
        var depths = before.map { _ in 0 }
        var open = before.map(\.count)
        var followers = before.map { _ in [Int]() }
        for (job, others) in before.enumerated() { for other in others { followers[other].append(job) } }
        var ready = open.indices.filter { open[$0] == 0 }
        while let job = ready.popLast() {
            for next in followers[job] {
                depths[next] = max(depths[next], depths[job] + 1)
                open[next] -= 1
                if open[next] == 0 { ready.append(next) }
            }
        }
        return depths
    }

    private static func ancestors(_ before: [[Int]], _ depths: [Int]) -> [Set<Int>] {
        var ancestors = before.map { Set($0) }
        for job in before.indices.sorted(by: { depths[$0] < depths[$1] }) {
            for other in before[job] { ancestors[job].formUnion(ancestors[other]) }
        }
        return ancestors
    }

    /// Within a column a job stands about as high as those that it comes after.
    private static func columns(_ depths: [Int], _ before: [[Int]]) -> [[Int]] {
        var columns: [[Int]] = Array(repeating: [], count: (depths.max() ?? 0) + 1)
        for job in depths.indices { columns[depths[job]].append(job) }
        var heights = depths.map { _ in 0.0 }
        for column in columns.indices {
            let wanted = { (job: Int) -> Double in
                guard !before[job].isEmpty else { return 0.5 }
                return before[job].reduce(0) { $0 + heights[$1] } / Double(before[job].count)
            }
            let sorted = columns[column].enumerated().sorted { first, second in
                (wanted(first.element), first.offset) < (wanted(second.element), second.offset)
            }
            columns[column] = sorted.map(\.element)
            for (row, job) in columns[column].enumerated() {
                heights[job] = (Double(row) + 0.5) / Double(columns[column].count)
            }
        }
        return columns
    }
}
