"""Secrets through the real binary: replaced, revoked, sealed anew while jobs run, kept elsewhere, seen nowhere."""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import processes
from databases import SHOP, Database
from house import House, Refused
from peers import Peer
from processes import wait_for

pytestmark = pytest.mark.timeout(300)

SOURCE = "source/dev/shop"


def path_of(name: str) -> str:
    return f"/api/v1/secrets/{quote(name, safe='')}"


def names(house: House) -> dict[str, dict[str, Any]]:
    return {found["name"]: found for found in house.weir("secrets", "--json").json["secrets"]}


@pytest.fixture
def shop(make_database: Callable[..., Database], postgres: str) -> Iterator[Database]:
    """A source whose reader's password a test may change."""
    database = make_database("shop", SHOP)
    yield database


class Reader:
    """A role of the source's server, with a password of its own."""

    def __init__(self, database: Database):
        self.database = database
        self.name = f"reader_{os.getpid()}_{secrets.token_hex(4)}"
        self.password = ""
        database.execute(f"CREATE ROLE {self.name} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {self.name}")
        self.change(secrets.token_urlsafe(24))

    def change(self, password: str) -> None:
        quoted = password.replace("'", "''")
        self.database.execute(f"ALTER ROLE {self.name} PASSWORD '{quoted}'")
        self.password = password

    @property
    def url(self) -> str:
        return self.database.address(user=self.name, password=self.password)

    def drop(self) -> None:
        self.database.execute(f"DROP OWNED BY {self.name}; DROP ROLE {self.name}")


@pytest.fixture
def reader(shop: Database) -> Iterator[Reader]:
    reader = Reader(shop)
    yield reader
    reader.drop()


# Replaced and revoked


def test_a_password_is_replaced_only_by_one_that_works_and_is_never_shown(
    make_house: Callable[..., House], reader: Reader, tmp_path: Path
) -> None:
    house = make_house().start()
    house.clone(reader.url, "--source", "shop", "--tables", "customers")
    first = names(house)[SOURCE]
    assert first["version"] == 1 and first["changed_by"] == "admin" and first["kind"] == "source"
    assert [use["what"] for use in first["uses"]] == ["source shop in dev"]

    # A wrong one: said, and nothing is changed.
    wrong = house.weir("secrets", "put", SOURCE, "--password", stdin="no-such-password\n")
    assert wrong.status == 1 and "no-such-password" not in wrong.out + wrong.err, wrong
    assert names(house)[SOURCE]["version"] == 1

    # The source's password is changed there; the old one fails, the new one is put.
    old = reader.password
    reader.change(secrets.token_urlsafe(24) + "@:/?#'\"% ü")
    put = house.weir("secrets", "put", SOURCE, "--password", stdin=reader.password + "\n")
    assert put.status == 0, put
    assert names(house)[SOURCE]["version"] == 2
    done = house.weir("clone", "--source", "shop", "--tables", "customers", "--json")
    assert done.status == 0, done

    # A whole address, from a file.
    reader.change(secrets.token_urlsafe(24))
    file = tmp_path / "address"
    file.write_text(reader.url + "\n")
    assert house.weir("secrets", "put", SOURCE, "--file", str(file)).status == 0
    assert house.weir("clone", "--source", "shop", "--tables", "customers").status == 0

    for said in (house.weir("secrets"), house.weir("secrets", "--json"), house.weir("secrets", "status")):
        assert said.status == 0
        assert old not in said.out and reader.password not in said.out
    assert reader.password not in json.dumps(house.get(path_of(SOURCE)))


