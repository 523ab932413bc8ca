"""A long read that the source cuts off in the middle, once and again and again."""
import json
import threading
from collections.abc import Callable

import psycopg
import pytest

import lake
from databases import Database
from house import House
from processes import wait_for

pytestmark = pytest.mark.timeout(180)

# Rows of twelve columns; the key tells what of a read is missing.
LONG = """
    CREATE UNLOGGED TABLE long (id bigint PRIMARY KEY, customer_id int, created_at timestamp, day date,
      score double precision, amount numeric(12,2), active bool, token text, name text, note text, qty smallint,
      status text);
"""
ROWS = """
    INSERT INTO long SELECT n, n % 5000, timestamp '2026-01-01' + n * interval '7 seconds', date '2026-01-01' + n % 300,
      n / 7.0, n / 100.0, n % 2 = 0, md5(n::text), 'customer ' || n % 5000, 'note ' || n, n % 100, 'paid'
      FROM generate_series({0}, {1}) n;
"""
COPYING = """
    FROM pg_stat_progress_copy WHERE datname = current_database() AND tuples_processed >= 100000
"""
# All sessions of Weirhouse, but only while at least one of them is in the middle of a COPY.
CUT = f"""
    SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'weirhouse' AND EXISTS (SELECT {COPYING})
"""
CONTENT = "SELECT count(*), count(DISTINCT id), min(id), max(id), sum(amount), count(DISTINCT token) FROM RAW.{0}__long"


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    return make_module_house().start()


def cut(connection: psycopg.Connection) -> int:
    """How many sessions it ended: none while nobody copies."""
    row = connection.execute(CUT).fetchone()
    return row[0] if row else 0


class Cutter:
    """Ends the reading sessions as often as it sees rows on their way, while the context lasts."""

    def __init__(self, database: Database):
        self.times = 0
        self._connection = database.connect()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Cutter":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join(20)
        self._connection.close()

    def _watch(self) -> None:
        while not self._ends.is_set():
            if cut(self._connection):
                self.times += 1
            self._ends.wait(0.005)


def test_a_million_rows_cut_off_in_the_middle_are_read_again_and_verified(
    house: House, make_database: Callable[..., Database]
) -> None:
    source = make_database("long", LONG + ROWS.format(1, 1_000_000))
    with source.connect() as watcher:
        clone = house.begin("clone", source.url, "--source", "once", "--json")
        ended = wait_for(lambda: cut(watcher), 40, "a COPY of the long table in its middle")
    out, err = clone.communicate(timeout=120)
    assert ended >= 2, "the reader and the holder of the snapshot"
    assert clone.returncode == 0, err.decode()
    assert "closed the connection while it was read" in err.decode()
    assert err.decode().count("tried again") == 1, err.decode()
    result = json.loads(out)
    assert result["streams"] == [
        {"name": "public.long", "source_rows": 1_000_000, "loaded_rows": 1_000_000, "verified": True}]
    jobs = {job["kind"]: job for job in house.run(result["run_id"])["jobs"]}
    assert jobs["extract"]["attempt"] == 2
    assert house.query(CONTENT.format("once")) == [[1_000_000, 1_000_000, 1, 1_000_000, "5000005000.00", 1_000_000]]
    assert lake.faults(house) == []


def test_a_read_that_is_cut_off_each_time_fails_cleanly_and_leaves_the_table_as_it_was(
    house: House, make_database: Callable[..., Database]
) -> None:
    source = make_database("long", LONG + ROWS.format(1, 1000))
    house.clone(source.url, "--source", "often")
    before, loads = lake.tables(house), lake.register(house)
    files = lake.stored(house)
    source.execute(ROWS.format(1001, 1_000_000))
    with Cutter(source) as cutter:
        said = house.weir("clone", source.url, "--source", "often", seconds=120)
    assert said.status == 1, said
    words = said.out.strip().splitlines()
    assert "closed the connection while it was read. Nothing half-read was kept." in words[-1], said.out
    assert "1 stream, 0 rows loaded, 1 of 1 NOT verified." in words, said.out
    assert "Something unexpected" not in said.out + said.err
    assert cutter.times >= 3, "each attempt"
    run = house.get("/api/v1/runs?limit=1")["runs"][0]
    detail = house.run(run["run_id"])
    assert run["state"] == "RETRYABLE" and run["problem"]["code"] == "source_interrupted", run
    assert {job["kind"]: job["attempt"] for job in detail["jobs"]}["extract"] == 3
    assert [stream["verified"] for stream in detail["streams"]] == [False]
    # As it was, to the last file and row.
    assert lake.faults(house) == []
    assert lake.stored(house) == files
    assert lake.register(house) == loads
    assert lake.tables(house) == before
    assert house.query("SELECT count(*), max(id) FROM RAW.often__long") == [[1000, 1000]]
    # And it goes well as soon as the source lets it.
    assert house.clone(source.url, "--source", "often")["streams"][0]["loaded_rows"] == 1_000_000
