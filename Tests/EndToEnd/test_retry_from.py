"""Runs that are done again from one of their jobs, and jobs whose worker has lost them: what stands in RAW, and in the
house, is what is said of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

import lake
from databases import SHOP, Database
from house import House
from processes import wait_for

pytestmark = pytest.mark.timeout(240)

# Fails for a note that has no number.
NUMBERS = """
    {{ config(materialized='table') }}
    select cast(substr(body, 6) as integer) as number from {{ ref('stg_shop__notes') }}
"""
SPOIL = "UPDATE notes SET body = 'note ?' WHERE body = 'note 7'"
MEND = "UPDATE notes SET body = 'note 7' WHERE body = 'note ?'"
SPOILT = "SELECT count(*) FROM RAW.shop__notes WHERE body = 'note ?'"


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    return make_module_house().start()


def fail_at_models(house: House, source: Database, environment: str) -> str:
    """A run that has loaded a note without a number, so that its models have failed; its id."""
    arguments = [source.url, "--source", "shop", "--environment", environment]
    house.clone(*arguments)
    path = house.folder / "models" / f"acme_{environment}" / "models" / "marts" / "numbers.sql"
    path.write_text(NUMBERS)
    source.execute(SPOIL)
    said = house.weir("clone", *arguments, "--json")
    assert said.status == 1, said.out
    run = said.json["run_id"]
    assert house.run(run)["run"]["state"] == "RETRYABLE", said.out
    assert house.query(SPOILT, environment) == [[1]]
    return run


def retry(house: House, run: str, job: str) -> dict[str, Any]:
    """Does the run again from that job on; its detail when it is over."""
    said = house.weir("runs", "retry", run, "--from", job)
    assert said.status == 0, said.err
    return house.wait_for_run(run)


def loads(house: House, run: str, environment: str) -> list[tuple[Any, ...]]:
    """The loads of a run, the oldest first."""
    return house.catalogue(
        f"SELECT load_id, table_name, taken_at FROM _weir_loads WHERE run_id = '{run}' ORDER BY taken_at, table_name",
        f"acme_{environment}")


def dates(house: House, environment: str) -> list[tuple[Any, ...]]:
    """From when the rows are, as the house says."""
    with house.metadata() as connection:
        return connection.execute(
            "SELECT DISTINCT taken_at FROM weir.landed_streams WHERE environment = %s", (environment,)).fetchall()


def test_a_run_done_again_from_its_extraction_loads_what_it_has_read_anew(
    house: House, make_database: Callable[..., Database]
) -> None:
    source = make_database("shop", SHOP)
    run = fail_at_models(house, source, "dev")
    first = loads(house, run, "dev")
    assert dates(house, "dev") == [(first[0][2],)]
    # As many rows as before.
    source.execute(MEND)
    detail = retry(house, run, "extract")
    assert house.query(SPOILT, "dev") == [[0]]
    assert detail["run"]["state"] == "SUCCESS", detail
    assert {stream["name"]: (stream["loaded_rows"], stream["verified"]) for stream in detail["streams"]} == {
        "public.customers": (200, True), "public.orders": (3000, True), "public.notes": (50, True)}
    assert house.query("SELECT count(DISTINCT number), max(number) FROM MARTS.numbers", "dev") == [[50, 50]]
    both = loads(house, run, "dev")
    assert both[:3] == first
    assert [table for _, table, _ in both] == ["shop__customers", "shop__notes", "shop__orders"] * 2
    assert len({load for load, _, _ in both}) == 6
    assert dates(house, "dev") == [(both[3][2],)] and both[3][2] > first[0][2]
    # Readers see the same in the register, whose files are both there.
    assert len([row for row in lake.register(house, "dev") if row[1] == run]) == 6
    # A run that has read twice has two loads of each table.
    assert [fault for fault in lake.faults(house) if not fault.startswith("doubled load")] == []


def test_a_run_done_again_from_its_load_loads_nothing_twice_and_nothing_older(
    house: House, make_database: Callable[..., Database]
) -> None:
    source = make_database("shop", SHOP)
    run = fail_at_models(house, source, "stage")
    before = loads(house, run, "stage")
    for job in ("validate", "load"):
        detail = retry(house, run, job)
        assert detail["run"]["problem"]["code"] == "models_failed", detail
        assert all(stream["verified"] for stream in detail["streams"]), detail["streams"]
        assert loads(house, run, "stage") == before
    source.execute(MEND)
    house.clone(source.url, "--source", "shop", "--environment", "stage")
    date = dates(house, "stage")
    detail = retry(house, run, "load")
    assert detail["run"]["state"] == "RETRYABLE"
    assert detail["run"]["problem"]["code"] == "conflict", detail
    assert dates(house, "stage") == date
    assert house.query(SPOILT, "stage") == [[0]]
    assert house.weir("runs", "resolve", run, "--note", "a later run has loaded it").status == 0
    assert lake.faults(house, "acme_stage") == []


def give_away(holder: psycopg.Connection, run: str, kind: str) -> str:
    """The claim of a job that runs is another's from the holder's commit on; the job's id."""
    def given() -> str | None:
        row = holder.execute(
            """UPDATE weir.jobs SET fence = nextval('weir.fence'), worker = 'another',
                 lease_until = clock_timestamp() + interval '90 s'
               WHERE run_id = %s AND kind = %s AND state = 'RUNNING' RETURNING job_id""", (run, kind)).fetchone()
        return row and str(row[0])

    return wait_for(given, 30, f"the {kind} job to run")


