"""People and programs are told of failures, recoveries and late data, each event once."""

from __future__ import annotations

import base64
import json
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from databases import SHOP, Database
from house import House, Refused
from peers import Peer
from processes import wait_for


@pytest.fixture(scope="module")
def mail() -> Iterator[Peer]:
    peer = Peer("mail.py")
    yield peer
    peer.end()


@pytest.fixture(scope="module")
def hooks() -> Iterator[Peer]:
    peer = Peer("receiver.py")
    yield peer
    peer.end()


@pytest.fixture(scope="module")
def source(make_module_database: Callable[..., Database]) -> Database:
    return make_module_database("shop", SHOP)


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House], mail: Peer, source: Database) -> House:
    house = make_module_house(
        WEIR_SMTP_URL=f"smtp://127.0.0.1:{mail.port}?from=Weirhouse%20<weir@acme.example>",
        WEIR_ALLOW_PRIVATE_ADDRESSES="127.0.0.0/8", WEIR_PUBLIC_URL="https://weir.acme.example")
    house.start()
    house.clone(source.url, "--source", "shop", "--tables", "notes")
    return house


@pytest.fixture(autouse=True)
def clean(house: House, mail: Peer, hooks: Peer) -> Iterator[None]:
    mail.heard.clear()
    hooks.heard.clear()
    yield
    for found in house.get("/api/v1/subscriptions")["subscriptions"]:
        house.call("DELETE", f"/api/v1/subscriptions/{found['subscription_id']}")
    for found in house.get("/api/v1/expectations")["expectations"]:
        house.call("DELETE", f"/api/v1/expectations/{found['expectation_id']}")


def subscribe(house: House, channel: str, target: str, **more: Any) -> dict[str, Any]:
    return house.call("POST", "/api/v1/subscriptions", {"channel": channel, "target": target} | more)


def hook(hooks: Peer, path: str = "/hook") -> str:
    return f"http://127.0.0.1:{hooks.port}{path}"


def run_shop(house: House) -> dict[str, Any]:
    """Clones what is known as `shop`; the run's detail when it is over."""
    return house.wait_for_run(house.call("POST", "/api/v1/clones", {"source": "shop", "tables": ["notes"]})["run_id"])


def fail(house: House, source: Database) -> dict[str, Any]:
    """A run that fails: its table is away."""
    source.execute("ALTER TABLE notes RENAME TO away")
    try:
        detail = run_shop(house)
    finally:
        source.execute("ALTER TABLE away RENAME TO notes")
    assert detail["run"]["state"] == "RETRYABLE", detail
    return detail


def events(peer: Peer) -> list[dict[str, Any]]:
    return [json.loads(base64.b64decode(message["body"])) for message in list(peer.heard)]


def quiet(house: House) -> None:
    """Returns when no message is on its way any more."""
    def done() -> bool:
        with house.metadata() as connection:
            return connection.execute("SELECT count(*) FROM weir.run_endings").fetchone()[0] == 0 \
                and not house.get("/api/v1/deliveries?state=waiting")["deliveries"]
    wait_for(done, 30, "the end of all deliveries")


def test_a_failure_and_the_recovery_are_told_once(
    house: House, source: Database, mail: Peer, hooks: Peer
) -> None:
    made = subscribe(house, "webhook", hook(hooks))
    subscribe(house, "email", "Ann <ann@acme.example>", source="shop", events=["failure"])
    subscribe(house, "email", "bob@acme.example", events=["late"])
    failed = fail(house, source)
    hooks.wait_for(1)
    letter = mail.wait_for(1)[0]
    assert letter["headers"]["subject"] == "[acme] shop failed in dev" and letter["recipients"] == ["ann@acme.example"]
    assert failed["run"]["problem"]["detail"] in letter["text"].replace("\n", " ")
    assert f"https://weir.acme.example/runs/{failed['run']['run_id']}" in letter["text"]
    assert letter["defects"] == []
    house.call("POST", f"/api/v1/runs/{failed['run']['run_id']}/retry", {})
    assert house.wait_for_run(failed["run"]["run_id"])["run"]["state"] == "SUCCESS"
    hooks.wait_for(2)
    run_shop(house)
    quiet(house)
    told = events(hooks)
    assert [event["type"] for event in told] == ["run.failed", "pipeline.recovered"]
    assert told[0]["data"]["run_id"] == failed["run"]["run_id"]
    assert told[0]["data"]["problem"]["code"] == failed["run"]["problem"]["code"]
    assert len(mail.heard) == 1
    for message in hooks.heard:
        Webhook(made["signing_secret"]).verify(base64.b64decode(message["body"]), message["headers"])
        with pytest.raises(Exception):
            Webhook(made["signing_secret"]).verify(base64.b64decode(message["body"]) + b" ", message["headers"])
    assert "signing_secret" not in json.dumps(house.get("/api/v1/subscriptions"))


