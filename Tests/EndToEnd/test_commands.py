"""The commands for schedules, limits, windows, notifications and expectations, against the real house."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from databases import SHOP, Database
from house import House, Said


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House], postgres: str) -> Iterator[House]:
    # Nobody listens there: nothing is sent in these tests.
    house = make_module_house(WEIR_SMTP_URL="smtp://127.0.0.1:2525?from=weir@acme.example").start()
    source = Database(postgres, "shop", SHOP)
    house.clone(source.url, "--source", "shop")
    yield house
    source.drop()


def well(house: House, *arguments: str) -> Said:
    said = house.weir(*arguments)
    assert said.status == 0, f"{arguments}: {said.err}{said.out}"
    return said


def answer(house: House, *arguments: str) -> dict:
    return json.loads(well(house, *arguments, "--json").out)


def test_a_schedule_is_made_paused_run_and_deleted(house: House) -> None:
    made = well(
        house, "schedules", "set", "nightly", "--source", "shop", "--cron", "0 6 * * 1-5", "--time-zone",
        "Europe/Berlin", "--tables", "orders", "--catch-up", "none")
    assert "Europe/Berlin" in made.out and made.out.count(" 06:00 +0") == 5, made.out
    assert well(house, "schedules", "show", "nightly").out == made.out
    assert answer(house, "schedules")["schedules"][0]["trigger"]["expression"] == "0 6 * * 1-5"

    paused = well(house, "schedules", "pause", "nightly", "--because", "stocktaking")
    assert ": stocktaking" in paused.out and ": stocktaking" in well(house, "schedules").out
    followed = well(house, "schedules", "run", "nightly", "--follow")
    assert "By the schedule nightly" in followed.out and "all verified" in followed.out
    run = answer(house, "runs", "--schedule", "nightly", "--state", "success", "--source", "shop")["runs"][0]
    assert run["run_id"] in well(house, "schedules", "show", "nightly").out
    assert "No run is like that." in well(house, "runs", "--schedule", "weekly").out
    assert well(house, "schedules", "resume", "nightly").out.count(" 06:00 +0") == 5

    well(house, "schedules", "delete", "nightly")
    gone = house.weir("schedules", "show", "nightly")
    assert gone.status == 1 and gone.err.startswith("weir: There is no schedule"), gone.err
    assert house.run(run["run_id"])["run"]["state"] == "SUCCESS"


def test_what_a_schedule_cannot_be_is_refused_in_one_line(house: House) -> None:
    for arguments in [
        ["set", "bad", "--source", "shop", "--cron", "0 0 30 2 *"],
        ["set", "bad", "--source", "shop", "--cron", "0 6 * *"],
        ["set", "bad", "--source", "shop", "--cron", "0 6 * * *", "--time-zone", "Mars/Base"],
        ["set", "bad", "--source", "nobody", "--every", "6h"],
        ["set", "Bad Name", "--source", "shop", "--every", "6h"],
        ["preview", "--cron", "61 * * * *"],
        ["backfill", "bad", "--from", "2026-11-01", "--through", "2026-11-02"],
    ]:
        said = house.weir("schedules", *arguments)
        assert said.status == 1, f"{arguments}: {said.out}{said.err}"
        assert said.err.startswith("weir: ") and said.err.count("\n") == 1, said.err
    assert answer(house, "schedules")["schedules"] == []


def test_limits_and_windows_are_set_and_lifted(house: House) -> None:
    well(house, "limits", "set", "source/dev/shop", "--most", "1", "--every", "2s")
    well(house, "limits", "pause", "warehouse/dev", "--for", "2h", "--because", "moving house")
    limits = {limit["key"]: limit for limit in answer(house, "limits")["limits"]}
    assert (limits["source/dev/shop"]["most"], limits["source/dev/shop"]["seconds_between_starts"]) == (1, 2)
    assert limits["warehouse/dev"]["paused_because"] == "moving house"
    run = answer(house, "clone", "--source", "shop", "--detach")["run_id"]
    assert "moving house" in well(house, "runs", run).out
    well(house, "limits", "resume", "warehouse/dev")
    assert house.weir("runs", "watch", run).status == 0
    silent = house.weir("limits", "set", "source/dev/shop")
    assert silent.status == 2 and "--none" in silent.err, silent.err
    well(house, "limits", "set", "source/dev/shop", "--none")
    assert "most" not in {limit["key"]: limit for limit in answer(house, "limits")["limits"]}.get("source/dev/shop", {})
    assert house.weir("limits", "pause", "planet/earth").status == 1

    well(
        house, "windows", "set", "weekend", "--key", "warehouse/prod", "--cron", "0 2 * * 6", "--for", "4h",
        "--because", "upgrades")
    assert "upgrades" in well(house, "windows").out
    well(house, "windows", "delete", "weekend")
    assert answer(house, "windows")["windows"] == []
    assert answer(house, "workers")["workers"][0]["is_alive"]


def test_people_are_told_and_expect(house: House) -> None:
    added = answer(house, "notifications", "add", "--email", "ann@acme.example", "--events", "failure,late")
    assert added["subscription"]["events"] == ["failure", "late"]
    assert "signing_secret" not in added
    inside = house.weir("notifications", "add", "--webhook", "http://127.0.0.1:9/")
    assert inside.status == 1 and inside.err.startswith("weir: "), inside.err
    assert "ann@acme.example" in well(house, "notifications").out
    well(house, "notifications", "remove", added["subscription"]["subscription_id"])
    assert answer(house, "notifications")["subscriptions"] == []

    expected = answer(house, "expect", "shop", "--fresh-within", "6h", "--table", "orders")
    assert (expected["fresh_within_minutes"], expected["is_late"]) == (360, False)
    assert "fresh" in well(house, "expectations").out
    well(house, "expectations", "remove", expected["expectation_id"])
    assert house.weir("expectations", "remove", expected["expectation_id"]).status == 1


def test_runs_are_changed_together(house: House) -> None:
    run = house.get("/api/v1/runs?limit=1&state=SUCCESS")["runs"][0]["run_id"]
    said = house.weir("runs", "resolve", run, "0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8aff", "--note", "by hand")
    assert said.status == 1
    assert said.out.count("not done") == 2 and "2 of 2 could not be done." in said.out, said.out
    first = answer(house, "runs", "--limit", "1")
    second = answer(house, "runs", "--limit", "1", "--before", first["next"])
    assert first["runs"][0]["run_id"] != second["runs"][0]["run_id"]
