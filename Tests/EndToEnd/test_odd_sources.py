"""Sources that mean ill, sources whose names are odd or change, and keys that are meant for one place: each is cloned rightly
or refused in words, and no other suffers."""
from collections.abc import Callable
from pathlib import Path

import pytest

import lake
from callers import Client, Registry
from databases import SHOP, Database
from house import House, Refused
from servers import Flood

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    return make_module_house().start()


# Whoever signs in there meets these in the place of PostgreSQL's own catalogue.
EVIL = """
    CREATE SCHEMA evil;
    CREATE VIEW evil.pg_namespace AS TABLE pg_catalog.pg_namespace UNION ALL TABLE pg_catalog.pg_namespace;
    CREATE VIEW evil.pg_class AS SELECT * FROM pg_catalog.pg_class WHERE false;
    CREATE FUNCTION evil.pg_relation_size(regclass) RETURNS bigint LANGUAGE sql AS 'SELECT 9223372036854775807';
    DO $$ BEGIN EXECUTE format('ALTER ROLE %I IN DATABASE %I SET search_path = evil, pg_catalog, public',
      current_user, current_database()); END $$;
"""


def test_a_schema_in_the_place_of_the_catalogue_is_not_read(
    house: House, make_database: Callable[..., Database]
) -> None:
    worker = house.pid_of("work")
    source = make_database("evil", SHOP + "CREATE TYPE mood AS ENUM ('glad'); ALTER TABLE notes ADD mood mood;" + EVIL)
    found = house.call("POST", "/api/v1/sources/test", {"url": source.url})["streams"]
    assert sorted(stream["name"] for stream in found if stream["name"].startswith("public.")) == [
        "public.customers", "public.notes", "public.orders"]
    house.clone(source.url, "--source", "evil", "--tables", "customers,notes,orders")
    assert house.query("SELECT count(*), sum(id) FROM RAW.evil__orders") == [[3000, "4501500"]]
    assert house.pid_of("work") == worker


def memory(pid: int) -> int:
    """The most that a process has held since the test asked for it anew, in MB (proc(5))."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))


@pytest.mark.parametrize("mode", Flood.MODES)
def test_a_server_that_answers_without_end_is_let_go(house: House, mode: str) -> None:
    server = house.pid_of("serve")
    Path(f"/proc/{server}/clear_refs").write_text("5")
    before = memory(server)
    flood = Flood(mode)
    try:
        with pytest.raises(Refused) as refused:
            house.call("POST", "/api/v1/sources/test", {"url": flood.url})
    finally:
        flood.close()
    assert refused.value.status == 422 and refused.value.code == "unsupported", refused.value
    assert ("COPY" if mode == "copy" else "MiB") in refused.value.detail
    assert memory(server) - before < 700, "megabytes for an answer of at most 128"
    assert house.pid_of("serve") == server


def test_names_that_no_yaml_may_hold_stop_no_models(house: House, make_database: Callable[..., Database]) -> None:
    names = ["\uffff", "\ufffe", "\ufeff", "a\u2028b", "c\x7fd"]
    columns = ", ".join(f'"x{name}" int' for name in names)
    source = make_database("odd", f"CREATE TABLE odd (id int PRIMARY KEY, {columns}); INSERT INTO odd (id) VALUES (1);")
    house.clone(source.url, "--source", "odd")
    # Nor those of another source after it.
    house.clone(make_database("shop", SHOP).url, "--source", "shop", "--tables", "notes")


def test_a_table_that_comes_later_takes_no_name_away(house: House, make_database: Callable[..., Database]) -> None:
    source = make_database("names", "CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1), (2);")
    house.clone(source.url, "--source", "names")
    assert house.query("SELECT count(*) FROM RAW.names__orders") == [[2]]
    # In byte order it comes first.
    source.execute('CREATE TABLE "Orders" (id int PRIMARY KEY); INSERT INTO orders VALUES (3)')
    house.clone(source.url, "--source", "names")
    assert house.query("SELECT count(*) FROM RAW.names__orders") == [[3]]
    assert house.query("SELECT count(*) FROM RAW.names__orders_2") == [[0]]
    # Nor does it get the name of one that is gone: whoever asks for that one is not given another's rows.
    source.execute('DROP TABLE orders; INSERT INTO "Orders" VALUES (7)')
    house.clone(source.url, "--source", "names")
    assert house.query("SELECT id FROM RAW.names__orders_2") == [[7]]
    assert lake.faults(house) == []


def test_the_keys_of_a_bucket_go_nowhere_else(house: House, make_database: Callable[..., Database]) -> None:
    house.clone(make_database("shop", SHOP).url, "--source", "land", "--tables", "notes")
    house.call("PUT", "/api/v1/schedules/land", {"source": "land", "trigger": {"kind": "every", "minutes": 60}})
    with house.metadata() as connection:
        registry = Registry(connection)
        engineer = registry.caller(registry.organization("acme"), ("engineer", "dev"))
    elsewhere = {"kind": "file", "location": "s3://bucket/?endpoint=https://attacker.example&region=eu-west-1"}
    answer = Client(house).call(
        "PUT", "/api/v1/schedules/land", token=engineer.token, body={"source": "land", "trigger": elsewhere})
    assert answer.status == 403 and "secrets" in answer.json["detail"], answer.body
    hourly = {"source": "land", "trigger": {"kind": "every", "minutes": 120}}
    assert Client(house).call("PUT", "/api/v1/schedules/land", token=engineer.token, body=hourly).status == 200
