"""Runs that nobody asks for: by the clock, after others, when files arrive; paused, missed, filled in afterwards."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
import pytest

from databases import SHOP, Database
from house import House, Refused
from peers import Peer
from processes import wait_for

NIGHTLY = {"kind": "cron", "expression": "0 6 * * 1-5", "time_zone": "Europe/Berlin"}


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House], make_module_database: Callable[..., Database]) -> House:
    """Two pipelines, `shop` and `other`, of one small table each."""
    house = make_module_house().start()
    for name in ("shop", "other"):
        source = make_module_database(name, SHOP)
        house.clone(source.url, "--source", name, "--tables", "notes")
    return house


@pytest.fixture
def quiet(house: House) -> Iterator[House]:
    """Nothing of the organization starts: runs that are made stay PENDING until they are cancelled."""
    house.call("POST", "/api/v1/limits/pause", {"key": "organization", "because": "a test"})
    yield house
    for run in house.get("/api/v1/runs?limit=500&state=PENDING,RUNNING")["runs"]:
        house.call("POST", f"/api/v1/runs/{run['run_id']}/cancel", {})
    for schedule in house.get("/api/v1/schedules")["schedules"]:
        house.call("DELETE", f"/api/v1/schedules/{schedule['name']}")
    house.call("POST", "/api/v1/limits/resume", {"key": "organization"})


def put(house: House, name: str, trigger: dict[str, Any], source: str = "shop", **more: Any) -> dict[str, Any]:
    return house.call(
        "PUT", f"/api/v1/schedules/{name}", {"source": source, "tables": ["notes"], "trigger": trigger} | more)


def runs_of(house: House, schedule: str) -> list[dict[str, Any]]:
    """The oldest first."""
    return house.get(f"/api/v1/runs?limit=500&schedule={schedule}")["runs"][::-1]


def make_due(house: House, ago: timedelta, *names: str) -> None:
    """As if the server had been away since then, for all of them since the same second."""
    with house.metadata() as connection:
        connection.execute(
            "UPDATE weir.schedules SET next_at = date_trunc('second', now()) - %s, anchor = date_trunc('second', now()) - %s, "
            "look_at = now() WHERE name = ANY(%s)", (ago, ago, list(names)))


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_schedule_fires_on_its_grid_and_the_run_succeeds(house: House) -> None:
    made = put(house, "often", {"kind": "every", "minutes": 360})
    assert made["words"] == "every 6 hours" and len(made["next"]) == 5 and made["created_by"] == "admin"
    first = moment(made["next"][0])
    assert timedelta(hours=5, minutes=59) < first - datetime.now(timezone.utc) <= timedelta(hours=6)
    assert moment(made["next"][4]) - first == timedelta(hours=24)
    make_due(house, timedelta(minutes=1), "often")
    run = wait_for(lambda: runs_of(house, "often"), 10, "a run of the schedule")[0]
    detail = house.wait_for_run(run["run_id"])
    assert detail["run"]["state"] == "SUCCESS" and detail["run"]["schedule"] == "often"
    view = house.get("/api/v1/schedules/often")
    assert view["last_run_id"] == run["run_id"] and view["last_run_state"] == "SUCCESS"
    assert moment(view["next"][0]) == moment(detail["run"]["scheduled_for"]) + timedelta(hours=6)
    house.call("DELETE", "/api/v1/schedules/often")
    assert house.run(run["run_id"])["run"]["state"] == "SUCCESS", "its runs stay"


def test_the_same_again_changes_nothing(quiet: House) -> None:
    before = put(quiet, "same", {"kind": "every", "minutes": 30})
    assert put(quiet, "same", {"kind": "every", "minutes": 30}) == before
    after = put(quiet, "same", {"kind": "every", "minutes": 60})
    assert after["next"] != before["next"]


def test_what_was_missed_follows_the_policy(quiet: House) -> None:
    policies = ("latest", "all", "none")
    for policy in policies:
        put(quiet, policy, {"kind": "every", "minutes": 60}, catch_up=policy)
    make_due(quiet, timedelta(hours=3, minutes=30), *policies)
    latest = wait_for(lambda: runs_of(quiet, "latest"), 10, "the run for all that was missed")
    assert len(latest) == 1
    one = wait_for(lambda: runs_of(quiet, "all"), 10, "the oldest that was missed")
    assert moment(latest[0]["scheduled_for"]) - moment(one[0]["scheduled_for"]) == timedelta(hours=3)
    waiting = wait_for(
        lambda: quiet.get("/api/v1/schedules/all").get("waiting"), 20, "a reason why the next is not made")
    assert waiting == "the run before it goes on"
    for number in (2, 3, 4):
        quiet.call("POST", f"/api/v1/runs/{runs_of(quiet, 'all')[-1]['run_id']}/cancel", {})
        wait_for(lambda: len(runs_of(quiet, "all")) == number, 15, f"run {number}")
    times = [moment(run["scheduled_for"]) for run in runs_of(quiet, "all")]
    assert [b - a for a, b in zip(times, times[1:])] == [timedelta(hours=1)] * 3
    assert runs_of(quiet, "none") == []
    assert moment(quiet.get("/api/v1/schedules/none")["next"][0]) > datetime.now(timezone.utc)


def test_many_servers_fire_each_time_once(quiet: House) -> None:
    others = [
        subprocess.Popen([quiet.binary, "serve", "--port", "0"], env=quiet.variables(), stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        for _ in range(3)]
    address = (quiet.folder / "server.json").read_text()
    try:
        names = [f"many_{number}" for number in range(20)]
        for name in names:
            put(quiet, name, {"kind": "every", "minutes": 5}, catch_up="all")
        with quiet.metadata() as connection:
            connection.execute(
                "UPDATE weir.schedules SET anchor = date_trunc('second', now()) - interval '21 minutes', look_at = now(), "
                "next_at = date_trunc('second', now()) - interval '21 minutes' WHERE name LIKE 'many_%'")

            def all_made() -> bool:
                # Each run is done at once, so that the next one is due.
                connection.execute(
                    "UPDATE weir.jobs SET state = 'CANCELLED' WHERE state = 'PENDING' AND run_id IN "
                    "(SELECT run_id FROM weir.runs JOIN weir.schedules USING (schedule_id) WHERE name LIKE 'many_%')")
                connection.execute(
                    "UPDATE weir.runs SET state = 'CANCELLED', finished_at = now() WHERE state = 'PENDING' "
                    "AND schedule_id IN (SELECT schedule_id FROM weir.schedules WHERE name LIKE 'many_%')")
                connection.execute("UPDATE weir.schedules SET look_at = now() WHERE name LIKE 'many_%'")
                return connection.execute(
                    "SELECT bool_and(next_at > now()) FROM weir.schedules WHERE name LIKE 'many_%'").fetchone()[0]

            wait_for(all_made, 60, "all that was missed")
            counts = connection.execute(
                "SELECT name, count(*), count(DISTINCT scheduled_for) FROM weir.runs JOIN weir.schedules "
                "USING (schedule_id) WHERE name LIKE 'many_%' GROUP BY 1").fetchall()
        assert {(count, times) for _, count, times in counts} == {(5, 5)} and len(counts) == len(names)
    finally:
        for other in others:
            other.terminate()
        for other in others:
            other.wait(20)
        (quiet.folder / "server.json").write_text(address)


def test_a_pause_holds_and_resuming_goes_on(quiet: House) -> None:
    put(quiet, "held", NIGHTLY)
    view = quiet.call("POST", "/api/v1/schedules/held/pause", {"because": "stocktaking"})
    assert (view["is_paused"], view["paused_by"], view["paused_because"]) == (True, "admin", "stocktaking")
    assert view["next"] == []
    now = quiet.call("POST", "/api/v1/schedules/held/run", {})
    assert [run["run_id"] for run in runs_of(quiet, "held")] == [now["run_id"]], "now, also while it is paused"
    assert not quiet.call("POST", "/api/v1/schedules/held/resume", {})["is_paused"]


def test_a_range_of_days_is_filled_in_once(quiet: House) -> None:
    put(quiet, "days", NIGHTLY)
    accepted = quiet.call(
        "POST", "/api/v1/schedules/days/backfill", {"from": "2026-10-19", "through": "2026-10-30"})
    assert len(accepted["run_ids"]) == 10 and accepted["already_there"] == 0
    times = [run["scheduled_for"] for run in runs_of(quiet, "days")]
    # Daylight saving ended on 25 October.
    assert times[0] == "2026-10-19T04:00:00.000Z" and times[-1] == "2026-10-30T05:00:00.000Z"
    again = quiet.call("POST", "/api/v1/schedules/days/backfill", {"from": "2026-10-26", "through": "2026-11-02"})
    assert (len(again["run_ids"]), again["already_there"]) == (1, 5)


def test_a_run_follows_another_pipeline(house: House) -> None:
    put(house, "follows", {"kind": "after", "source": "other"})
    put(house, "other_now", {"kind": "every", "minutes": 600}, source="other")
    before = house.call("POST", "/api/v1/schedules/other_now/run", {})["run_id"]
    assert house.wait_for_run(before)["run"]["state"] == "SUCCESS"
    run = wait_for(lambda: runs_of(house, "follows"), 10, "the run after it")[0]
    assert house.wait_for_run(run["run_id"])["run"]["state"] == "SUCCESS"
    with pytest.raises(Refused, match="circle") as refused:
        put(house, "circle", {"kind": "after", "source": "shop"}, source="other")
    assert refused.value.status == 400
    for name in ("follows", "other_now"):
        house.call("DELETE", f"/api/v1/schedules/{name}")


def test_a_marker_starts_a_run_once(quiet: House) -> None:
    landing = quiet.folder / "lake" / "raw" / "clients" / "acme" / "landing"
    (landing / "old").mkdir(parents=True)
    (landing / "old" / "_SUCCESS").touch()
    put(quiet, "landed", {"kind": "file", "location": "raw/clients/acme/landing"})
    (landing / "new").mkdir()
    (landing / "new" / "orders.csv").write_text("id\n1\n")
    (landing / "new" / "_SUCCESS").touch()
    runs = wait_for(lambda: runs_of(quiet, "landed"), 30, "a run for the marker")
    assert len(runs) == 1
    with quiet.metadata() as connection:
        cause = connection.execute("SELECT cause FROM weir.runs WHERE run_id = %s", (runs[0]["run_id"],)).fetchone()[0]
    assert cause.endswith("new/_SUCCESS"), cause
    quiet.call("POST", f"/api/v1/runs/{runs[0]['run_id']}/cancel", {})
    (landing / "new" / "_SUCCESS").unlink()
    (landing / "new" / "_SUCCESS").touch()
    wait_for(lambda: len(runs_of(quiet, "landed")) == 2, 30, "a run for the marker that was written anew")


def test_a_marker_in_a_bucket_starts_a_run(
    make_house: Callable[..., House], make_database: Callable[..., Database]
) -> None:
    s3 = Peer("s3.py")
    try:
        house = make_house(WEIR_ALLOW_PRIVATE_ADDRESSES="127.0.0.1/32").start()
        house.clone(make_database("shop", SHOP).url, "--source", "shop", "--tables", "notes")
        bucket = boto3.client(
            "s3", endpoint_url=f"http://127.0.0.1:{s3.port}", region_name="eu-central-1",
            aws_access_key_id=s3.started["owner"]["id"], aws_secret_access_key=s3.started["owner"]["secret"])
        bucket.put_object(Bucket="lake", Key="landing/shop/day=1/_SUCCESS", Body=b"")
        trigger = {"kind": "file", "location":
                   f"s3://lake/landing/shop?region=eu-central-1&endpoint=http://127.0.0.1:{s3.port}"}
        stranger, owner = ({"access_key_id": s3.started[who]["id"], "secret_access_key": s3.started[who]["secret"]}
                           for who in ("stranger", "owner"))
        with pytest.raises(Refused) as refused:
            put(house, "landed", trigger, credentials=stranger)
        assert refused.value.status == 422, refused.value
        made = put(house, "landed", trigger, credentials=owner)
        assert owner["secret_access_key"] not in str(made)
        assert runs_of(house, "landed") == []
        bucket.put_object(Bucket="lake", Key="landing/shop/day=2/orders.csv", Body=b"id")
        bucket.put_object(Bucket="lake", Key="landing/shop/day=2/_SUCCESS", Body=b"")
        run = wait_for(lambda: runs_of(house, "landed"), 40, "a run for the marker")[0]
        assert house.wait_for_run(run["run_id"])["run"]["state"] == "SUCCESS"
        s3.end()
        problem = wait_for(lambda: house.get("/api/v1/schedules/landed").get("problem"), 40, "a problem")
        assert problem["code"] == "source_unreachable" and "secret" not in str(problem).lower()
    finally:
        s3.end()


class OddBucket:
    """A service that answers ListObjectsV2 (Amazon S3 API Reference) with keys that its owner likes, percent-encoded;
    not at all while `may_answer` is clear; never to the end while it is endless."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.is_endless = False
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.asked = 0
        bucket = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                bucket.asked += 1
                body = bucket.page(bucket.asked)
                # The client may be gone by then.
                with contextlib.suppress(OSError):
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    def page(self, number: int) -> bytes:
        self.may_answer.wait()
        more = f"<IsTruncated>true</IsTruncated><NextContinuationToken>{number}</NextContinuationToken>"
        contents = "".join(
            f"<Contents><Key>{key}</Key><Size>0</Size><LastModified>2026-11-24T00:00:00.000Z</LastModified></Contents>"
            for key in self.keys)
        return (f"<ListBucketResult><EncodingType>url</EncodingType>{contents}{more if self.is_endless else ''}"
                "</ListBucketResult>").encode()

    def close(self) -> None:
        self.may_answer.set()
        self._server.shutdown()
        self._server.server_close()