def test_a_revoked_secret_is_gone_after_it_was_said_what_stops(
    make_house: Callable[..., House], reader: Reader
) -> None:
    house = make_house().start()
    house.clone(reader.url, "--source", "shop", "--tables", "customers")
    house.call("PUT", "/api/v1/schedules/nightly", {
        "source": "shop", "trigger": {"kind": "cron", "expression": "0 6 * * *"}})
    # Nobody is there to be asked.
    asked = house.weir("secrets", "revoke", SOURCE)
    assert asked.status == 2 and "Schedules that clone it: nightly." in asked.out
    assert SOURCE in names(house)
    revoked = house.weir("secrets", "revoke", SOURCE, "--yes")
    assert revoked.status == 0 and "Schedules that clone it: nightly." in revoked.out
    assert SOURCE not in names(house)
    assert house.weir("secrets", "revoke", SOURCE, "--yes").status == 1
    again = house.weir("clone", "--source", "shop")
    assert again.status == 1 and "There is no source shop" in again.err, again
    run = house.call("POST", "/api/v1/schedules/nightly/run")["run_id"]
    detail = house.wait_for_run(run)
    assert detail["run"]["state"] == "RETRYABLE"
    # It comes back with an address.
    assert house.weir("secrets", "put", SOURCE, stdin=reader.url).status == 0
    house.call("POST", f"/api/v1/runs/{run}/retry", {})
    assert house.wait_for_run(run)["run"]["state"] == "SUCCESS"
    # What Weirhouse needs for itself stays.
    with pytest.raises(Refused) as refused:
        house.call("DELETE", path_of("warehouse/dev/lake-key"))
    assert refused.value.status == 403
    # What is not there is nobody's.
    for method, body in (("DELETE", None), ("PUT", {"value": "x"})):
        with pytest.raises(Refused) as refused:
            house.call(method, path_of("nobodys"), body)
        assert refused.value.status == 404


def test_a_subscription_that_cannot_be_leaves_no_secret_and_one_that_ends_takes_its_own_along(
    make_house: Callable[..., House]
) -> None:
    house = make_house(WEIR_ALLOW_PRIVATE_ADDRESSES="127.0.0.0/8").start()
    wanted = {"channel": "webhook", "target": "http://127.0.0.1:9/hook"}
    made = house.call("POST", "/api/v1/subscriptions", wanted)
    with pytest.raises(Refused) as refused:
        house.call("POST", "/api/v1/subscriptions", wanted)
    assert refused.value.status == 409
    name = f"webhook/{made['subscription']['subscription_id']}"
    assert list(names(house)) == [name]
    # The address of a webhook may be secret itself.
    assert names(house)[name]["uses"][0]["what"] == "webhook to http://127.0.0.1:9"
    house.call("DELETE", f"/api/v1/subscriptions/{made['subscription']['subscription_id']}")
    assert names(house) == {}
    with house.metadata() as connection:
        assert connection.execute("SELECT count(*) FROM weir.secret_changes").fetchone() == (0,)


# The master key


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


def test_the_master_key_is_changed_while_jobs_run_and_the_old_one_may_go(
    make_house: Callable[..., House], shop: Database
) -> None:
    house = make_house().start()
    house.clone(shop.url, "--source", "shop")
    file = house.folder / "master.key"
    keys = [file.read_bytes()]
    assert len(keys[0]) == 32
    stop = threading.Event()
    failures: list[str] = []
    clones = 0

    def clone() -> None:
        nonlocal clones
        while not stop.is_set():
            said = house.weir("clone", "--source", "shop", "--tables", "customers", "--json")
            if said.status != 0:
                failures.append(said.err)
            clones += 1

    thread = threading.Thread(target=clone)
    thread.start()
    try:
        for _ in range(3):
            keys.insert(0, secrets.token_bytes(32))
            passing = file.with_suffix(".new")
            passing.write_text("\n".join(encoded(key) for key in keys) + "\n")
            passing.chmod(0o600)
            passing.rename(file)
            seen = clones
            said = house.weir("secrets", "rotate-keys")
            assert said.status == 0, said
            assert "nothing hangs on it any more" in said.out and "Run this again" not in said.out, said.out
            wait_for(lambda: clones > seen + 1, 60, "clones under the new key")
    finally:
        stop.set()
        thread.join()
    assert failures == [] and clones >= 6
    # Only the newest key is left, and everything starts anew: nothing needs the others.
    file.write_text(encoded(keys[0]))
    house.kill()
    house.start()
    assert house.weir("clone", "--source", "shop", "--tables", "customers").status == 0
    status = house.weir("secrets", "status", "--json").json
    assert status["healthy"] and [key["seals"] for key in status["master_keys"]] == [True]
    # And without it nothing opens, in words.
    file.write_text(encoded(keys[-1]))
    lost = house.weir("secrets", "rotate-keys")
    assert lost.status == 1 and "is not here" in lost.out, lost


