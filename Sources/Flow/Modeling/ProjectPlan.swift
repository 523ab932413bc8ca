import Connecting
import Kernel

/// What the models of a whole warehouse will be, decided from declarations alone: no data is looked at.
struct ProjectPlan {
    let input: ModelingInput
    private(set) var tables: [TablePlan]

    init(_ input: ModelingInput) {
        self.input = input
        tables = []
        for source in input.sources { tables += Self.tables(of: source) }
        nameMarts()
    }

    func tables(of source: String) -> [TablePlan] { tables.filter { $0.source == source } }

    private static func tables(of source: LandedSource) -> [TablePlan] {
        let streams = source.streams
            .filter { !$0.stream.columns.isEmpty }
            .sorted { $0.table < $1.table }
        var plans = streams.map { staged($0, source: source.slug) }
        let indices = Dictionary(
            plans.indices.map { (plans[$0].landed.stream.name, $0) }, uniquingKeysWith: { first, _ in first })
        for child in plans.indices {
            let found = references(of: plans[child], among: plans, at: indices)
            plans[child].references = found.map(\.reference)
            for (reference, parent) in found {
                if parent != child { plans[parent].referenceCount += 1 }
                for index in plans[child].columns.indices
                where reference.columns.contains(plans[child].columns[index].name) {
                    plans[child].columns[index].isForeignKey = true
                }
            }
        }
        for index in plans.indices { decideMoment(of: index, in: &plans) }
        let byStaging = Dictionary(plans.map { ($0.staging, $0) }, uniquingKeysWith: { first, _ in first })
        for index in plans.indices { plans[index].join(parents: byStaging) }
        for index in plans.indices where plans[index].moment == nil { inheritMoment(of: index, in: &plans, byStaging) }
        for index in plans.indices where plans[index].isFact { plans[index].chooseMeasures() }
        return plans
    }

    private static func references(
        of child: TablePlan, among plans: [TablePlan], at indices: [StreamName: Int]
    ) -> [(reference: Reference, parent: Int)] {
        var found: [(reference: Reference, parent: Int)] = []
        for key in child.landed.stream.foreignKeys {
            guard let index = indices[key.references], key.columns.count == key.referencedColumns.count,
                let columns = child.stagingNames(key.columns),
                let parentColumns = plans[index].stagingNames(key.referencedColumns)
            else { continue }
            let reference = Reference(
                columns: columns, parent: plans[index].staging, parentTable: plans[index].landed.table,
                parentColumns: parentColumns)
            if !found.contains(where: { $0.reference == reference }) { found.append((reference, index)) }
        }
        return found
    }

    /// A table is a fact if it says when its rows happened, and refers to another table or is referred to by none.
    private static func decideMoment(of index: Int, in plans: inout [TablePlan]) {
        let plan = plans[index]
        let ranked = plan.columns.enumerated().compactMap { place, column -> (rank: Int, place: Int, moment: Moment)? in
            guard let type = column.carried, type.isMoment,
                let rank = ColumnVocabulary.momentRank(column.name, table: plan.name)
            else { return nil }
            return (rank * 2 + (column.nullable ? 0 : 1), -place, Moment(column: column.name, type: type))
        }
        guard let best = ranked.max(by: { ($0.rank, $0.place) < ($1.rank, $1.place) }) else { return }
        plans[index].moment = best.moment
        plans[index].ownsMoment = true
        plans[index].isFact = plan.references.contains { $0.parent != plan.staging } || plan.referenceCount == 0
    }

    /// Order lines happen when their order does.
    private static func inheritMoment(of index: Int, in plans: inout [TablePlan], _ byStaging: [String: TablePlan]) {
        for join in plans[index].joins {
            guard let parent = byStaging[join.reference.parent], parent.isFact, parent.ownsMoment,
                let moment = parent.moment,
                let column = join.columns.first(where: { $0.parent == moment.column })
            else { continue }
            plans[index].moment = Moment(column: column.name, type: moment.type)
            plans[index].isFact = true
            return
        }
    }

    /// `fct_orders`; where another table of the project has the name already, `fct_{source}_orders`, and for a table
    /// outside the source's default schema `fct_{source}_{schema}_orders`.
    private mutating func nameMarts() {
        var taken: Set<String> = []
        let order = input.sources.map(\.slug)
        let ranked = tables.indices.sorted { left, right in
            let (a, b) = (tables[left], tables[right])
            let (sourceA, sourceB) = (order.firstIndex(of: a.source) ?? 0, order.firstIndex(of: b.source) ?? 0)
            return (sourceA, a.isInDefaultSchema ? 0 : 1, left) < (sourceB, b.isInDefaultSchema ? 0 : 1, right)
        }
        for index in ranked where tables[index].isFact || tables[index].isDimension {
            let plan = tables[index]
            let schema = plan.isInDefaultSchema ? "" : Slug.snakeCase(plan.landed.stream.name.schema) + "_"
            let long = "\(plan.source)_\(schema)\(plan.name)"
            var label = taken.contains(plan.name) ? long : plan.name
            var number = 2
            while !taken.insert(label).inserted {
                label = "\(long)_\(number)"
                number += 1
            }
            tables[index].label = label
        }
    }
}

extension TablePlan {
    fileprivate var isInDefaultSchema: Bool {
        landed.table == "\(source)__\(name)" || landed.stream.name.schema == "public"
    }

    fileprivate func stagingNames(_ columns: [String]) -> [String]? {
        let names = columns.compactMap { name in
            landed.stream.columns.firstIndex { $0.name == name }.map { stagingNames[$0] }
        }
        return names.count == columns.count && !names.isEmpty ? names : nil
    }

    /// By position in the stream.
    private var stagingNames: [String] { columns.filter { $0.values != .exactText }.map(\.name) }
}
