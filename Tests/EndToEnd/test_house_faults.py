"""Real faults under the real `weir`: a worker that stands still in the middle of a load, a lake without room."""
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import lake
from databases import SHOP, Database
from disks import fill
from house import House
from ledger import LEASE
from processes import stop, wait_for


# Sessions that wait for a lock with such a statement.
WAITING = "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s"


def waiting(house: House, statement: str) -> int:
    """The session that stands there."""
    def found() -> int:
        with house.metadata() as connection:
            rows = connection.execute(WAITING, (statement,)).fetchall()
        return rows[0][0] if len(rows) == 1 else 0

    return wait_for(found, LEASE + 50, f"a session at {statement}")


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    return make_module_house().start()


@pytest.mark.parametrize("source", ["goes_on_first", "is_cut_off"])
def test_a_worker_stopped_in_the_middle_of_a_load_past_its_lease_loads_nothing_twice(
    house: House, make_database: Callable[..., Database], source: str
) -> None:
    """It is stopped behind the fence, its commit half written; another worker claims the load, and waits at the fence.
    Then either the stopped one goes on, or its session ends and it goes on when the other has loaded."""
    shop = make_database("shop", SHOP)
    house.clone(shop.url, "--source", source)
    shop.execute("INSERT INTO orders SELECT n, 1, now(), 1 FROM generate_series(3001, 4000) n")
    worker = house.pid_of("work")
    with house.metadata() as holder:
        holder.autocommit = False
        holder.execute("LOCK TABLE lake_acme_dev.ducklake_snapshot IN SHARE MODE")
        run = house.clone_detached(shop.url, "--source", source)
        session = waiting(house, "LOCK TABLE ducklake_snapshot%")
        stop(worker)
        other = house.begin("work")
        waiting(house, "%_weir_fence%")
        holder.rollback()
    try:
        if source == "is_cut_off":
            with house.metadata() as connection:
                connection.execute("SELECT pg_terminate_backend(%s)", (session,))
            loaded = house.wait_for_run(run)
            os.kill(worker, signal.SIGCONT)
            job = next(job["job_id"] for job in loaded["jobs"] if job["kind"] == "load")
            # Which it meets first is chance: that its session has ended, or that its job is another's.
            ends = [f"job {job} (load) failed", f"taken over job {job} (load)"]
            wait_for(lambda: any(end in house.log.read_text() for end in ends), 20, "the end of the stopped load")
            assert house.run(run) == loaded
        else:
            os.kill(worker, signal.SIGCONT)
        detail = house.wait_for_run(run)
        assert detail["run"]["state"] == "SUCCESS", detail
        assert all(stream["verified"] for stream in detail["streams"]), detail["streams"]
        loads = house.catalogue(
            f"SELECT table_name, count(*) FROM _weir_loads WHERE run_id = '{run}' GROUP BY 1 ORDER BY 1")
        assert [count for _, count in loads] == [1, 1, 1], loads
        with house.metadata() as connection:
            attempts = connection.execute(
                "SELECT attempt, losses FROM weir.jobs WHERE run_id = %s AND kind = 'load'", (run,)).fetchone()
        assert attempts == (2, 1)
        assert house.query(f"SELECT count(*), count(DISTINCT id) FROM RAW.{source}__orders") == [[4000, 4000]]
        assert lake.faults(house) == []
    finally:
        other.terminate()
        other.communicate(timeout=20)
    # The one that was stopped is as good as new.
    house.clone(shop.url, "--source", source)
    assert lake.faults(house) == []


def test_a_run_that_met_a_full_lake_is_taken_up_again_when_there_is_room(
    make_house: Callable[..., House], make_database: Callable[..., Database],
    small_disk: Callable[..., Path]
) -> None:
    # Noise, which no compression makes small: 30 MB.
    wide = make_database(
        "wide",
        SHOP + """
        CREATE UNLOGGED TABLE wide AS SELECT n AS id, (
          SELECT string_agg(sha512((n::text || m)::bytea), ''::bytea) FROM generate_series(1, 16) m) AS noise
          FROM generate_series(1, 30000) n;
        """)
    house = make_house().start()
    house.stop()
    disk = small_disk(100, house.folder / "lake")
    house.start()
    house.clone(wide.url, "--source", "wide", "--tables", "orders,customers")
    before = lake.tables(house)
    ballast = fill(disk, leave=8 << 20)
    said = house.weir("clone", wide.url, "--source", "wide", "--json")
    assert said.status == 1, said.out
    run, problem = said.json["run_id"], said.json["problem"]
    assert problem["code"] == "disk_full", problem
    assert "full" in problem["detail"] and "\n" not in problem["detail"]
    assert house.run(run)["run"]["state"] == "RETRYABLE"
    assert lake.faults(house) == []
    assert lake.tables(house) == before
    ballast.unlink()
    assert house.weir("runs", "retry", run).status == 0
    detail = house.wait_for_run(run)
    assert detail["run"]["state"] == "SUCCESS", detail
    assert all(stream["verified"] for stream in detail["streams"]), detail["streams"]
    assert house.query("SELECT count(*), count(DISTINCT id) FROM RAW.wide__wide") == [[30000, 30000]]
    assert lake.faults(house) == []
