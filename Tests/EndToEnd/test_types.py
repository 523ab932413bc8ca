"""Every PostgreSQL type is carried faithfully or refused by name: each cell of RAW against the source's own text."""
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from carrying import Carried, differences, quoted, streams_of
from databases import Database
from fuzz import FUZZ_TYPES, Fuzz, Table
from house import House, Said
from processes import wait_for

HERE = Path(__file__).parent
TABLES = """
    SELECT n.nspname, c.relname, c.relkind = 'r' FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""


@dataclass
class Cloned:
    house: House
    source: Database
    environment: str
    said: Said
    streams: dict[str, Carried]
    receipts: dict[str, dict[str, Any]]
    # From columns of STAGING to their types.
    staging: dict[str, dict[str, str]]

    def differences(self, schema: str, table: str, only: bool = True) -> list[str]:
        with self.source.connect() as connection:
            return differences(
                self.house, connection, schema, table, self.streams[f"{schema}.{table}"], self.environment, only)

    def query(self, sql: str) -> list[list[Any]]:
        return self.house.query(sql, self.environment)


def clone(house: House, source: Database, environment: str, *arguments: str, url: str | None = None) -> Cloned:
    said = house.weir(
        "clone", url or source.url, "--json", "--environment", environment, "--source", "s", *arguments, seconds=280)
    assert said.out, said.err
    run = said.json
    schemas = house.get(f"/api/v1/tables?environment={environment}")["schemas"]
    staging = next((schema["tables"] for schema in schemas if schema["name"] == "STAGING"), [])
    return Cloned(
        house, source, environment, said, streams_of(house, run["run_id"], environment),
        {stream["name"]: stream for stream in run["streams"]},
        {table["name"]: {column["name"]: column["type"] for column in table["columns"]} for table in staging})


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    return make_module_house().start()


@pytest.fixture(scope="module")
def all_types(house: House, make_module_database: Callable[..., Database]) -> Cloned:
    return clone(house, make_module_database("types", (HERE / "types.sql").read_text()), "dev")


@pytest.fixture(scope="module")
def reader(make_module_database: Callable[..., Database]) -> Iterator[tuple[Database, str]]:
    """A database and the name of a user who may read only some of it; the password is `reader`."""
    name = f"reader_{os.getpid()}"
    source = make_module_database("refused")
    source.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'reader'")
    source.execute((HERE / "refused.sql").read_text().replace("READER", name))
    yield source, name
    source.drop()
    with psycopg.connect(source.server, autocommit=True) as connection:
        connection.execute(f"DROP ROLE {name}")  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def refused(house: House, reader: tuple[Database, str]) -> Cloned:
    source, name = reader
    return clone(house, source, "stage", url=source.address(user=name, password="reader"))


# Every type and every kind of table


def test_every_table_is_loaded_and_verified_and_models_pass(all_types: Cloned) -> None:
    run = all_types.said.json
    assert all_types.said.status == 0, all_types.said.err
    assert run["models"]["tests_failed"] == 0 and run["models"]["built"] > 50
    assert all(stream["verified"] for stream in run["streams"])
    names = {f"{schema}.{table}" for schema, table, _ in all_types.source.rows(TABLES)}
    assert set(all_types.receipts) == names - {"public.no_columns"}


def test_every_cell_of_raw_is_the_sources(all_types: Cloned) -> None:
    found = [
        difference
        for schema, table, only in all_types.source.rows(TABLES) if table != "no_columns"
        for difference in all_types.differences(schema, table, only)
    ]
    assert not found, "\n".join(found)


def test_a_partitioned_table_is_read_once_and_an_inheriting_one_by_itself(all_types: Cloned) -> None:
    assert all_types.receipts["public.measurements"]["source_rows"] == 1000
    assert not [name for name in all_types.receipts if name.startswith("public.measurements_")]
    assert all_types.receipts["public.parent"]["source_rows"] == 2
    assert all_types.receipts["public.child"]["source_rows"] == 2


def test_a_table_without_columns_is_refused_by_name_when_it_is_named(all_types: Cloned) -> None:
    said = all_types.house.weir(
        "clone", all_types.source.url, "--json", "--environment", "prod", "--source", "s", "--tables", "no_columns")
    assert said.status == 1
    assert "public.no_columns has no columns" in said.err + said.out


def test_names_that_differ_by_case_or_form_have_tables_and_columns_of_their_own(all_types: Cloned) -> None:
    orders = {name: all_types.streams[name].table for name in ("public.order", "public.Order", "sales.order")}
    assert len(set(orders.values())) == 3
    assert orders["public.order" if orders["public.order"] == "s__order" else "public.Order"] == "s__order"
    assert orders["sales.order"] == "s__sales__order"
    assert all_types.streams["public.caf\u00e9"].table != all_types.streams["public.cafe\u0301"].table
    names = [name.lower() for name in all_types.streams["Mixed Schema.Mixed Case"].types]
    assert len(set(names)) == len(names) == 23


def test_generated_identity_domain_and_enum_columns_keep_their_meaning(all_types: Cloned) -> None:
    rows = all_types.query("SELECT id, doubled FROM RAW.s__numbers WHERE i = 2147483647")
    assert rows == [[2, 1073741823]]
    assert all_types.streams["public.domains"].types["sp"] == "DECIMAL(10,2)"
    assert all_types.query("SELECT t, c, f FROM RAW.s__domains WHERE id = 1") == [[99, "3.00", "sad"]]


def test_nan_in_a_column_of_fixed_precision_is_carried_as_text(all_types: Cloned) -> None:
    assert all_types.streams["public.nan_price"].types == {
        "id": "INTEGER", "price": "VARCHAR", "cost": "VARCHAR", "key": "VARCHAR"}
    assert all_types.query("SELECT price FROM RAW.s__nan_price ORDER BY id") == [["1.10"], ["NaN"], ["-3.00"]]
    assert all_types.query("SELECT price, price_text FROM STAGING.stg_s__nan_price ORDER BY id")[1] == [None, "NaN"]


def test_staging_gives_text_its_type_back(all_types: Cloned) -> None:
    staging = all_types.staging
    documents, moments = staging["stg_s__documents"], staging["stg_s__moments"]
    assert (documents["j"], documents["jb"], documents["dom"], documents["h"]) == ("JSON",) * 4
    assert set(staging["stg_s__arrays"].values()) == {"INTEGER", "JSON"}
    assert set(staging["stg_s__composites"].values()) == {"INTEGER", "JSON"}
    assert (moments["iv"], moments["tt"], moments["ts"], moments["dom"]) == (
        "INTERVAL", "VARCHAR", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE")
    assert staging["stg_s__numbers"]["n"] == "DOUBLE", "numbers too long for 30 digits"
    assert staging["stg_s__measurements"]["value"].startswith("DECIMAL"), "numbers that fit"
    assert staging["stg_s__documents"]["id"] == "UUID"


def test_staging_values_are_those_of_the_source(all_types: Cloned) -> None:
    assert all_types.query(
        "SELECT json_extract_string(p, '$[0].label') FROM STAGING.stg_s__arrays WHERE id = 1") == [['a,"b']]
    assert all_types.query("SELECT json_extract_string(h, '$.\"b c\"'), json_extract_string(h, '$.a') "
                           "FROM STAGING.stg_s__documents WHERE h IS NOT NULL AND h::VARCHAR LIKE '%b c%'") == [[None, "1"]]
    assert all_types.query("SELECT count(*), count(j), count(jb) FROM STAGING.stg_s__documents") == [
        list(all_types.source.rows("SELECT count(*), count(j), count(jb) FROM documents")[0])]
    assert all_types.query("SELECT iv::VARCHAR FROM STAGING.stg_s__moments WHERE dt = '1582-10-10'") == [["00:00:00"]]
    exact = all_types.query("SELECT sum(value), count(value) FROM STAGING.stg_s__measurements")[0]
    assert [str(exact[0]), exact[1]] == [
        str(value) if number == 0 else value
        for number, value in enumerate(all_types.source.rows("SELECT sum(value), count(value) FROM measurements")[0])]


# Views


def test_views_are_cloned_only_on_request(house: House, make_database: Callable[..., Database]) -> None:
    source = make_database("views", """
        CREATE TABLE t (id int PRIMARY KEY, n numeric(10,2), at timestamptz);
        INSERT INTO t VALUES (1, 1.5, '2026-01-01 00:00+00');
        CREATE VIEW seen AS SELECT *, n / 3 AS third, null AS nothing, n = 1.5 AS truth FROM t;
        CREATE VIEW "Other View" AS SELECT id FROM t;
        CREATE MATERIALIZED VIEW kept AS SELECT * FROM t;
        CREATE MATERIALIZED VIEW never_filled AS SELECT * FROM t WITH NO DATA;
        CREATE VIEW broken AS SELECT 1 / (id - 1) AS quotient FROM t;
    """)
    arguments = ("--environment", "prod", "--json", "--source")
    named = house.weir("clone", source.url, *arguments, "named", "--tables", "t,public.seen")
    assert named.status == 0, named.err
    assert {stream["name"] for stream in named.json["streams"]} == {"public.t", "public.seen"}
    everything = clone(house, source, "prod", "--views")
    assert everything.said.status == 1
    failed = {name: stream["problem"]["detail"] for name, stream in everything.receipts.items() if not stream["verified"]}
    assert failed == {
        "public.never_filled": "public.never_filled was never filled.",
        "public.broken": "public.broken cannot be read: division by zero."}
    for view in ("seen", "Other View", "kept"):
        assert everything.differences("public", view, only=False) == []


# What is refused


def test_what_the_user_may_not_read_is_refused_by_name_and_the_rest_goes_on(refused: Cloned) -> None:
    receipts = refused.receipts
    assert refused.said.status == 1
    for table in ("no_grant", "some_columns"):
        assert receipts[f"public.{table}"]["problem"]["detail"] == f"This user may not read public.{table}."
        assert receipts[f"public.{table}"]["problem"]["code"] == "source_permission"
    assert receipts["closed.inside"]["problem"]["detail"] == "This user may not read closed.inside."
    assert "Row-level security hides rows of public.row_security" in receipts["public.row_security"]["problem"]["detail"]
    assert receipts["public.free"]["verified"] and receipts["public.free"]["loaded_rows"] == 2


@pytest.mark.parametrize("table", ["all_columns", "all_columns_large"])
def test_a_table_granted_column_by_column_is_read(refused: Cloned, table: str) -> None:
    assert refused.receipts[f"public.{table}"]["verified"], refused.receipts[f"public.{table}"]
    assert refused.differences("public", table) == []


@pytest.mark.parametrize(
    "table", ["late", "late_beside_infinity", "late_like_infinity", "late_like_minus_infinity", "late_in_between"])
def test_a_moment_that_duckdb_cannot_hold_is_refused_not_wrapped(refused: Cloned, table: str) -> None:
    receipt = refused.receipts[f"public.{table}"]
    assert not receipt["verified"] and receipt["loaded_rows"] is None
    assert f"public.{table} holds a moment after the year 294246" in receipt["problem"]["detail"]
    assert f"public.{table}" not in refused.streams


def test_the_last_moment_that_duckdb_holds_is_carried(refused: Cloned) -> None:
    assert refused.receipts["public.latest"]["verified"]
    assert refused.differences("public", "latest") == []


# Encodings


def test_a_database_in_another_encoding_arrives_as_utf8(house: House, postgres: str) -> None:
    source = encoded(postgres, "LATIN1", """
        SET client_encoding = 'UTF8'; CREATE TABLE t (id int PRIMARY KEY, "größe" text);
        INSERT INTO t VALUES (1, 'äöüß é'), (2, 'ÿ')
    """)
    try:
        cloned = clone(house, source, "prod")
        assert cloned.said.status == 0, cloned.said.err
        assert cloned.differences("public", "t") == []
    finally:
        source.drop()


def test_text_that_is_in_no_encoding_is_refused_by_name(house: House, postgres: str) -> None:
    source = encoded(postgres, "SQL_ASCII", """
        SET client_encoding = 'SQL_ASCII'; CREATE TABLE bytes (t text); INSERT INTO bytes VALUES (E'\\xe4\\xff');
        CREATE TABLE plain (t text); INSERT INTO plain VALUES ('plain')
    """)
    try:
        cloned = clone(house, source, "prod")
        assert cloned.receipts["public.bytes"]["problem"]["detail"] == (
            "public.bytes holds text that cannot be read as UTF-8.")
        assert cloned.receipts["public.plain"]["verified"]
    finally:
        source.drop()


def encoded(postgres: str, encoding: str, sql: str) -> Database:
    with psycopg.connect(postgres, autocommit=True) as connection:
        name = f"{encoding.lower()}_{os.getpid()}"
        connection.execute(
            f"CREATE DATABASE {quoted(name)} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    source = Database.__new__(Database)
    source.server, source.name = postgres, name
    source.url = source.address()
    source.execute(sql)
    return source


# Anything


def random_source(make_database: Callable[..., Database], seed: int, count: int) -> tuple[Database, list[Table]]:
    tables = Fuzz(seed).tables(count)
    source = make_database("fuzz", FUZZ_TYPES)
    with source.connect() as connection:
        for table in tables:
            for statement in table.statements:
                connection.execute(statement)  # type: ignore[call-overload]
    return source, tables


@pytest.mark.timeout(300)
def test_random_tables_of_random_types_arrive_equal(
    make_house: Callable[..., House], make_database: Callable[..., Database]
) -> None:
    seed = int(os.environ.get("WEIR_FUZZ_SEED", "1"))
    source, tables = random_source(make_database, seed, int(os.environ.get("WEIR_FUZZ_TABLES", "300")))
    house = make_house().start()
    run_id = house.clone_detached(source.url, "--source", "s")

    def loaded() -> bool:
        jobs = {job["kind"]: job["state"] for job in house.run(run_id)["jobs"]}
        return jobs["load"] in ("SUCCESS", "RETRYABLE", "CANCELLED")

    # That models build for such names is the next test; here they would take a minute.
    wait_for(loaded, 120, "the load")
    streams = streams_of(house, run_id, "dev")
    assert len(streams) == len(tables), f"seed {seed}: {house.run(run_id)['streams']}"
    with source.connect() as connection:
        found = [
            difference for table in tables
            for difference in differences(house, connection, "public", table.name, streams[f"public.{table.name}"])
        ]
    assert not found, f"seed {seed}\n" + "\n".join(found)


def test_models_build_over_random_names_and_types(
    make_house: Callable[..., House], make_database: Callable[..., Database]
) -> None:
    seed = int(os.environ.get("WEIR_FUZZ_SEED", "2"))
    source, tables = random_source(make_database, seed, 40)
    cloned = clone(make_house().start(), source, "dev")
    assert cloned.said.status == 0, f"seed {seed}: {cloned.said.err}"
    assert len(cloned.staging) == len(tables)
