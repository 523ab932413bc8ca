"""Data that was superseded long ago goes, from the warehouse and from the lake; what stands, and what somebody may still
take up again, stays."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

import pytest

import lake
from databases import SHOP, Database
from house import House
from processes import wait_for
from test_retry_from import MEND, NUMBERS, SPOIL

pytestmark = pytest.mark.timeout(300)

DAY = 86_400
# A file that never was: the row goes as soon as the house has looked, and nothing is removed.
MARK = "RAW/mark/none.parquet"


def folders(house: House, run: str) -> set[str]:
    """The loads of a run, in raw and bronze."""
    root = house.folder / "lake"
    return {
        str(path.parent.relative_to(root))
        for zone in ("raw", "bronze")
        for path in (root / zone).rglob("manifest.json")
        if json.loads(path.read_text())["run"] == run
    }


def age_lake(house: House, days: int) -> None:
    then = time.time() - days * DAY
    for path in (house.folder / "lake").rglob("manifest.json"):
        os.utime(path, (then, then))


def age_catalogue(house: House, table: str, column: str, days: int) -> None:
    house.catalogue(f"UPDATE {table} SET {column} = {column} - interval '{days} days' RETURNING 1")


def restart(house: House) -> None:
    """A house that has just begun looks at once; returns when it has."""
    house.catalogue(
        f"""INSERT INTO ducklake_files_scheduled_for_deletion (data_file_id, path, path_is_relative, schedule_start)
            VALUES (1000000, '{MARK}', true, now() - interval '2 days') RETURNING 1""")
    house.stop()
    house.start()
    wait_for(lambda: MARK not in lake.catalogued(house), 30, "the house to look for what is old")


def removals(house: House) -> list[dict[str, Any]]:
    """What the audit says of it, the oldest first."""
    found = house.get("/api/v1/audit?limit=500&action=data.remove")["lines"]
    for line in found:
        assert (line["who"], line["who_kind"], line["outcome"]) == ("Weirhouse", "system", "done"), line
    return [json.loads(line["before"]) if isinstance(line["before"], str) else line["before"] for line in found[::-1]]


def test_what_was_superseded_long_ago_goes_and_all_else_stays(
    make_house: Callable[..., House], make_database: Callable[..., Database]
) -> None:
    house = make_house().start()
    source = make_database("shop", SHOP)
    arguments = [source.url, "--source", "shop"]
    first = house.clone(*arguments)["run_id"]
    model = house.folder / "models" / "acme_dev" / "models" / "marts" / "numbers.sql"
    model.write_text(NUMBERS)
    source.execute(SPOIL)
    said = house.weir("clone", *arguments, "--json")
    assert said.status == 1, said.out
    failed = said.json["run_id"]
    assert house.run(failed)["run"]["state"] == "RETRYABLE"
    source.execute(MEND)
    last = house.clone(*arguments)["run_id"]
    rows = lake.tables(house)
    files = lake.stored(house)
    kept = {run: folders(house, run) for run in (first, failed, last)}
    assert [len(kept[run]) for run in (first, failed, last)] == [6, 6, 6]
    foreign = next(iter(house.folder.glob("lake/raw/clients/acme/shop/run_date=*"))) / "partner" / "delivery"
    foreign.mkdir(parents=True)
    (foreign / "_SUCCESS").touch()

    # Nothing is old yet.
    restart(house)
    assert removals(house) == []
    assert lake.stored(house) == files
    assert {run: folders(house, run) for run in kept} == kept

    age_lake(house, 40)
    age_catalogue(house, "ducklake_snapshot", "snapshot_time", 40)
    restart(house)
    wait_for(lambda: removals(house) == [{"loads": 6, "files": 0}], 20, "the audit to say so")
    assert folders(house, first) == set()
    assert {run: folders(house, run) for run in (failed, last)} == {run: kept[run] for run in (failed, last)}
    assert (foreign / "_SUCCESS").exists()
    # The states are gone; their files stay for a day.
    assert house.catalogue("SELECT count(*) FROM ducklake_snapshot") == [(1,)]
    waiting = {row[0] for row in house.catalogue("SELECT path FROM ducklake_files_scheduled_for_deletion")}
    assert waiting and lake.stored(house) == files
    assert lake.tables(house) == rows

    age_catalogue(house, "ducklake_files_scheduled_for_deletion", "schedule_start", 2)
    there = waiting & files
    restart(house)
    wait_for(lambda: removals(house)[1:] == [{"loads": 0, "files": len(there)}], 20, "the audit to say so")
    assert lake.stored(house) == files - waiting
    assert lake.tables(house) == rows
    assert [fault for fault in lake.faults(house) if "partner" not in fault] == []

    # Its files are still there to be checked; a later snapshot than its own stands in the warehouse.
    said = house.weir("runs", "retry", failed, "--from", "validate")
    assert said.status == 0, said.err
    detail = house.wait_for_run(failed)
    assert {job["kind"]: job["state"] for job in detail["jobs"]}["validate"] == "SUCCESS", detail
    assert detail["run"]["problem"]["code"] == "conflict", detail
    assert folders(house, failed) == kept[failed]

    stored = lake.stored(house)
    restart(house)
    assert lake.stored(house) == stored
    assert folders(house, failed) == kept[failed] and folders(house, last) == kept[last]
    assert len(removals(house)) == 2

    # When nobody can take it up again it goes, too.
    assert house.weir("runs", "resolve", failed, "--note", "a later run has loaded it").status == 0
    age_lake(house, 40)
    restart(house)
    wait_for(lambda: removals(house)[2:] == [{"loads": 6, "files": 0}], 20, "the audit to say so")
    assert folders(house, failed) == set()
    assert folders(house, last) == kept[last]
    assert lake.tables(house) == rows
    house.clone(*arguments)
    assert lake.tables(house) == rows
    assert [fault for fault in lake.faults(house) if "partner" not in fault] == []
    assert house.weir("audit", "verify").status == 0
