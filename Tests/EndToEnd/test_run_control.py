"""A person stops a run, takes a failed one up again, resolves one; and is told why jobs wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import lake
from databases import SHOP, Database
from house import House
from processes import wait_for

# Reading it takes until somebody ends it.
SLOW = """
CREATE VIEW slow AS SELECT n, pg_sleep(1)::text AS nothing FROM generate_series(1, 1000) n;
"""


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    return make_module_house().start()


def jobs(house: House, run: str) -> dict[str, dict[str, Any]]:
    return {job["kind"]: job for job in house.run(run)["jobs"]}


def test_a_cancelled_run_stops_its_query_at_the_source_and_leaves_nothing(
    house: House, make_database: Callable[..., Database]
) -> None:
    source = make_database("slow", SHOP + SLOW)
    run = house.clone_detached(source.url, "--source", "slow", "--tables", "orders,slow")
    reading = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%slow%' " \
        "AND state = 'active' AND pid <> pg_backend_pid()"
    wait_for(lambda: source.rows(reading)[0][0] > 0, 40, "a session that reads the view")
    waiting = jobs(house, run)
    assert waiting["validate"]["waiting"] == "waiting for extract"
    said = house.weir("runs", "cancel", run, "--note", "wrong view")
    assert said.status == 0, said.out
    detail = house.wait_for_run(run, seconds=20)
    assert detail["run"]["state"] == "CANCELLED"
    assert {job["state"] for job in detail["jobs"]} == {"SUCCESS", "CANCELLED"}
    wait_for(lambda: source.rows(reading)[0][0] == 0, 20, "the end of those sessions")
    assert lake.faults(house) == []
    assert house.metadata().execute("SELECT coalesce(sum(used), 0) FROM weir.limits").fetchone()[0] == 0
    again = house.weir("runs", "retry", run)
    assert again.status == 1 and "CANCELLED" in again.err


def test_a_failed_run_goes_on_where_it_failed_once_that_is_mended(
    house: House, make_database: Callable[..., Database]
) -> None:
    source = make_database("shop", SHOP)
    house.clone(source.url, "--source", "shop")
    # Somebody's edit breaks the project.
    model = house.folder / "models" / "acme_dev" / "models" / "marts" / "broken.sql"
    model.parent.mkdir(parents=True, exist_ok=True)
    model.write_text("select this is no sql")
    said = house.weir("clone", source.url, "--source", "shop", "--json")
    assert said.status == 1
    run = said.json["run_id"]
    assert house.run(run)["run"]["state"] == "RETRYABLE", said.out
    extracted = jobs(house, run)["extract"]["finished_at"]
    model.unlink()
    assert house.weir("runs", "retry", run).status == 0
    detail = house.wait_for_run(run)
    assert detail["run"]["state"] == "SUCCESS"
    assert jobs(house, run)["extract"]["finished_at"] == extracted, "what was done is not done again"
    assert lake.faults(house) == []


def test_a_failed_run_can_be_resolved_with_a_note(house: House, make_database: Callable[..., Database]) -> None:
    source = make_database("gone", SHOP)
    house.clone(source.url, "--source", "gone")
    source.drop()
    said = house.weir("clone", "--source", "gone", "--json")
    assert said.status == 1
    run = said.json["run_id"]
    assert house.run(run)["run"]["state"] == "RETRYABLE", said.out
    assert jobs(house, run)["load"]["waiting"] == "waiting because extract failed: retry or resolve the run"
    assert house.weir("runs", "resolve", run).status == 2, "a note is needed"
    assert house.weir("runs", "resolve", run, "--note", "the shop has closed").status == 0
    assert house.run(run)["run"]["state"] == "RESOLVED"
    events = house.metadata().execute(
        "SELECT to_state, actor FROM weir.job_events WHERE run_id = %s ORDER BY sequence", (run,)).fetchall()
    assert ("RESOLVED", "admin") in events
    again = house.weir("runs", "retry", run)
    assert again.status == 1 and "RESOLVED" in again.err
