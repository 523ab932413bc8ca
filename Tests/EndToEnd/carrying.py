"""What RAW must hold for each PostgreSQL type, said once more and independently of the product, and the comparison of a
source's table with RAW, cell by cell."""
import re
import struct
from collections import Counter
from dataclasses import dataclass
from typing import Any

import psycopg

from house import House

# The forms that PostgreSQL's texts have in RAW.
SESSION = """
    SET timezone = 'UTC'; SET datestyle = 'ISO, MDY'; SET intervalstyle = 'postgres'; SET bytea_output = 'hex';
    SET extra_float_digits = 1; SET client_encoding = 'UTF8'
"""


@dataclass
class Column:
    name: str
    # As the source prints it, and the type below all domains (empty if a person made it) with its category, kind and
    # modifier.
    printed: str
    base: str
    category: str
    kind: str
    modifier: int

    @property
    def is_json(self) -> bool:
        return self.category == "A" or self.kind == "c" or self.base == "hstore"

    def raw_type(self) -> str:
        """RAW's type in DuckDB's words."""
        if self.is_json or self.kind == "e":
            return "VARCHAR"
        if self.base == "numeric":
            return self._numeric()
        return RAW_TYPES.get(self.base, "VARCHAR")

    def _numeric(self) -> str:
        if self.modifier < 4:
            return "VARCHAR"
        precision, scale = (self.modifier - 4) >> 16, ((self.modifier - 4) & 0x7FF ^ 1024) - 1024
        return f"DECIMAL({precision},{scale})" if precision <= 38 and 0 <= scale <= precision else "VARCHAR"

    def at_source(self) -> str:
        """The expression that gives, as text, what RAW must hold."""
        name = quoted(self.name)
        if self.is_json:
            return f"to_json({name})::text"
        if self.kind == "e":
            return f"{name}::text"
        return AT_SOURCE.get(self.base, "{}::text").format(name)

    def in_raw(self, name: str, raw_type: str) -> str:
        """The expression that gives the same text in RAW."""
        return IN_RAW.get(raw_type, "CAST({} AS VARCHAR)").format(quoted(name))


RAW_TYPES = {
    "bool": "BOOLEAN", "int2": "SMALLINT", "int4": "INTEGER", "int8": "BIGINT", "oid": "BIGINT", "float4": "FLOAT",
    "float8": "DOUBLE", "bytea": "BLOB", "date": "DATE", "time": "TIME", "timestamp": "TIMESTAMP",
    "timestamptz": "TIMESTAMP WITH TIME ZONE", "uuid": "UUID", "money": "DECIMAL(19,2)",
}
# Moments as microseconds or days, so that no two programs have to print them alike.
_MICROSECONDS = "CASE WHEN isfinite({0}) THEN (extract(epoch FROM {0}) * 1000000)::bigint::text ELSE {0}::text END"
AT_SOURCE = {
    "money": "{}::numeric::text",
    "bytea": "encode({}, 'hex')",
    "date": "CASE WHEN isfinite({0}) THEN ({0}::date - date '1970-01-01')::text ELSE {0}::text END",
    "time": "(extract(epoch FROM {}) * 1000000)::bigint::text",
    "timestamp": _MICROSECONDS,
    "timestamptz": _MICROSECONDS,
}
IN_RAW = {
    "BLOB": "lower(hex({}))",
    "DATE": "CASE WHEN isfinite({0}) THEN CAST({0} - DATE '1970-01-01' AS VARCHAR) ELSE CAST({0} AS VARCHAR) END",
    "TIME": "CAST(epoch_us({}) AS VARCHAR)",
    "TIMESTAMP": "CASE WHEN isfinite({0}) THEN CAST(epoch_us({0}) AS VARCHAR) ELSE CAST({0} AS VARCHAR) END",
    "TIMESTAMP WITH TIME ZONE":
        "CASE WHEN isfinite({0}) THEN CAST(epoch_us({0}) AS VARCHAR) ELSE CAST({0} AS VARCHAR) END",
}


def bits(form: str, text: str) -> bytes:
    value = float(text)
    return b"NaN" if value != value else struct.pack(form, value)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def columns_at_source(connection: psycopg.Connection, schema: str, table: str) -> list[Column]:
    rows = connection.execute(
        """
        WITH RECURSIVE base AS (
          SELECT oid AS type, oid AS base, -1 AS modifier FROM pg_type WHERE typtype <> 'd'
          UNION ALL
          SELECT t.oid, b.base, CASE WHEN t.typtypmod <> -1 THEN t.typtypmod ELSE b.modifier END
          FROM pg_type t JOIN base b ON t.typbasetype = b.type WHERE t.typtype = 'd')
        SELECT a.attname, format_type(a.atttypid, a.atttypmod),
          CASE WHEN t.typnamespace = 'pg_catalog'::regnamespace OR t.typname = 'hstore' THEN t.typname ELSE '' END,
          t.typcategory::text, t.typtype::text,
          CASE WHEN a.atttypmod <> -1 THEN a.atttypmod ELSE b.modifier END
        FROM pg_attribute a JOIN base b ON b.type = a.atttypid JOIN pg_type t ON t.oid = b.base
          JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
        """, (schema, table)).fetchall()
    return [Column(*row) for row in rows]


