"""`kill -9` of everything at points spread over a clone: the next `weir up` ends the run as if nothing had been."""
import signal
import time
from collections.abc import Callable

import pytest

import lake
import processes
from databases import SHOP, Database
from house import House
from processes import wait_for

# In the order in which a clone passes them.
FIRST_CLONE = "provision.catalogue"
SECOND_CLONE = [
    "extract.part", "extract.done", "validate.passed", "load.linked", "load.committing", "load.committed",
    "models.replaced", "model.built",
]
MORE_ORDERS = """
    INSERT INTO orders SELECT n, n % 200 + 1, timestamptz '2026-01-01 00:00+00' + n * interval '1 hour', n * 1.25
      FROM generate_series(3001, 5000) n;
    DELETE FROM notes WHERE body LIKE '%7';
    UPDATE customers SET name = 'Ünïcode ' || id WHERE id % 2 = 0;
    ALTER TABLE notes ADD COLUMN stars int DEFAULT 5;
"""
COUNTS = {
    "orders": "SELECT count(*), sum(total), min(id), max(id) FROM RAW.shop__orders",
    "notes": "SELECT count(*), count(DISTINCT body) FROM RAW.shop__notes",
    "mart": "SELECT count(*), sum(total) FROM MARTS.fct_orders",
    "loads": "SELECT count(*), count(DISTINCT load_id) FROM RAW._weir_loads",
}


def kill_at(house: House, point: str) -> None:
    """Starts the house so that its worker dies at that point, and then kills all the rest too."""
    marker = house.home / f"passed-{point}"
    house.start(wait=False, WEIR_FAULT=f"{point}@{marker}")
    wait_for(marker.exists, 60, f"the fault point {point}")
    house.kill()
    assert not house.pids()


def clone_and_kill_at(house: House, url: str, point: str) -> str:
    """A new clone whose worker dies at that point, and all the rest with it; the run's id."""
    marker = house.home / f"first-{point}"
    house.start(WEIR_FAULT=f"{point}@{marker}")
    run = house.clone_detached(url, "--source", "shop")
    wait_for(marker.exists, 60, f"the fault point {point}")
    house.kill()
    return run


def kill_inside_dbt(house: House) -> None:
    """Kills all as soon as dbt has written a file that the catalogue does not know yet: an orphan, if nobody tidies."""
    marts = house.folder / "lake" / "warehouse" / "acme_dev" / "MARTS"
    house.start(wait=False)
    before = {str(path) for path in marts.rglob("*.parquet")}

    builders = wait_for(
        lambda: {pid for pid, line in house.pids().items() if "dbt.cli.main" in line}, 60, "dbt")
    deadline = time.monotonic() + 60
    # Without a pause between two looks: what is waited for is soon over.
    while before == {str(path) for path in marts.rglob("*.parquet")}:
        assert time.monotonic() < deadline, "dbt writes no file"
    processes.send(builders, signal.SIGKILL)
    house.kill()


@pytest.mark.timeout(500)
def test_kills_at_ten_points_of_clones_leave_the_same_rows_and_no_trace(
    make_house: Callable[..., House], make_database: Callable[..., Database]
) -> None:
    shop = make_database("shop", SHOP)
    house = make_house()
    with lake.Reader(house, COUNTS) as reader:
        first = clone_and_kill_at(house, shop.url, FIRST_CLONE)
        house.start()
        assert house.wait_for_run(first)["run"]["state"] == "SUCCESS"
        once = {name: tuple(house.query(sql)[0]) for name, sql in COUNTS.items()}

        shop.execute(MORE_ORDERS)
        house.stop()
        second = clone_and_kill_at(house, shop.url, SECOND_CLONE[0])
        for point in SECOND_CLONE[1:-1]:
            kill_at(house, point)
        kill_inside_dbt(house)
        kill_at(house, SECOND_CLONE[-1])
        house.start()
        detail = house.wait_for_run(second)
        twice = {name: tuple(house.query(sql)[0]) for name, sql in COUNTS.items()}

    assert detail["run"]["state"] == "SUCCESS", detail
    assert all(stream["verified"] for stream in detail["streams"]), detail["streams"]
    assert {stream["name"]: stream["loaded_rows"] for stream in detail["streams"]} == {
        "public.customers": 200, "public.orders": 5000, "public.notes": 45}
    # A reader saw no table, then the old one, then the new one: never part of one, and never a step back.
    assert reader.refusals == set()
    for name in COUNTS:
        assert reader.answers[name] == ["missing", once[name], twice[name]], name
    assert twice["loads"] == (6, 6)
    assert lake.faults(house) == []
    assert house.catalogue("SELECT count(*), count(DISTINCT load_id) FROM _weir_loads") == [(6, 6)]
    # The same as a clone that nobody disturbed.
    house.clone(shop.url, "--source", "shop", "--environment", "stage")
    assert lake.tables(house, "dev") == lake.tables(house, "stage")
    assert house.weir("status").status == 0
