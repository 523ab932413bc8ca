/// Every kind of syntax that is allowed, with every member that it may have. What is not here is refused, so that
/// nothing new in DuckDB gets past unseen.
///
/// Source: DuckDB 1.5.5, `json_serialize_sql`; its serialization is described in the files
/// `src/include/duckdb/storage/serialization/{query_node,tableref,parsed_expression,result_modifier}.json`.
enum SyntaxRules {
    /// How a member is walked.
    enum Part {
        /// Names, numbers, constants: nothing in it can reach data.
        case plain
        case expression
        case expressions
        /// A list of lists of expressions.
        case rows
        /// A list of `{key, value}` whose values are expressions.
        case named
        /// A list of `{when_expr, then_expr}`.
        case cases
        /// A list of `{type, null_order, expression}`.
        case orders
        /// An ORDER BY as a modifier.
        case modifier
        case modifiers
        /// `{node}`.
        case statement
        case node
        case source
        /// A list of the sides of a PIVOT.
        case pivots
        /// A type's name and parameters.
        case type
        /// Looked at by the walker itself.
        case special
    }

    typealias Members = [String: Part]

    /// By `class`.
    static let expressions: [String: Members] = [
        "BETWEEN": ["input": .expression, "lower": .expression, "upper": .expression],
        "CASE": ["case_checks": .cases, "else_expr": .expression],
        "CAST": ["child": .expression, "cast_type": .type, "try_cast": .plain],
        "COLLATE": ["child": .expression, "collation": .plain],
        "COLUMN_REF": ["column_names": .special],
        "COMPARISON": ["left": .expression, "right": .expression],
        "CONJUNCTION": ["children": .expressions],
        "CONSTANT": ["value": .plain],
        "DEFAULT": [:],
        "FUNCTION": [
            "function_name": .special, "schema": .special, "catalog": .special, "children": .expressions,
            "filter": .expression, "order_bys": .modifier, "distinct": .plain, "is_operator": .plain,
            "export_state": .special,
        ],
        "LAMBDA": ["lhs": .expression, "expr": .expression, "syntax_type": .plain],
        "OPERATOR": ["children": .expressions],
        "POSITIONAL_REFERENCE": ["index": .plain],
        "STAR": [
            "relation_name": .plain, "exclude_list": .plain, "qualified_exclude_list": .plain, "replace_list": .named,
            "rename_list": .plain, "columns": .plain, "expr": .expression, "unpacked": .plain,
        ],
        "SUBQUERY": [
            "subquery_type": .plain, "subquery": .statement, "child": .expression, "comparison_type": .plain,
        ],
        "WINDOW": [
            "function_name": .special, "schema": .special, "catalog": .special, "children": .expressions,
            "partitions": .expressions, "orders": .orders, "start": .plain, "end": .plain, "start_expr": .expression,
            "end_expr": .expression, "offset_expr": .expression, "default_expr": .expression, "ignore_nulls": .plain,
            "filter_expr": .expression, "exclude_clause": .plain, "distinct": .plain, "arg_orders": .orders,
        ],
    ]

    /// By `type`, of what may stand in FROM.
    static let sources: [String: Members] = [
        "EMPTY": [:],
        "BASE_TABLE": [
            "catalog_name": .special, "schema_name": .special, "table_name": .special, "column_name_alias": .plain,
            "sample": .plain, "at_clause": .special,
        ],
        "SUBQUERY": ["subquery": .statement, "column_name_alias": .plain, "sample": .plain],
        "JOIN": [
            "left": .source, "right": .source, "condition": .expression, "join_type": .plain, "ref_type": .plain,
            "using_columns": .plain, "delim_flipped": .plain, "sample": .plain,
        ],
        "TABLE_FUNCTION": [
            "function": .special, "column_name_alias": .plain, "with_ordinality": .plain, "sample": .plain,
        ],
        "EXPRESSION_LIST": [
            "values": .rows, "expected_names": .plain, "expected_types": .type, "column_name_alias": .plain,
            "sample": .plain,
        ],
        "PIVOT": [
            "source": .source, "aggregates": .expressions, "unpivot_names": .plain, "pivots": .pivots, "groups": .plain,
            "column_name_alias": .plain, "include_nulls": .plain, "sample": .plain,
        ],
        "SHOW_REF": [
            "query": .node, "show_type": .special, "table_name": .special, "schema_name": .special,
            "catalog_name": .special, "sample": .plain,
        ],
    ]

    /// By `type`, of queries. `cte_map` is walked first, since its names hold for the rest.
    static let nodes: [String: Members] = [
        "SELECT_NODE": [
            "select_list": .expressions, "from_table": .source, "where_clause": .expression,
            "group_expressions": .expressions, "group_sets": .plain, "aggregate_handling": .plain,
            "having": .expression, "sample": .plain, "qualify": .expression, "modifiers": .modifiers,
        ],
        "SET_OPERATION_NODE": [
            "setop_type": .plain, "left": .node, "right": .node, "setop_all": .plain, "children": .special,
            "modifiers": .modifiers,
        ],
        "RECURSIVE_CTE_NODE": [
            "cte_name": .special, "union_all": .plain, "left": .node, "right": .special, "aliases": .plain,
            "key_targets": .expressions, "modifiers": .modifiers,
        ],
    ]

    /// By `type`.
    static let modifiers: [String: Members] = [
        "LIMIT_MODIFIER": ["limit": .expression, "offset": .expression],
        "LIMIT_PERCENT_MODIFIER": ["limit": .expression, "offset": .expression],
        "DISTINCT_MODIFIER": ["distinct_on_targets": .expressions],
        "ORDER_MODIFIER": ["orders": .orders],
    ]

    /// Members that every expression and every source may have.
    static let common: Set<String> = ["class", "type", "alias", "query_location"]
}