def csv_rows(text: str) -> list[list[str | None]]:
    """RFC 4180, where an empty field is null and `""` an empty text (Python's reader does not tell them apart)."""
    rows: list[list[str | None]] = []
    row: list[str | None] = []
    field = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\Z)')
    position = 0
    while position < len(text):
        match = field.match(text, position)
        assert match, f"no CSV at {position}: {text[position:position + 60]!r}"
        whole, bare, end = match.groups()
        row.append(whole.replace('""', '"') if whole is not None else bare or None)
        position = match.end()
        if end != ",":
            rows.append(row)
            row = []
    return rows


@dataclass
class Carried:
    """A stream of a run and its table in RAW."""

    name: str
    table: str
    types: dict[str, str]


def streams_of(house: House, run_id: str, environment: str) -> dict[str, Carried]:
    """By name, those that were loaded."""
    schemas = house.get(f"/api/v1/tables?environment={environment}")["schemas"]
    raw = next(schema for schema in schemas if schema["name"] == "RAW")
    types = {table["name"]: {c["name"]: c["type"] for c in table["columns"]} for table in raw["tables"]}
    return {
        stream["name"]: Carried(stream["name"], stream["table"], types[stream["table"]])
        for stream in house.run(run_id)["streams"] if stream.get("loaded_rows") is not None
    }


def differences(
    house: House, connection: psycopg.Connection, schema: str, table: str, carried: Carried, environment: str = "dev",
    only: bool = True,
) -> list[str]:
    """What differs between a table of the source and its table in RAW: column types, then rows as a multiset."""
    columns = columns_at_source(connection, schema, table)
    if len(columns) != len(carried.types):
        return [f"{table}: {len(columns)} columns at the source, {len(carried.types)} in RAW"]
    found = [
        f"{table}.{column.name}: {column.printed} is {kind} in RAW, not {column.raw_type()}"
        for column, kind in zip(columns, carried.types.values(), strict=True)
        if kind not in (column.raw_type(), "VARCHAR" if column.base == "numeric" else "")
    ]
    connection.execute(SESSION)
    expressions = ", ".join(column.at_source() for column in columns)
    relation = f"{'ONLY ' if only else ''}{quoted(schema)}.{quoted(table)}"
    source = connection.execute(f"SELECT {expressions} FROM {relation}").fetchall()  # type: ignore[call-overload]
    raw_expressions = ", ".join(
        f"{column.in_raw(name, kind)} AS c{number}"
        for number, (column, (name, kind)) in enumerate(zip(columns, carried.types.items(), strict=True)))
    answer = house.request(
        "/api/v1/query",
        {"sql": f"SELECT {raw_expressions} FROM RAW.{quoted(carried.table)}", "environment": environment,
         "format": "csv"})
    return found + compare(table, columns, source, csv_rows(answer.decode())[1:])


def compare(table: str, columns: list[Column], source: list[tuple], raw: list[list[str | None]]) -> list[str]:
    def key(row: Any) -> tuple:
        return tuple(canonical(column, value) for column, value in zip(columns, row, strict=True))

    missing = Counter(key(row) for row in source)
    missing.subtract(Counter(key(row) for row in raw))
    lost = [row for row, count in missing.items() for _ in range(count)]
    added = [row for row, count in missing.items() for _ in range(-count)]
    if not lost and not added:
        return []
    if len(lost) == len(added) == 1:
        pairs = zip(columns, lost[0], added[0], strict=True)
        return [f"{table}.{c.name} ({c.printed}): {short(was)} became {short(got)}" for c, was, got in pairs if was != got]
    return [f"{table}: {len(lost)} rows lost, {len(added)} rows added; first: {short(lost[:1])} / {short(added[:1])}"]


def canonical(column: Column, value: str | None) -> Any:
    """Equal for equal values: floating-point numbers by their bits."""
    if value is None or column.is_json or column.kind == "e":
        return value
    if column.base in ("float4", "float8"):
        return bits("f" if column.base == "float4" else "d", value)
    if column.base == "numeric":
        # DuckDB writes a decimal without digits before the point as `.5`.
        return re.sub(r"^(-?)\.", r"\g<1>0.", value)
    return value


def short(value: Any) -> str:
    text = repr(value)
    return text if len(text) < 600 else f"{text[:300]}…{text[-100:]}"
