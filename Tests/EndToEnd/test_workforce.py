"""Who works, what holds jobs back, and why each of them waits."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from callers import Client, Registry
from databases import SHOP, Database
from house import House, Refused
from processes import wait_for


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House], make_module_database: Callable[..., Database]) -> House:
    house = make_module_house().start()
    house.clone(make_module_database("shop", SHOP).url, "--source", "shop", "--tables", "notes")
    return house


def begin(house: House) -> str:
    return house.call("POST", "/api/v1/clones", {"source": "shop", "tables": ["notes"]})["run_id"]


def waiting(house: House, run: str, kind: str) -> str:
    return next(job for job in house.run(run)["jobs"] if job["kind"] == kind).get("waiting", "")


def limit(house: House, key: str) -> dict[str, Any]:
    return next((found for found in house.get("/api/v1/limits")["limits"] if found["key"] == key), {})


@pytest.fixture
def resumed(house: House) -> Iterator[None]:
    yield
    for key in ("organization", "warehouse/dev", "source/dev/shop"):
        house.call("POST", "/api/v1/limits/resume", {"key": key})
        house.call("PUT", "/api/v1/limits", {"key": key, "most": None})
    for run in house.get("/api/v1/runs?state=PENDING,RUNNING")["runs"]:
        house.call("POST", f"/api/v1/runs/{run['run_id']}/cancel", {})
        house.wait_for_run(run["run_id"])


def test_a_pause_says_why_and_until_when(house: House, resumed: None) -> None:
    house.call("POST", "/api/v1/limits/pause", {"key": "source/dev/shop", "minutes": 90, "because": "upgrade of the shop"})
    run = begin(house)
    said = wait_for(lambda: "paused" in (text := waiting(house, run, "extract")) and text, 20, "the pause as the reason")
    assert said.startswith("paused at source/dev/shop until 20") and said.endswith("UTC: upgrade of the shop"), said
    found = limit(house, "source/dev/shop")
    assert (found["waiting"], found["running"], found["paused_because"]) == (1, 0, "upgrade of the shop")
    house.call("POST", "/api/v1/limits/resume", {"key": "source/dev/shop"})
    assert house.wait_for_run(run)["run"]["state"] == "SUCCESS"


def test_a_full_limit_names_who_holds_it(house: House, resumed: None) -> None:
    house.call("PUT", "/api/v1/limits", {"key": "organization", "most": 0})
    run = begin(house)
    said = wait_for(lambda: "organization" in (text := waiting(house, run, "provision")) and text, 20, "the limit")
    assert "0 places" in said, said
    assert house.call("PUT", "/api/v1/limits", {"key": "organization", "most": 1})["most"] == 1
    first = house.wait_for_run(run)
    assert first["run"]["state"] == "SUCCESS"


def test_an_open_window_holds_jobs_and_its_removal_frees_them(house: House, resumed: None) -> None:
    made = house.call("PUT", "/api/v1/maintenance-windows/always", {
        "key": "warehouse/dev", "expression": "* * * * *", "minutes": 600, "because": "the yearly upgrade"})
    assert made["words"] == "Every minute (UTC), for 10 hours", made
    opened = wait_for(
        lambda: (found := house.get("/api/v1/maintenance-windows")["windows"][0]).get("open_until") and found,
        20, "the window to open")
    assert opened["because"] == "the yearly upgrade"
    run = begin(house)
    wait_for(lambda: "the yearly upgrade" in waiting(house, run, "provision"), 20, "the window as the reason")
    house.call("DELETE", "/api/v1/maintenance-windows/always")
    assert house.wait_for_run(run)["run"]["state"] == "SUCCESS"


def test_workers_are_listed_with_what_they_do(house: House) -> None:
    alone = subprocess.Popen(
        [house.binary, "work", "--kinds", "validate", "--organizations", "acme"], env=house.variables(),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    try:
        found = wait_for(
            lambda: len(all_ := house.get("/api/v1/workers")["workers"]) == 2 and all_, 20, "the second worker")
        mine = next(worker for worker in found if worker["name"].endswith(f"/{alone.pid}"))
        assert (mine["kinds"], mine["is_limited"], mine["is_alive"]) == (["validate"], True, True)
    finally:
        alone.terminate()
        alone.wait(20)
    wait_for(lambda: len(house.get("/api/v1/workers")["workers"]) == 1, 20, "its leave")


def test_a_role_of_one_environment_sees_the_limits_windows_and_work_of_no_other(house: House, resumed: None) -> None:
    for environment in ("dev", "prod"):
        house.call("POST", "/api/v1/limits/pause", {"key": f"source/{environment}/shop", "because": "moving"})
        house.call("PUT", f"/api/v1/maintenance-windows/{environment}_night", {
            "key": f"warehouse/{environment}", "expression": "0 2 * * *", "minutes": 60})
    with house.metadata() as connection:
        registry = Registry(connection)
        acme = registry.organization("acme")
        callers = {place: registry.caller(acme, ("analyst", place)) for place in ("dev", "prod", "*")}
        run = str(uuid.uuid4())
        connection.execute(
            "INSERT INTO weir.runs (run_id, organization_id, kind, environment, source, state) "
            "VALUES (%s, %s, 'clone', 'prod', 'shop', 'RUNNING')", [run, acme.id])
        connection.execute(
            "INSERT INTO weir.jobs (job_id, organization_id, run_id, position, kind, payload) "
            "VALUES (gen_random_uuid(), %s, %s, 0, 'test', '{}')", [acme.id, run])
        connection.execute(
            "UPDATE weir.jobs SET state = 'RUNNING', lease_until = now() + interval '1 minute', "
            "worker = (SELECT min(name) FROM weir.workers) WHERE run_id = %s", [run])
    try:
        for place, caller in callers.items():
            def asked(what: str, path: str = "") -> list[Any]:
                return Client(house).call("GET", f"/api/v1/{path or what}", token=caller.token).json[what]

            seen = {"dev", "prod"} if place == "*" else {place}
            assert {limit["key"].split("/")[1] for limit in asked("limits") if limit["key"].startswith("source/")} == seen
            assert {window["key"] for window in asked("windows", "maintenance-windows")} == {f"warehouse/{one}" for one in seen}
            runs = {job["run_id"] for worker in asked("workers") for job in worker["jobs"]}
            assert (run in runs) == ("prod" in seen), place
    finally:
        with house.metadata() as connection:
            connection.execute("DELETE FROM weir.jobs WHERE run_id = %s", [run])
            connection.execute("DELETE FROM weir.runs WHERE run_id = %s", [run])
        for environment in ("dev", "prod"):
            house.call("POST", "/api/v1/limits/resume", {"key": f"source/{environment}/shop"})
            house.call("DELETE", f"/api/v1/maintenance-windows/{environment}_night")


def test_kinds_that_nobody_takes_wait_and_say_so(house: House) -> None:
    with house.metadata() as connection:
        run = connection.execute(
            "INSERT INTO weir.runs (run_id, organization_id, kind, environment, source) SELECT gen_random_uuid(), "
            "organization_id, 'future', 'dev', 'shop' FROM weir.organizations RETURNING run_id").fetchone()[0]
        connection.execute(
            "INSERT INTO weir.jobs (job_id, organization_id, run_id, position, kind, payload) SELECT gen_random_uuid(), "
            "organization_id, run_id, 0, 'teleport', '{}' FROM weir.runs WHERE run_id = %s", (run,))
    assert waiting(house, str(run), "teleport") == "waiting because no worker takes teleport jobs"
    house.call("POST", f"/api/v1/runs/{run}/cancel", {"note": "too early"})
    assert house.run(str(run))["run"]["note"] == "too early"


def test_lists_of_runs_are_filtered_and_paged(house: House) -> None:
    for _ in range(2):
        assert len(house.wait_for_run(begin(house))["run"]["correlation_id"]) == 36
    everything = house.get("/api/v1/runs?limit=500")["runs"]
    pages, before = [], ""
    while before is not None:
        answer = house.get(f"/api/v1/runs?limit=2{before and '&before=' + before}")
        pages += answer["runs"]
        before = answer.get("next")
    assert [run["run_id"] for run in pages] == [run["run_id"] for run in everything]
    assert {run["state"] for run in house.get("/api/v1/runs?state=CANCELLED")["runs"]} == {"CANCELLED"}
    assert [run["kind"] for run in house.get("/api/v1/runs?search=TOO%20early")["runs"]] == ["future"]
    assert house.get("/api/v1/runs?search=%25")["runs"] == [], "a percent sign means itself"
    assert house.get("/api/v1/runs?source=nobody")["runs"] == []
    earliest = f"before=-9223372036854775808~{everything[0]['run_id']}"
    for wrong in ("before=x", "before=2026~no", earliest, "limit=0", "state=DONE"):
        with pytest.raises(Refused) as refused:
            house.get(f"/api/v1/runs?{wrong}")
        assert refused.value.status == 400, wrong


def test_several_runs_are_changed_each_by_itself(house: House) -> None:
    done = house.get("/api/v1/runs?state=SUCCESS&limit=1")["runs"][0]["run_id"]
    nobody = "00000000-0000-0000-0000-000000000000"
    outcomes = house.call("POST", "/api/v1/runs/actions", {"action": "retry", "run_ids": [done, nobody]})["outcomes"]
    assert [outcome["problem"]["code"] for outcome in outcomes] == ["conflict", "not_found"]
    for wrong in ({"action": "resolve", "run_ids": [done]}, {"action": "explode", "run_ids": [done]},
                  {"action": "retry", "run_ids": []}):
        with pytest.raises(Refused) as refused:
            house.call("POST", "/api/v1/runs/actions", wrong)
        assert refused.value.status == 400


BAD_LIMITS = ["source", "source/dev", "source/dev/a/b", "warehouse/moon", "one/extract/acme_dev/shop", "organization/x", ""]


@pytest.mark.parametrize("key", BAD_LIMITS)
def test_a_limit_that_cannot_be_is_refused(house: House, key: str) -> None:
    for method, path, body in (("PUT", "limits", {"key": key, "most": 1}), ("POST", "limits/pause", {"key": key})):
        with pytest.raises(Refused) as refused:
            house.call(method, f"/api/v1/{path}", body)
        assert refused.value.status == 400


def test_a_pause_and_a_window_of_one_key_end_each_for_itself(house: House, resumed: None) -> None:
    def windows() -> list[dict[str, Any]]:
        return house.get("/api/v1/maintenance-windows")["windows"]

    def open_window() -> None:
        house.call("PUT", "/api/v1/maintenance-windows/always", {
            "key": "warehouse/dev", "expression": "* * * * *", "minutes": 600, "because": "the yearly upgrade"})
        wait_for(lambda: windows()[0].get("open_until"), 20, "the window to open")

    pause = {"key": "warehouse/dev", "because": "moving house"}
    open_window()
    house.call("POST", "/api/v1/limits/pause", pause)
    house.call("DELETE", "/api/v1/maintenance-windows/always")
    assert limit(house, "warehouse/dev")["paused_because"] == "moving house"
    run = begin(house)
    wait_for(lambda: "moving house" in waiting(house, run, "provision"), 20, "the pause as the reason")
    open_window()
    resumed_now = house.call("POST", "/api/v1/limits/resume", {"key": "warehouse/dev"})
    assert resumed_now["paused_because"] == "the yearly upgrade"
    with pytest.raises(Refused) as refused:
        house.call("POST", "/api/v1/limits/resume", {"key": "warehouse/dev"})
    assert refused.value.code == "conflict" and "maintenance window" in refused.value.detail
    wait_for(lambda: "the yearly upgrade" in waiting(house, run, "provision"), 20, "the window as the reason")
    house.call("DELETE", "/api/v1/maintenance-windows/always")
    assert house.wait_for_run(run)["run"]["state"] == "SUCCESS"


def test_the_status_counts_workers_of_all_machines(house: House) -> None:
    def worker() -> dict[str, Any]:
        return next(part for part in house.get("/api/v1/status")["parts"] if part["name"] == "worker")

    wait_for(lambda: worker()["detail"] == "1 running, with 2 places", 20, "the one worker")
    # As one on another machine says it.
    with house.metadata() as connection:
        connection.execute("INSERT INTO weir.workers (name, version, kinds, slots) VALUES ('attic/7', '1', '{load}', 3)")
        assert worker() == {"name": "worker", "healthy": True, "detail": "2 running, with 5 places"}
        connection.execute("UPDATE weir.workers SET seen_at = now() - interval '1 minute' WHERE name = 'attic/7'")
        assert worker()["detail"] == "1 running, with 2 places"
        connection.execute("DELETE FROM weir.workers WHERE name = 'attic/7'")