def test_many_servers_tell_once(house: House, source: Database, hooks: Peer) -> None:
    address = (house.folder / "server.json").read_text()
    others = [
        subprocess.Popen([house.binary, "serve", "--port", "0"], env=house.variables(), stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        for _ in range(3)]
    try:
        subscribe(house, "webhook", hook(hooks))
        for _ in range(2):
            fail(house, source)
        hooks.wait_for(2)
        quiet(house)
        assert len({message["headers"]["webhook-id"] for message in hooks.heard}) == len(hooks.heard) == 2
    finally:
        for other in others:
            other.terminate()
        for other in others:
            other.wait(20)
        (house.folder / "server.json").write_text(address)


def test_a_receiver_that_is_away_gets_it_later(house: House, hooks: Peer) -> None:
    made = subscribe(house, "webhook", hook(hooks, "/fail-first/2"))
    test = house.call("POST", f"/api/v1/subscriptions/{made['subscription']['subscription_id']}/test", {})
    hooks.wait_for(3)
    quiet(house)
    delivery = house.get("/api/v1/deliveries")["deliveries"][0]
    assert (delivery["delivery_id"], delivery["state"], delivery["attempts"]) == (test["delivery_id"], "sent", 3)
    assert {message["headers"]["webhook-id"] for message in hooks.heard} == {test["delivery_id"]}


@pytest.mark.parametrize("length", [100, 70_000])
def test_a_receiver_may_say_as_much_as_it_likes(house: House, hooks: Peer, length: int) -> None:
    made = subscribe(house, "webhook", hook(hooks, f"/big/{length}"))["subscription"]["subscription_id"]
    test = house.call("POST", f"/api/v1/subscriptions/{made}/test", {})
    sent = wait_for(lambda: [found for found in house.get("/api/v1/deliveries?state=sent")["deliveries"]
                             if found["delivery_id"] == test["delivery_id"]], 20, "the message")[0]
    assert sent["attempts"] == 1
    assert [message["headers"]["webhook-id"] for message in hooks.heard] == [test["delivery_id"]]


def test_what_nobody_takes_is_a_dead_letter_that_can_be_sent_again(
    house: House, hooks: Peer, mail: Peer
) -> None:
    gone = subscribe(house, "webhook", hook(hooks, "/status/410"))["subscription"]["subscription_id"]
    moved = subscribe(house, "webhook", hook(hooks, "/redirect/302/http://127.0.0.1/"))["subscription"]["subscription_id"]
    refused = subscribe(house, "email", "refused@acme.example")["subscription"]["subscription_id"]
    for subscription in (gone, moved, refused):
        house.call("POST", f"/api/v1/subscriptions/{subscription}/test", {})
    dead = wait_for(
        lambda: (found := house.get("/api/v1/deliveries?state=dead")["deliveries"]) and len(found) >= 3 and found, 20,
        "three dead letters")
    words = {found["target"]: found["problem"]["detail"] for found in dead}
    assert "410" in words[hook(hooks, "/status/410")]
    assert "redirect" in words[hook(hooks, "/redirect/302/http://127.0.0.1/")]
    assert "550" in words["refused@acme.example"]
    letter = next(found for found in dead if found["target"].endswith("410"))
    before = len(hooks.heard)
    house.call("POST", f"/api/v1/runs/{letter['run_id']}/retry", {})
    hooks.wait_for(before + 1)
    house.call("POST", "/api/v1/runs/actions", {
        "action": "resolve", "note": "told by telephone",
        "run_ids": [found["run_id"] for found in dead if found is not letter]})
    states = {found["target"]: found["state"] for found in house.get("/api/v1/deliveries")["deliveries"][:3]}
    assert states["refused@acme.example"] == "resolved"
    runs = house.get("/api/v1/runs")["runs"]
    assert all(run["kind"] != "notify" for run in runs), "messages stand in a list of their own"


def test_a_letter_whose_fate_is_unknown_is_not_sent_twice(house: House, mail: Peer) -> None:
    made = subscribe(house, "email", "lost@acme.example")["subscription"]["subscription_id"]
    test = house.call("POST", f"/api/v1/subscriptions/{made}/test", {})
    dead = wait_for(lambda: [found for found in house.get("/api/v1/deliveries?state=dead")["deliveries"]
                             if found["delivery_id"] == test["delivery_id"]], 30, "a dead letter")[0]
    assert "Nobody knows" in dead["problem"]["detail"] and dead["attempts"] == 1
    assert len(mail.heard) == 1


@pytest.mark.parametrize("end", ["removed", "deactivated"])
def test_whoever_is_gone_by_then_gets_no_letter(house: House, mail: Peer, end: str) -> None:
    made = subscribe(house, "email", "Late Bird <Later@ACME.example>")["subscription"]
    assert made["target"] == "later@acme.example"
    test = house.call("POST", f"/api/v1/subscriptions/{made['subscription_id']}/test", {})

    def delivery() -> dict[str, Any]:
        return [found for found in house.get("/api/v1/deliveries")["deliveries"]
                if found["delivery_id"] == test["delivery_id"]][0]

    # The mail server says `later` to each attempt.
    wait_for(lambda: delivery()["attempts"] > 0, 20, "an attempt")
    if end == "removed":
        house.call("DELETE", f"/api/v1/subscriptions/{made['subscription_id']}")
    else:
        with house.metadata() as connection:
            connection.execute(
                "WITH gone AS (INSERT INTO weir.principals (principal_id, organization_id, name, kind, email, state) "
                "SELECT gen_random_uuid(), organization_id, 'gone@acme.example', 'person', 'gone@acme.example', "
                "'deactivated' FROM weir.subscriptions WHERE subscription_id = %(id)s RETURNING principal_id) "
                "UPDATE weir.subscriptions SET principal_id = (SELECT principal_id FROM gone) "
                "WHERE subscription_id = %(id)s", {"id": made["subscription_id"]})
    dead = wait_for(lambda: (found := delivery())["state"] == "dead" and found, 60, "the end of the attempts")
    assert dead["problem"]["code"] == "not_found" and "removed" in dead["problem"]["detail"]
    assert not mail.heard


def test_a_worker_that_dies_after_handing_over_tells_nothing_twice(
    make_house: Callable[..., House], tmp_path: Any, hooks: Peer, mail: Peer
) -> None:
    other = make_house(
        WEIR_SMTP_URL=f"smtp://127.0.0.1:{mail.port}?from=weir@acme.example", WEIR_ALLOW_PRIVATE_ADDRESSES="127.0.0.1/32",
        WEIR_FAULT=f"notify.sent:1@{tmp_path}/died")
    other.start()
    by_mail = subscribe(other, "email", "ann@acme.example")["subscription"]["subscription_id"]
    other.call("POST", f"/api/v1/subscriptions/{by_mail}/test", {})
    mail.wait_for(1)
    dead = wait_for(lambda: other.get("/api/v1/deliveries?state=dead")["deliveries"], 40, "a dead letter")[0]
    assert (tmp_path / "died").exists() and "Nobody knows" in dead["problem"]["detail"]
    assert len(mail.heard) == 1
    (tmp_path / "died").unlink()
    # A worker that was alive when the marker was made anew dies again.
    by_hook = subscribe(other, "webhook", hook(hooks))["subscription"]["subscription_id"]
    other.call("POST", f"/api/v1/subscriptions/{by_hook}/test", {})
    wait_for(lambda: other.get("/api/v1/deliveries?state=sent")["deliveries"], 40, "the webhook")
    assert (tmp_path / "died").exists()
    assert len(hooks.heard) == 2 and len({message["headers"]["webhook-id"] for message in hooks.heard}) == 1
    fences = [int(message["headers"]["weirhouse-fence"]) for message in hooks.heard]
    assert fences[0] < fences[1]


def test_data_that_is_late_and_fresh_again_is_told(house: House, hooks: Peer) -> None:
    subscribe(house, "webhook", hook(hooks), events=["late", "fresh"])
    made = house.call("PUT", "/api/v1/expectations", {"source": "shop", "table": "notes", "fresh_within_minutes": 360})
    assert (made["table"], made["is_late"]) == ("shop__notes", False)
    with house.metadata() as connection:
        connection.execute("UPDATE weir.landed_streams SET taken_at = taken_at - interval '7 hours'")
    hooks.wait_for(1)
    assert house.get("/api/v1/expectations")["expectations"][0]["is_late"]
    run_shop(house)
    hooks.wait_for(2)
    quiet(house)
    told = events(hooks)
    assert [event["type"] for event in told] == ["pipeline.late", "pipeline.fresh"]
    assert told[0]["data"]["title"] == "shop__notes of shop is late in dev"


def test_a_table_that_is_no_longer_cloned_does_not_make_its_pipeline_late(
    house: House, make_database: Callable[..., Database], hooks: Peer
) -> None:
    database = make_database("fading", "CREATE TABLE staying AS SELECT 1 AS id; CREATE TABLE leaving AS SELECT 1 AS id")
    house.clone(database.url, "--source", "fading")
    subscribe(house, "webhook", hook(hooks), source="fading", events=["late", "fresh"])
    house.call("PUT", "/api/v1/expectations", {"source": "fading", "fresh_within_minutes": 360})

    def clone(**more: Any) -> None:
        run = house.call("POST", "/api/v1/clones", {"source": "fading"} | more)["run_id"]
        assert house.wait_for_run(run)["run"]["state"] == "SUCCESS"

    def age(table: str) -> None:
        with house.metadata() as connection:
            connection.execute(
                "UPDATE weir.landed_streams SET taken_at = taken_at - interval '7 hours' WHERE raw_table = %s",
                [f"fading__{table}"])

    age("leaving")
    hooks.wait_for(1)
    database.execute("DROP TABLE leaving")
    # What a run of some tables did not carry is expected all the same.
    clone(tables=["staying"])
    with house.metadata() as connection:
        assert connection.execute(
            "SELECT weir.fresh_at(organization_id, environment, source, raw_table) < now() - interval '6 hours' "
            "FROM weir.expectations").fetchall() == [(True,)]
    clone()
    hooks.wait_for(2)
    age("staying")
    hooks.wait_for(3)
    assert [event["type"] for event in events(hooks)] == ["pipeline.late", "pipeline.fresh", "pipeline.late"]
    with house.metadata() as connection:
        known = connection.execute("SELECT raw_table FROM weir.landed_streams WHERE source = 'fading' ORDER BY 1")
        assert known.fetchall() == [("fading__leaving",), ("fading__staying",)]


BAD = [
    ({"channel": "webhook", "target": "http://10.1.2.3/hook"}, 403, "private"),
    ({"channel": "webhook", "target": "http://169.254.169.254/latest"}, 403, "metadata service"),
    ({"channel": "webhook", "target": "ftp://acme.example/"}, 400, ""),
    ({"channel": "webhook", "target": "http://user:secret@127.0.0.1/"}, 400, ""),
    ({"channel": "email", "target": "nobody"}, 400, "nobody"),
    ({"channel": "email", "target": "a@b.example\r\nBcc: c@d.example"}, 400, ""),
    ({"channel": "pigeon", "target": "coo"}, 400, ""),
    ({"channel": "email", "target": "ann@acme.example", "events": ["sunrise"]}, 400, ""),
    ({"channel": "email", "target": "ann@acme.example", "source": "nowhere"}, 404, "nowhere"),
]


@pytest.mark.parametrize("request_body, status, words", BAD)
def test_a_subscription_that_cannot_be_is_refused(
    house: House, request_body: dict[str, Any], status: int, words: str
) -> None:
    with pytest.raises(Refused) as refused:
        house.call("POST", "/api/v1/subscriptions", request_body)
    assert refused.value.status == status and words in str(refused.value), refused.value
    assert "secret@" not in str(refused.value)
    assert house.get("/api/v1/subscriptions")["subscriptions"] == []


def test_without_a_mail_server_or_leave_nothing_is_promised(shared_house: House) -> None:
    with pytest.raises(Refused, match="WEIR_SMTP_URL") as refused:
        subscribe(shared_house, "email", "ann@acme.example")
    assert refused.value.status == 422
    with pytest.raises(Refused, match="WEIR_ALLOW_PRIVATE_ADDRESSES") as refused:
        subscribe(shared_house, "webhook", "http://localhost:9/hook")
    assert refused.value.status == 403