def test_an_interrupted_change_of_keys_is_finished_by_the_next(make_house: Callable[..., House]) -> None:
    house = make_house(WEIR_ALLOW_PRIVATE_ADDRESSES="127.0.0.0/8").start()
    for number in range(60):
        house.call("POST", "/api/v1/subscriptions", {"channel": "webhook", "target": f"http://127.0.0.1:9/{number}"})
    file = house.folder / "master.key"
    old, new = file.read_bytes(), secrets.token_bytes(32)
    file.write_text(f"{encoded(new)}\n{encoded(old)}\n")

    def sealed_anew() -> int:
        with house.metadata() as connection:
            row = connection.execute(
                "SELECT count(*) FROM weir.secrets s JOIN weir.data_keys d USING (data_key_id) WHERE d.retired_at IS NULL"
                " AND (SELECT count(*) FROM weir.data_keys) = 2").fetchone()
            return row[0] if row else 0

    # Ended by force in the middle, as often as it takes to hit it there.
    for _ in range(50):
        work = house.begin("secrets", "rotate-keys")
        while work.poll() is None and not 0 < sealed_anew() < 60:
            pass
        work.kill()
        work.wait()
        if 0 < sealed_anew() < 60:
            break
    else:
        pytest.fail("It was never hit in the middle.")
    with house.metadata() as connection:
        begun = connection.execute("SELECT data_key_id FROM weir.data_keys WHERE retired_at IS NULL").fetchone()
    said = house.weir("secrets", "rotate-keys")
    assert said.status == 0 and "60 secrets sealed anew" not in said.out, said.out
    with house.metadata() as connection:
        left = connection.execute("SELECT data_key_id FROM weir.data_keys").fetchall()
    assert left == [begun]
    file.write_text(encoded(new))
    assert len(names(house)) == 60
    assert house.weir("secrets", "status").status == 0


@pytest.mark.parametrize("way", ["variable", "file", "credentials"])
def test_the_master_key_may_come_from_elsewhere(
    make_house: Callable[..., House], shop: Database, tmp_path: Path, way: str
) -> None:
    key = encoded(secrets.token_bytes(32))
    (tmp_path / "weir-master-key").write_text(key)
    settings = {
        "variable": {"WEIR_MASTER_KEY": key}, "file": {"WEIR_MASTER_KEY_FILE": str(tmp_path / "weir-master-key")},
        "credentials": {"CREDENTIALS_DIRECTORY": str(tmp_path)},
    }[way]
    house = make_house(**settings).start()
    house.clone(shop.url, "--source", "shop", "--tables", "customers")
    assert not (house.folder / "master.key").exists()
    # What runs other people's SQL, and the database, do not see it.
    for part in ("engine", "postgres"):
        for pid, line in house.pids().items():
            if part in line:
                assert key.encode() not in processes.read(f"/proc/{pid}/environ"), line
    house.stop()
    house.environment.pop(next(iter(settings)))
    # Without it the secrets are lost, and it is said which key is missing.
    house.start()
    said = house.weir("clone", "--source", "shop")
    assert said.status == 1 and "master key" in said.err, said


# Elsewhere


def openbao(peer: Peer, method: str, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{peer.port}/v1/{path}", method=method, headers={"X-Vault-Token": "root"},
        data=None if body is None else json.dumps(body).encode())
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def test_secrets_move_to_openbao_as_they_are_used_and_a_sealed_one_is_waited_for(
    make_house: Callable[..., House], shop: Database
) -> None:
    house = make_house().start()
    house.clone(shop.url, "--source", "shop", "--tables", "customers")
    before = names(house)
    house.stop()
    bao = Peer("openbao.py")
    try:
        openbao(bao, "POST", "sys/auth/approle", {"type": "approle"})
        policy = 'path "secret/*" { capabilities = ["create", "read", "update", "delete", "list"] }'
        openbao(bao, "PUT", "sys/policies/acl/weirhouse", {"policy": policy})
        openbao(bao, "POST", "auth/approle/role/weirhouse", {"token_policies": "weirhouse"})
        role = openbao(bao, "GET", "auth/approle/role/weirhouse/role-id")["data"]["role_id"]
        secret = openbao(bao, "POST", "auth/approle/role/weirhouse/secret-id", {})["data"]["secret_id"]
        house.environment |= {
            "WEIR_SECRETS": f"openbao://127.0.0.1:{bao.port}/secret/weirhouse?tls=off",
            "WEIR_OPENBAO_ROLE_ID": role, "WEIR_OPENBAO_SECRET_ID": secret}
        house.start()
        assert set(names(house)) == set(before)
        assert house.weir("clone", "--source", "shop", "--tables", "customers").status == 0
        with house.metadata() as connection:
            left = connection.execute("SELECT name FROM weir.secrets").fetchall()
        assert left == []
        assert set(names(house)) == set(before)
        status = house.weir("secrets", "status")
        assert status.status == 0 and f"127.0.0.1:{bao.port}" in status.out
        # Sealed: a run that needs it waits, and goes on when it is there again.
        openbao(bao, "PUT", "sys/seal")
        assert house.weir("secrets", "status").status == 1
        assert "secrets" in {part["name"] for part in house.get("/api/v1/status")["parts"] if not part["healthy"]}
        refused = house.weir("clone", "--source", "shop")
        assert refused.status == 1 and "sealed" in refused.err, refused
        bao.process.stdin.write(json.dumps({"unseal": True}) + "\n")  # type: ignore[union-attr]
        bao.process.stdin.flush()  # type: ignore[union-attr]
        wait_for(lambda: house.weir("secrets", "status").status == 0, 30, "OpenBao unsealed")
        assert house.weir("clone", "--source", "shop", "--tables", "customers").status == 0
    finally:
        # Killed, it would leave its server behind.
        bao.end()