def wait_for_the_loss(house: House, job: str, kind: str) -> None:
    wait_for(lambda: f"taken over job {job} ({kind})" in house.log.read_text(), 20, "the worker to notice")


def take_back(house: House, job: str) -> None:
    """As if the other had died: the job comes back to the house's own worker."""
    with house.metadata() as connection:
        connection.execute(
            "UPDATE weir.jobs SET lease_until = clock_timestamp() - interval '1 s' WHERE job_id = %s", (job,))


def test_whoever_has_lost_the_job_that_publishes_publishes_nothing(
    house: House, make_database: Callable[..., Database]
) -> None:
    run = fail_at_models(house, make_database("shop", SHOP), "prod")

    def published() -> list[tuple[Any, ...]]:
        with house.metadata() as connection:
            return connection.execute(
                "SELECT name, published_at FROM weir.dashboards WHERE environment = 'prod' ORDER BY 1").fetchall()

    before = published()
    assert before
    with house.metadata() as holder:
        holder.autocommit = False
        # What the job reads before it publishes.
        holder.execute("LOCK TABLE weir.landed_streams IN ACCESS EXCLUSIVE MODE")
        assert house.weir("runs", "retry", run, "--from", "publish").status == 0
        job = give_away(holder, run, "publish")
        holder.commit()
    wait_for_the_loss(house, job, "publish")
    assert published() == before
    take_back(house, job)
    assert house.wait_for_run(run)["run"]["problem"]["code"] == "models_failed"
    assert published() > before


def test_whoever_has_lost_the_job_that_provisions_makes_nothing(
    make_house: Callable[..., House], make_database: Callable[..., Database]
) -> None:
    house = make_house().start()
    source = make_database("shop", SHOP)

    def roles() -> list[tuple[Any, ...]]:
        with house.metadata() as connection:
            return connection.execute("SELECT rolname FROM pg_roles WHERE rolname = 'lake_acme_dev'").fetchall()

    with house.metadata() as holder:
        holder.autocommit = False
        # Where the job tells what it does next.
        holder.execute("LOCK TABLE weir.log_lines IN SHARE MODE")
        run = house.clone_detached(source.url, "--source", "shop")
        job = give_away(holder, run, "provision")
        holder.commit()
    wait_for_the_loss(house, job, "provision")
    assert roles() == []
    take_back(house, job)
    assert house.wait_for_run(run)["run"]["state"] == "SUCCESS"
    assert roles() == [("lake_acme_dev",)]