def test_an_odd_bucket_keeps_nothing_waiting_but_its_own_schedule(
    make_house: Callable[..., House], make_database: Callable[..., Database]
) -> None:
    bucket = OddBucket()
    try:
        house = make_house(WEIR_ALLOW_PRIVATE_ADDRESSES="127.0.0.1/32").start()
        house.clone(make_database("shop", SHOP).url, "--source", "shop", "--tables", "notes")
        house.call("POST", "/api/v1/limits/pause", {"key": "organization", "because": "a test"})
        location = f"s3://lake/landing?region=eu-central-1&endpoint=http://127.0.0.1:{bucket.port}"
        put(house, "landed", {"kind": "file", "location": location},
            credentials={"access_key_id": "a", "secret_access_key": "b"})
        put(house, "often", {"kind": "every", "minutes": 60})

        def look() -> None:
            with house.metadata() as connection:
                connection.execute("UPDATE weir.schedules SET look_at = now() WHERE name = 'landed'")

        def problem() -> dict[str, Any] | None:
            return house.get("/api/v1/schedules/landed").get("problem")

        bucket.may_answer.clear()
        asked = bucket.asked
        look()
        wait_for(lambda: bucket.asked > asked, 30, "a look that gets no answer")
        make_due(house, timedelta(minutes=1), "often")
        wait_for(lambda: runs_of(house, "often"), 10, "a run of the other schedule")
        assert problem() is None, "the look goes on"
        bucket.is_endless = True
        bucket.may_answer.set()
        told = wait_for(problem, 90, "a problem of the endless listing")
        assert told["code"] in ("unsupported", "timed_out") and "narrower prefix" in told["hint"], told

        bucket.is_endless = False
        bucket.keys = [f"landing/{'x' * 5000}/_SUCCESS", "landing/a%00b/_SUCCESS", "landing/day=1/_SUCCESS"]
        look()
        run = wait_for(lambda: runs_of(house, "landed"), 30, "a run for the marker that can be remembered")[0]
        with house.metadata() as connection:
            cause = connection.execute("SELECT cause FROM weir.runs WHERE run_id = %s", (run["run_id"],)).fetchone()[0]
        assert cause.endswith("for day=1/_SUCCESS") and problem() is None
    finally:
        bucket.close()


