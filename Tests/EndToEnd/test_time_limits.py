"""Jobs that take too long are stopped, and say so."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

import lake
from databases import SHOP, Database
from house import House
from processes import wait_for

# Reading it takes until somebody ends it.
SLOW = SHOP + """
CREATE VIEW slow AS SELECT n, pg_sleep(1)::text AS nothing FROM generate_series(1, 1000) n;
"""
READING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%slow%' " \
    "AND state = 'active' AND pid <> pg_backend_pid()"


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    return make_module_house(WEIR_TIME_LIMITS="extract=3s, load=1h", WEIR_CLONE_DEADLINE_DAYS="2").start()


def jobs(house: House, run: str) -> dict[str, dict[str, Any]]:
    return {job["kind"]: job for job in house.run(run)["jobs"]}


def test_an_extract_is_stopped_at_its_limit_tried_once_more_and_fails(
    house: House, make_database: Callable[..., Database]
) -> None:
    source = make_database("slow", SLOW)
    said = house.weir("clone", source.url, "--source", "slow", "--tables", "orders,slow")
    assert said.status == 1
    assert "The extract job took longer than 3 seconds." in said.out + said.err
    run = house.get("/api/v1/runs?limit=1")["runs"][0]
    assert (run["state"], run["problem"]["code"]) == ("RETRYABLE", "timed_out"), run
    assert jobs(house, run["run_id"])["extract"]["attempt"] == 2
    wait_for(lambda: source.rows(READING)[0][0] == 0, 20, "the end of the sessions at the source")
    assert lake.faults(house) == []


def test_a_clone_that_has_not_begun_by_its_deadline_fails_and_has_as_long_again(
    house: House, make_database: Callable[..., Database]
) -> None:
    source = make_database("shop", SHOP)
    house.clone(source.url, "--source", "shop")
    house.call("POST", "/api/v1/limits/pause", {"key": "source/dev/shop", "because": "moving house"})
    run = house.call("POST", "/api/v1/clones", {"source": "shop"})["run_id"]
    wait_for(lambda: "moving house" in jobs(house, run)["extract"].get("waiting", ""), 20, "the pause")
    left = "SELECT min(extract(epoch FROM deadline_at - now()) / 86400)::float8, count(*) FROM weir.jobs " \
        "WHERE run_id = %s AND deadline_at IS NOT NULL"
    with house.metadata() as connection:
        days, count = connection.execute(left, (run,)).fetchone()
        assert 1.9 < days <= 2 and count == 6
        connection.execute(
            "UPDATE weir.jobs SET deadline_at = now() - interval '1 second' WHERE run_id = %s AND kind = 'extract'", (run,))
    detail = house.wait_for_run(run)
    assert detail["run"]["state"] == "RETRYABLE"
    assert detail["run"]["problem"]["detail"] == "The extract job did not begin before its deadline."
    house.call("POST", "/api/v1/limits/resume", {"key": "source/dev/shop"})
    assert house.weir("runs", "retry", run).status == 0
    assert house.wait_for_run(run)["run"]["state"] == "SUCCESS"


@pytest.mark.parametrize("text", ["extract", "extract=5", "extract=0h", "dance=5h", "load=1h,load=2h", "load=9999h"])
def test_limits_that_cannot_be_are_refused_at_the_start(house: House, text: str) -> None:
    said = subprocess.run(
        [house.binary, "up", "--port", "0"], env=house.variables(WEIR_TIME_LIMITS=text), capture_output=True,
        timeout=20, check=False)
    assert said.returncode == 1 and "WEIR_TIME_LIMITS" in said.stderr.decode(), said
