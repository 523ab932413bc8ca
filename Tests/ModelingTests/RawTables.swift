import Connecting
import Modeling

/// SQL that makes the tables of an input in the schema RAW of a DuckDB database, as a load would leave them.
enum RawTables {
    static func create(_ input: ModelingInput) -> String {
        loads
            + input.sources.flatMap(\.streams).map { landed in
                let columns = zip(RawNaming.columns(of: landed.stream), landed.stream.columns).map { name, column in
                    "\"\(name.replacing("\"", with: "\"\""))\" \(column.carried.duckDB)"
                }
                return "create table \"RAW\".\"\(landed.table)\" (\(columns.joined(separator: ", ")));\n"
            }.joined()
    }

    private static let loads = """
        create table "RAW"._weir_loads (
            load_id uuid, run_id uuid, source varchar, table_name varchar, rows bigint, source_position varchar,
            taken_at timestamptz);

        """

    /// Rows for `Inputs.adversarial` that keep the declared keys.
    static let adversarialRows = """
        insert into "RAW".odd__user values
            (1, 'Ada', 'x', 'active', 'a'), (2, 'Grace', 'y', 'active', 'b'), (3, 'Ünï', 'z', 'gone', null);
        insert into "RAW".odd__order values
            (1, 1, 2, null, 's', 'f', 'g', 'r', 10.50, '2026-01-01 23:30:00-05', 'd', 'u'),
            (2, 1, null, 1, 's', 'f', 'g', 'r', 20.25, 'infinity', 'd', 'u'),
            (3, null, 3, 1, 's', 'f', 'g', 'r', null, null, 'd', 'u'),
            (4, 3, 3, 3, 's', 'f', 'g', 'r', 1, '2026-01-02 00:00:00Z', null, null);
        insert into "RAW".odd__select values ('select');
        insert into "RAW".odd__weird_name values ('braces', 'quote', 'line', 'percent', 'apostrophe');
        insert into "RAW".odd__n values ('ü', 'Ü', '日', '1');
        insert into "RAW".odd__\(Inputs.longName) values (1, null), (2, 1);
        insert into "RAW".odd__region values ('DE', 1, 'Nord'), ('FR', 1, 'Nord');
        insert into "RAW".odd__shop values
            (1, 'DE', 1, 'own', 'infinity'), (2, 'XX', null, null, '2026-01-01'), (3, null, null, null, null);
        insert into "RAW".odd__nokey values (1), (1);
        insert into "RAW".odd__visit values (1, 1, 99, '2026-01-01'), (2, null, null, '-infinity');
        insert into "RAW".odd__types values
            ('99999999999999999999999999999999999999', true, 1, 2147483647, 9223372036854775807, 'nan', 'infinity',
             9999999999999999999999999999.9999999999, 'NaN', '1e0', '', '\\x00\\xFF'::blob, 'infinity', '24:00:00',
             'infinity', '-infinity', '00000000-0000-0000-0000-000000000000', '{"a":1e400}', '1 mon -3 days +04:05:06.123456',
             'happy', '[1,null]'),
            ('99999999999999999999999999999999999998', false, 1, 2147483647, 9223372036854775807, 0.5, 0.25,
             9999999999999999999999999999.9999999999, '-0.10', '12345678901234567890.12345678901234567890', 'x', null,
             '2026-01-01', '00:00', '290000-01-01', '2026-01-01', null, 'null', '-14 mons +0 days -00:00:00.000001',
             'sad', '[]'),
            ('-7', null, null, null, null, null, null, null, '123456789012345678.5', 'Infinity', null, null, null, null,
             null, null, null, null, '0 mon 0 days +00:00:00', null, null);
        insert into "RAW".odd__types_event
            select row_number() over (), case when id <> '-7' then id end, * exclude (id) from "RAW".odd__types;
        insert into "RAW".odd__sales__order values (1, '2026-01-01');
        insert into "RAW".odd__sales__receipt values (1, '2026-01-01');
        insert into "RAW".other__order values (1, '2026-01-01', 'new');
        insert into "RAW".other__user values (1, 'Eve');

        """
}