# Seen nowhere


def test_planted_secrets_are_in_no_log_answer_dump_file_or_list_of_processes(
    make_house: Callable[..., House], reader: Reader
) -> None:
    key = encoded(secrets.token_bytes(32))
    house = make_house(WEIR_MASTER_KEY=key, WEIR_ALLOW_PRIVATE_ADDRESSES="127.0.0.0/8")
    house.start()
    seen: list[str] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(0.05):
            seen.extend(house.pids().values())

    watcher = threading.Thread(target=watch)
    watcher.start()
    planted = {"password": reader.password, "master key": key}
    answers: list[str] = []
    try:
        said = house.weir(
            "clone", reader.url.replace(f":{quote(reader.password)}@", "@"), "--source", "shop", "--password-stdin",
            "--json", stdin=reader.password + "\n")
        assert said.status == 0, said
        made = house.call("POST", "/api/v1/subscriptions", {"channel": "webhook", "target": "http://127.0.0.1:9/x"})
        planted["signing secret"] = made["signing_secret"]
        house.call("POST", f"/api/v1/subscriptions/{made['subscription']['subscription_id']}/test")
        planted["second password"] = secrets.token_urlsafe(24)
        reader.change(planted["second password"])
        assert house.weir("secrets", "put", SOURCE, "--password", stdin=reader.password).status == 0
        failing = house.weir("secrets", "put", SOURCE, "--password", stdin=planted.setdefault(
            "wrong password", secrets.token_urlsafe(24)))
        assert failing.status == 1
        answers += [said.out, said.err, failing.out, failing.err]
        run = said.json["run_id"]
        for path in (
            "/api/v1/secrets", "/api/v1/secret-store", path_of(SOURCE), "/api/v1/runs", f"/api/v1/runs/{run}",
            f"/api/v1/runs/{run}/logs", "/api/v1/subscriptions", "/api/v1/deliveries", "/api/v1/status",
        ):
            answers.append(house.request(path).decode())
        assert house.weir("secrets", "rotate-keys").status == 0
    finally:
        stop.set()
        watcher.join()
    server = ["-h", str(house.folder / "postgres"), "-p", "5432", "-U", "weir_owner", "weirhouse"]
    dump = subprocess.run(
        ["pg_dump", *server], capture_output=True, check=True,
        env=os.environ | {"PGPASSWORD": (house.folder / "postgres.owner.password").read_text().strip()}).stdout
    assert b"data_keys" in dump
    house.stop()
    files = {
        str(path): path.read_bytes() for path in house.folder.rglob("*")
        if path.is_file() and "/postgres/" not in str(path)}
    files["the log"] = house.log.read_bytes()
    files["the database"] = dump
    files["answers"] = "\n".join(answers).encode()
    files["processes"] = "\n".join(seen).encode()
    assert len(seen) > 100
    for what, value in planted.items():
        forms = {value, quote(value, safe=""), encoded(value.encode()), value.encode().hex()}
        if what == "master key":
            forms |= {base64.b64decode(value).hex()}
        for form in forms:
            found = [name for name, content in files.items() if form.encode() in content]
            assert found == [], f"{what} in {found}"
