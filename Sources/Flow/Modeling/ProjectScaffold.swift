/// The files of a dbt project that do not depend on its tables.
enum ProjectScaffold {
    static func files(for plan: ProjectPlan) -> [ProjectFile] {
        [
            ProjectFile(path: "dbt_project.yml", text: project(plan).document()),
            ProjectFile(path: ".gitignore", text: "target/\nlogs/\ndbt_packages/\n"),
            ProjectFile(path: "README.md", text: readme(plan.input)),
            ProjectFile(path: "macros/generate_schema_name.sql", text: schemaNames),
            ProjectFile(path: "macros/exact_decimal.sql", text: exactDecimal),
            ProjectFile(path: "macros/key_tests.sql", text: keyTests),
            ProjectFile(path: "macros/has_parent.sql", text: hasParent),
        ]
    }

    private static func project(_ plan: ProjectPlan) -> YAMLText {
        func layer(_ schema: String, _ materialized: String) -> YAMLText {
            .map([("+schema", .text(schema)), ("+materialized", .text(materialized))])
        }
        // dbt warns of settings for folders without models.
        var layers: [(String, YAMLText)] = []
        if !plan.tables.isEmpty { layers.append(("staging", layer("STAGING", "view"))) }
        if plan.tables.contains(where: { $0.intermediate != nil }) {
            layers.append(("intermediate", layer("INTERMEDIATE", "view")))
        }
        if plan.tables.contains(where: { $0.isFact || $0.isDimension }) {
            layers.append(("marts", layer("MARTS", "table")))
        }
        return .map([
            ("name", .text(plan.input.project)),
            ("version", .text("1.0.0")),
            ("config-version", .number(2)),
            ("profile", .text(DbtRunner.profileName)),
            ("model-paths", .list([.text("models")])),
            ("macro-paths", .list([.text("macros")])),
            ("test-paths", .list([.text("tests")])),
            ("models", .map([(plan.input.project, .map(layers))])),
        ])
    }

    private static func readme(_ input: ModelingInput) -> String {
        """
        # Models of \(input.organization), \(input.environment)

        Weirhouse generated this dbt project from what was loaded into RAW and from the keys that the sources declare.
        It is yours to edit: the next generation keeps your changes and adds its own. The branch `generated` holds what
        was generated last; your work is on `main`. Where both change the same lines of a file, yours stays and the run
        says so. A file that you delete stays deleted.

        | folder | models |
        |---|---|
        | `models/staging/` | RAW 1:1, renamed to snake_case and typed |
        | `models/intermediate/` | children joined to their parents along foreign keys |
        | `models/marts/` | facts (`fct_`), dimensions (`dim_`) and daily figures (`daily_`) |
        | `dashboards/` | a dashboard for each source, as YAML |

        """
    }

    private static let schemaNames = """
        {# Schemas are named as they are in the warehouse: STAGING, INTERMEDIATE, MARTS, without the target's name. #}
        {% macro generate_schema_name(custom_schema_name, node) -%}
            {{ (custom_schema_name or target.schema) | trim }}
        {%- endmacro %}

        """

    private static let exactDecimal = #"""
        {#
            A number that RAW holds as text, because the source declares no precision for it or one beyond 38 digits.
            The column's values are looked at when the model is built: if `digits` digits hold them all, the type is a
            decimal with as many decimal places as they use and every value is exact; else it is DOUBLE.
            NaN and Infinity become null. The model keeps the exact text beside it.
        #}
        {% macro exact_decimal(relation, column, digits=30) -%}
            {%- set whole, places = 0, 9 -%}
            {%- if execute -%}
                {%- set widths = run_query(
                    "select coalesce(max(length(regexp_extract(" ~ column ~ ", '^-?0*([0-9]*)', 1))), 0), "
                    ~ "coalesce(max(length(rtrim(regexp_extract(" ~ column ~ ", '[.]([0-9]*)$', 1), '0'))), 9) "
                    ~ "from " ~ relation ~ " where regexp_full_match(" ~ column ~ ", '-?[0-9]+([.][0-9]+)?')"
                ).rows[0] -%}
                {%- set whole, places = widths[0] | int, widths[1] | int -%}
            {%- endif -%}
            {%- if whole + places <= digits -%}
                try_cast({{ column }} as decimal(38, {{ places }}))
            {%- else -%}
                case when isfinite(try_cast({{ column }} as double)) then try_cast({{ column }} as double) end
            {%- endif -%}
        {%- endmacro %}

        """#

    /// The rows of `model` whose `key` has no nulls and no row of `to`.
    private static let orphans = """
        from {{ model }} as child
        left join {{ to }} as parent
            on {% for column in key %}child.{{ column }} = parent.{{ parent_key[loop.index0] }}
            {% if not loop.last %}and {% endif %}{% endfor %}
        where parent.{{ parent_key[0] }} is null
            {% for column in key %}and child.{{ column }} is not null
            {% endfor %}
        """

    private static let keyTests = """
        {# No two rows have the same values in all columns of `key`. #}
        {% test unique_together(model, key) %}
        select {{ key | join(', ') }}, count(*) as occurrences
        from {{ model }}
        group by {{ key | join(', ') }}
        having count(*) > 1
        {% endtest %}

        {# Each row whose `key` has no nulls has a row with the same `parent_key` in `to`. #}
        {% test matches_parent(model, key, to, parent_key) %}
        select child.*
        \(orphans)
        {% endtest %}

        """

    /// A file of its own: people may have edited the others, and theirs stay.
    private static let hasParent = """
        {#
            Each row whose `key` has no nulls has a row with the same `parent_key` in `to`. `tables` are the two tables of
            RAW: if they were not read in one snapshot (a schedule of some tables, say), the source may have changed in
            between, and rows without a parent are a warning, not an error.
        #}
        {% test has_parent(model, key, to, parent_key, tables=[]) %}
        {{ config(warn_if='> 0', error_if='> 0 and bool_and(_of_one_snapshot)') }}
        select child.*, (
            select count(distinct snapshots.taken_at) <= 1
            from (
                select max(taken_at) as taken_at
                from {{ model.database }}.RAW._weir_loads
                where table_name in ('{{ tables | join("', '") }}')
                group by table_name
            ) as snapshots
        ) as _of_one_snapshot
        \(orphans)
        {% endtest %}

        """
}
