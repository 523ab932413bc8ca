"""Bad luck in the middle of a clone: a source that breaks off or changes, a disk that fills up."""
import json
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

import lake
from databases import SHOP, Database
from gates import GATED, Gate
from house import House
from processes import wait_for
from servers import Server


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    return make_module_house().start()


def test_sessions_that_the_source_ends_are_opened_again_and_the_clone_is_whole(
    house: House, make_database: Callable[..., Database]
) -> None:
    shop = make_database("shop", SHOP + GATED)
    with Gate(shop) as gate:
        clone = house.begin("clone", shop.url, "--source", "cut", "--tables", "orders,gated", "--json")
        gate.wait_for_readers()
        shop.rows(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'weirhouse'
            """)
    out, err = clone.communicate(timeout=90)
    assert clone.returncode == 0, err.decode()
    assert b"closed the connection while it was read" in err
    assert b"tried again" in err
    assert house.query("SELECT count(*), count(DISTINCT id) FROM RAW.cut__orders") == [[3000, 3000]]
    assert house.query("SELECT count(*) FROM RAW.cut__gated") == [[1000]]
    assert lake.faults(house) == [], out


def test_rows_that_change_while_they_are_read_are_those_of_one_moment(
    house: House, make_database: Callable[..., Database]
) -> None:
    shop = make_database("shop", SHOP + GATED)
    with Gate(shop) as gate:
        clone = house.begin("clone", shop.url, "--source", "moving", "--tables", "orders,customers,gated", "--json")
        gate.wait_for_readers()
        shop.execute(
            """
            DELETE FROM orders WHERE id <= 1000;
            UPDATE orders SET total = 0;
            INSERT INTO customers SELECT n, 'late', 'Late' FROM generate_series(1001, 1500) n;
            INSERT INTO orders SELECT n, 1001, now(), 5 FROM generate_series(5001, 6000) n;
            """)
    _, err = clone.communicate(timeout=90)
    assert clone.returncode == 0, err.decode()
    # Of the moment before: the orders with their totals, and every customer that they name.
    assert house.query("SELECT count(*), sum(total), max(id) FROM RAW.moving__orders") == [
        [3000, "5626875.00", 3000]]
    assert house.query("SELECT count(*) FROM RAW.moving__customers") == [[200]]


def test_tables_that_are_altered_emptied_or_dropped_meanwhile_are_read_as_they_were(
    house: House, make_database: Callable[..., Database]
) -> None:
    """Three views keep all readers busy while somebody wants to change the tables behind them in the line. The clone's
    locks are older than those wishes: the changes wait for it, and no table may be missed."""
    views = "".join(f"CREATE VIEW a_gate{n} AS SELECT * FROM gated;" for n in (1, 2, 3))
    parts = "".join(
        f"""
        CREATE TABLE {name} (id int, body int) PARTITION BY RANGE (id);
        CREATE TABLE {name}_part PARTITION OF {name} DEFAULT;
        INSERT INTO {name} SELECT n, n FROM generate_series(1, 500) n;
        CREATE TABLE {name}_plain AS SELECT * FROM {name};
        """ for name in ("z_altered", "z_dropped", "z_emptied", "z_retyped", "z_steady"))
    shop = make_database("shop", GATED + views + parts)
    tables = [f"z_{name}{kind}" for name in ("altered", "dropped", "emptied", "retyped", "steady")
              for kind in ("", "_plain")]
    streams = ["a_gate1", "a_gate2", "a_gate3", *tables]
    changes = [
        change.format(kind) for kind in ("", "_plain") for change in (
            "ALTER TABLE z_altered{} DROP COLUMN body", "DROP TABLE z_dropped{}", "TRUNCATE z_emptied{}",
            "ALTER TABLE z_retyped{} ALTER COLUMN body TYPE text")]
    failures: list[str] = []

    def change(statement: str) -> None:
        try:
            shop.execute(statement)
        except psycopg.Error as error:
            failures.append(f"{statement}: {error}")

    threads = [threading.Thread(target=change, args=[each], daemon=True) for each in changes]
    with Gate(shop) as gate:
        clone = house.begin("clone", shop.url, "--source", "shifting", "--tables", ",".join(streams), "--json")
        gate.wait_for_readers(2)
        for thread in threads:
            thread.start()
        wait_for(lambda: locks_waited_for(shop) == len(changes), 10, "changes that stand in line for the clone")
    out, err = clone.communicate(timeout=60)
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive(), "a change at the source waits for ever"
    assert failures == []
    found = {stream["name"].removeprefix("public."): stream for stream in json.loads(out)["streams"]}
    assert {name: (stream["loaded_rows"], stream["verified"]) for name, stream in found.items()} == {
        name: (1000 if name.startswith("a_") else 500, True) for name in streams}, err
    assert clone.returncode == 0
    for name in tables:
        assert house.query(f"SELECT count(*), sum(id), sum(body) FROM RAW.shifting__{name}") == [
            [500, "125250", "125250"]], name
    assert lake.faults(house) == []


def locks_waited_for(database: Database) -> int:
    """Sessions of a database that stand in line for a table's lock."""
    rows = database.rows(
        """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'relation'
        """)
    return rows[0][0]


# The source's lock_timeout is 20 s, and a table is asked for up to three times.
@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    ("kind", "sql"), [
        ("plain", "CREATE TABLE held (id int);"),
        ("parted", "CREATE TABLE held (id int) PARTITION BY RANGE (id); CREATE TABLE p PARTITION OF held DEFAULT;"),
    ])