BAD = [
    ({"kind": "cron", "expression": "0 0 30 2 *"}, 400, "never fires"),
    ({"kind": "cron", "expression": "61 * * * *"}, 400, "61"),
    ({"kind": "cron", "expression": "* * * * * *"}, 400, ""),
    ({"kind": "cron", "expression": "0 6 * * *", "time_zone": "Mars/Olympus"}, 400, "Mars/Olympus"),
    ({"kind": "cron"}, 400, "expression"),
    ({"kind": "every", "minutes": 1}, 400, "1 minutes"),
    ({"kind": "after", "source": "nobody"}, 404, "nobody"),
    ({"kind": "file", "location": "raw/clients/globex/landing"}, 403, ""),
    ({"kind": "file", "location": "raw/clients/acme/../globex"}, 400, ""),
    ({"kind": "file", "location": "/etc"}, 403, ""),
    ({"kind": "file", "location": "s3://bucket/prefix?region=eu-central-1"}, 400, "key"),
    ({"kind": "file", "location": "s3://bucket/prefix?endpoint=http://169.254.169.254"}, 403, "private"),
    ({"kind": "sometimes"}, 400, "kind"),
]


@pytest.mark.parametrize("trigger, status, words", BAD)
def test_a_trigger_that_cannot_be_is_refused(house: House, trigger: dict[str, Any], status: int, words: str) -> None:
    more = {"credentials": {"access_key_id": "a", "secret_access_key": "b"}} if "169" in str(trigger) else {}
    with pytest.raises(Refused) as refused:
        put(house, "bad", trigger, **more)
    assert refused.value.status == status, refused.value
    assert words in str(refused.value), refused.value
    assert "\n" not in str(refused.value)
    assert all(found["name"] != "bad" for found in house.get("/api/v1/schedules")["schedules"])


def test_a_schedule_needs_a_pipeline_and_a_name(house: House) -> None:
    with pytest.raises(Refused) as refused:
        put(house, "lost", NIGHTLY, source="nowhere")
    assert refused.value.status == 404
    with pytest.raises(Refused) as refused:
        put(house, "Bad%20Name", NIGHTLY)
    assert refused.value.status == 400