def test_a_table_that_somebody_keeps_locked_is_named_and_the_others_go_on(
    house: House, make_database: Callable[..., Database], kind: str, sql: str
) -> None:
    shop = make_database("shop", SHOP + sql + "INSERT INTO held VALUES (1), (2);")
    with shop.connect() as holder, holder.transaction():
        holder.execute("LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
        said = house.weir("clone", shop.url, "--source", f"held_{kind}", "--json", seconds=150)
    assert said.status == 1 and said.out, said.err
    streams = {stream["name"]: stream for stream in said.json["streams"]}
    held = streams.pop("public.held")
    assert {name: stream["loaded_rows"] for name, stream in streams.items() if stream["verified"]} == {
        "public.customers": 200, "public.orders": 3000, "public.notes": 50}
    assert not held["verified"] and held["loaded_rows"] is None
    # The code is shared with tables that changed; the sentence tells a lock from those.
    assert held["problem"]["code"] == "source_changed", held
    assert held["problem"]["detail"] == "Somebody changes or locks the table public.held at the source."
    assert held["problem"]["hint"] == "Clone again when that has ended."
    assert "public.held" in said.json["problem"]["detail"]
    assert lake.faults(house) == []


def test_a_source_that_stops_in_the_middle_fails_cleanly_and_works_again_when_it_is_back(
    house: House
) -> None:
    """A server of its own for this, stopped at once as by a power cut."""
    server = Server(fsync="off")
    try:
        shop = Database(server.start(), "shop", SHOP + GATED)
        with Gate(shop) as gate:
            clone = house.begin("clone", shop.url, "--source", "stopped", "--tables", "orders,gated", "--json")
            gate.wait_for_readers()
            server.stop()
        out, err = clone.communicate(timeout=60)
        assert clone.returncode == 1, out
        assert b"cannot be reached" in err or b"closed the connection" in err
        # What had been received whole stays in raw; nothing of it went further.
        assert not list((house.folder / "lake" / "bronze").rglob("stopped__*"))
        assert not list((house.folder / "lake" / "warehouse").rglob("stopped__*"))
        assert lake.faults(house) == []
        server.start()
        result = house.clone(shop.url, "--source", "stopped", "--tables", "orders")
        assert result["streams"][0]["verified"]
        assert lake.faults(house) == []
    finally:
        server.remove()


def test_a_full_disk_is_said_and_nothing_stays_half_made(
    small_disk: Callable[[int], Path], make_house: Callable[..., House], make_database: Callable[..., Database]
) -> None:
    # Noise, which no compression makes small: 120 MB, in rows so wide that a row group of them would fill the memory.
    wide = make_database(
        "wide",
        SHOP + """
        CREATE UNLOGGED TABLE wide AS SELECT n AS id, (
          SELECT string_agg(sha512((n::text || m)::bytea), ''::bytea) FROM generate_series(1, 16) m) AS noise
          FROM generate_series(1, 120000) n;
        """)
    house = make_house(folder=small_disk(150) / "data").start()
    house.clone(wide.url, "--source", "wide", "--tables", "orders,customers")
    before = lake.tables(house)
    said = house.weir("clone", wide.url, "--source", "wide", "--json")
    assert said.status == 1, said.out
    assert said.json["problem"]["code"] == "disk_full", said.json["problem"]
    assert "full" in said.json["problem"]["detail"]
    assert lake.faults(house) == []
    assert lake.tables(house) == before
    # It lives on, and works again as soon as there is room.
    wide.execute("DELETE FROM wide WHERE id > 20000")
    house.clone(wide.url, "--source", "wide")
    assert house.query("SELECT count(*) FROM RAW.wide__wide") == [[20000]]
    assert house.weir("status").out.count("not well") <= 2, "only the lake, which has little room"
    assert lake.faults(house) == []
