"""Twenty secrets in one full run, with much that goes wrong, in both forms of logs at the level that tells the most. None of
them is in a log, an answer, a dump of the metadata, a file that is not there to hold it, or in what a child process was
started with; not as it is, nor in any usual encoding."""
from __future__ import annotations

import base64
import os
import secrets as random_secrets
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg
import psycopg.sql
import pytest

import processes
from callers import Answer, Client, Registry
from databases import SHOP, Database
from house import House
from planted import Search
from processes import wait_for
from routes import Table, Things
from servers import PROGRAMS, free_port

pytestmark = pytest.mark.timeout(400)

ODD = "/#@:?&=%'\"\\ +é$;|<>"
# Files that are there to hold a secret (docs/set-up.md), with rights for their owner alone.
HOLDERS = ["token", "master.key", "postgres.owner.password", "postgres.app.password"]
OVER = ("SUCCESS", "FAILED", "RETRYABLE", "CANCELLED", "RESOLVED")


def made(odd: str = "") -> str:
    return f"Zq{random_secrets.token_hex(10)}{odd}"


class Watch:
    """Reads again and again what processes of a house were started with. Weirhouse's own have the operator's environment,
    others must have nothing of it."""

    def __init__(self, house: House, search: Callable[[], Search]):
        self.house, self.search = house, search
        self.found: set[tuple[str, str]] = set()
        self.seen: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            for pid in processes.of_folder(self.house.folder):
                line = processes.read(f"/proc/{pid}/cmdline")
                name = Path(os.fsdecode(line.split(b"\0")[0])).name
                self.seen.add(name)
                held = self.search().inside(line)
                if name != "weir":
                    held |= self.search().inside(processes.read(f"/proc/{pid}/environ"))
                self.found |= {(name, secret) for secret in held}


class Plant:
    """The house, what was planted in it, and every answer that it gave."""

    def __init__(self, house: House, postgres: str):
        self.house, self.postgres = house, postgres
        self.secrets: dict[str, bytes] = {}
        self.answers: list[tuple[str, str]] = []
        self.token = ""
        self._search = Search({})

    def add(self, name: str, secret: str | bytes) -> str:
        self.secrets[name] = secret.encode() if isinstance(secret, str) else secret
        self._search = Search(self.secrets)
        return secret if isinstance(secret, str) else ""

    def search(self) -> Search:
        return self._search

    def role(self, name: str, password: str) -> None:
        with psycopg.connect(self.postgres, autocommit=True) as connection:
            literal = psycopg.sql.Literal(password)
            connection.execute(psycopg.sql.SQL("DROP ROLE IF EXISTS {}").format(psycopg.sql.Identifier(name)))
            connection.execute(psycopg.sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                psycopg.sql.Identifier(name), literal))
            connection.execute(psycopg.sql.SQL("GRANT pg_read_all_data TO {}").format(psycopg.sql.Identifier(name)))

    def change_password(self, name: str, password: str) -> None:
        with psycopg.connect(self.postgres, autocommit=True) as connection:
            connection.execute(psycopg.sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                psycopg.sql.Identifier(name), psycopg.sql.Literal(password)))

    def call(self, method: str, path: str, body: object = None, keeps: bool = True, **more: object) -> Answer:
        """`keeps`: whether its answer is searched; not that of a call whose purpose it is to show a secret once."""
        answer = Client(self.house).call(method, f"/api/v1{path}", token=self.token, body=body, **more)
        if keeps:
            self.answers.append((f"{method} {path}", f"{answer.headers}\n{answer.body}"))
        return answer

    def run_of(self, answer: Answer) -> str:
        assert answer.status == 202, answer.body
        return answer.json["run_id"]

    def wait(self, run: str) -> str:
        return wait_for(lambda: (state := self.call("GET", f"/runs/{run}").json["run"]["state"]) in OVER and state, 120,
                        f"the run {run}")


def test_no_planted_secret_is_found_anywhere(
    make_house: Callable[..., House], make_database: Callable[..., Database], postgres: str
) -> None:
    source = make_database("planted", SHOP)
    house = make_house(WEIR_ALLOW_PRIVATE_ADDRESSES="127.0.0.1/32", WEIR_LOG="json", WEIR_LOG_LEVEL="debug")
    plant = Plant(house, postgres)
    dead = free_port()
    house.environment |= {
        "WEIR_SMTP_URL": f"smtp://mailer:{quote(plant.add('mail password', made(ODD)), safe='')}@127.0.0.1:{dead}"
                         "?from=weir@acme.example&starttls=never",
        "WEIR_METRICS_TOKEN": plant.add("metrics token", made()),
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{dead}",
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{plant.add('trace token', made())}",
    }
    with Watch(house, plant.search) as watch:
        house.start(wait=False)
        wait_for(lambda: (house.folder / "server.json").exists(), 60, "the server")
        house.wait_until_ready()
        hold_own_secrets(plant)
        first_half(plant, source, dead)
        hold_master_key(plant)
        assert house.stop() == 0
        # The same again as text.
        house.environment["WEIR_LOG"] = "text"
        house.start()
        second_half(plant, source)
        read_everything(plant)
        dump = dump_of(house)
        assert house.stop() == 0
    assert len(plant.secrets) >= 20, sorted(plant.secrets)
    assert {"python", "postgres"} <= watch.seen, f"these processes were seen: {watch.seen}"
    assert watch.found == set(), "a process was started with a secret"
    search = plant.search()
    assert search.inside(house.log.read_bytes()) == set(), "the log"
    for name, text in plant.answers:
        assert search.inside(text.encode()) == set(), f"the answer of {name}"
    assert search.inside(dump) == set(), "the dump of the metadata"
    holders = [house.folder / name for name in HOLDERS]
    found = [(str(path.relative_to(house.folder)), held) for path, held in search.files(house.folder, but=holders)]
    assert found == [], "files of the data folder"
    for holder in holders:
        assert holder.stat().st_mode & 0o077 == 0, f"{holder} can be read by others"


def test_the_search_finds_what_it_looks_for(tmp_path: Path) -> None:
    secret = made(ODD)
    search = Search({"it": secret.encode()})
    for form in (
            secret.encode(), quote(secret, safe="").encode(), secret.encode().hex().encode(),
            base64.b64encode(secret.encode()), base64.b64encode(b"user:" + secret.encode() + b"@host"),
            base64.urlsafe_b64encode(b"x" + secret.encode())):
        assert search.inside(b"before " + form + b" after") == {"it"}, form
    assert search.inside(b"nothing of it") == set()
    (tmp_path / "file").write_text(f"password={secret}")
    assert [held for _, held in search.files(tmp_path)] == [{"it"}]


def hold_own_secrets(plant: Plant) -> None:
    """Those that Weirhouse made for itself."""
    folder = plant.house.folder
    plant.token = plant.add("local token", (folder / "token").read_text().strip())
    for name in ("owner", "app"):
        plant.add(f"password of {name}", (folder / f"postgres.{name}.password").read_text().strip())


def hold_master_key(plant: Plant) -> None:
    """It is made with the first secret that is kept."""
    key = (plant.house.folder / "master.key").read_bytes()
    plant.add("master key", key.strip() or key)
    try:
        plant.add("master key's bytes", base64.b64decode(key.strip(), validate=True))
    except ValueError:
        pass  # it stands there as bytes


def first_half(plant: Plant, source: Database, dead: int) -> None:
    """Credentials of all kinds, a clone, what cannot be signed in to, messages that cannot be sent."""
    with plant.house.metadata() as connection:
        registry = Registry(connection)
        organization = registry.organization("acme")
        for name in ("owner", "viewer"):
            caller = registry.caller(organization, (name, "*"))
            plant.add(f"token of {name}", caller.token)
            plant.add(f"session of {name}", caller.session)
            assert Client(plant.house).call("GET", "/runs", session=caller.session).status == 200
            assert Client(plant.house).call("GET", "/api/v1/runs", token=caller.token).status == 200
    for name in ("used", "unused"):
        code = plant.add(f"{name} code", plant.call("POST", "/sign-in-codes", keeps=False).json["code"])
    page = Client(plant.house).call("POST", f"/sign-in/{plant.secrets['used code'].decode()}", form={})
    assert page.status == 303
    plant.add("session of a browser", page.headers["set-cookie"].partition("=")[2].partition(";")[0])
    assert Client(plant.house).call("GET", f"/sign-in/{code}").status == 200

    right, other = plant.add("source password", made(ODD)), plant.add("password for prod", made(ODD[::-1]))
    plant.role("planted_dev", right)
    plant.role("planted_prod", other)
    clone = {"url": address(source, "planted_dev", right), "source": "shop"}
    assert plant.wait(plant.run_of(plant.call("POST", "/clones", clone))) == "SUCCESS", plant.house.log_tail()
    wrong = plant.add("wrong password", made(ODD))
    for path, body in (
            ("/clones", {"url": address(source, "planted_dev", wrong), "source": "elsewhere"}),
            ("/sources/test", {"url": address(source, "planted_dev", wrong)}),
            ("/sources/test", {"url": f"postgresql://planted_dev:{wrong}@127.0.0.1:{dead}/none"})):
        assert plant.call("POST", path, body).status >= 400
    hook = plant.call(
        "POST", "/subscriptions", {"channel": "webhook", "target": f"http://127.0.0.1:{dead}/hook"}, keeps=False).json
    plant.add("webhook's secret", hook["signing_secret"])
    mail = plant.call("POST", "/subscriptions", {"channel": "email", "target": "ops@acme.example"})
    for subscription in (hook["subscription"], mail.json["subscription"]):
        said = plant.call("POST", f"/subscriptions/{subscription['subscription_id']}/test")
        assert said.status == 202, said.body
    wait_for(lambda: any(each["attempts"] for each in plant.call("GET", "/deliveries").json["deliveries"]), 60,
             "an attempt to deliver")
    for sql in ("SELECT * FROM nowhere", "SELECT 1 +", "ATTACH 'x'"):
        assert plant.call("POST", "/query", {"sql": sql}).status >= 400


def address(source: Database, user: str, password: str) -> str:
    place = source.url.rpartition("@")[2]
    return f"postgresql://{user}:{quote(password, safe='')}@{place}"


def second_half(plant: Plant, source: Database) -> None:
    """Schedules, a bucket, a worker that is killed, a password that is not right any more."""
    keys = {name: plant.add(name.replace("_", " "), made()) for name in (
        "access_key_id", "secret_access_key", "session_token")}
    plant.call("PUT", "/schedules/bucket", {
        "source": "shop", "credentials": keys,
        "trigger": {"kind": "file", "location": f"s3://bucket/in?endpoint=http://127.0.0.1:{free_port()}&addressing=path"}})
    made_it = plant.call("PUT", "/schedules/yearly", {
        "source": "shop", "trigger": {"kind": "cron", "expression": "0 0 1 1 *"}})
    assert made_it.status == 200, made_it.body
    prod = {"url": address(source, "planted_prod", plant.secrets["password for prod"].decode()), "source": "shop",
            "environment": "prod"}
    run = plant.run_of(plant.call("POST", "/clones", prod))
    wait_for(lambda: plant.call("GET", f"/runs/{run}").json["run"]["state"] == "RUNNING", 60, "its beginning")
    os.kill(plant.house.pid_of("work"), 9)
    assert plant.wait(run) == "SUCCESS", plant.house.log_tail()
    plant.change_password("planted_dev", plant.add("password after the change", made(ODD)))
    failed = plant.run_of(plant.call("POST", "/schedules/yearly/run"))
    assert plant.wait(failed) != "SUCCESS"


def read_everything(plant: Plant) -> None:
    """All that can be read, through the API and the console."""
    table, client = Table(plant.house), Client(plant.house)
    run = plant.call("GET", "/runs").json["runs"][0]["run_id"]
    session = plant.secrets["session of owner"].decode()
    dashboard = plant.call("GET", "/dashboards/shop").json
    subscription = plant.call("GET", "/subscriptions").json["subscriptions"][0]["subscription_id"]
    things = Things("dev", {
        "runs": run, "schedules": "yearly", "dashboards": "shop", "charts": dashboard["charts"][0]["id"], "tables": "RAW",
        "{schema}": "shop__orders", "subscriptions": subscription, "sources": "shop", "windows": "none",
        "maintenance-windows": "none", "expectations": "none", "assets": "0", "{hash}": "x", "sign-in": "none"})
    for route in table.routes:
        if route.method != "GET" or any(before not in things.values for _, before in route.captures):
            continue
        answer = table.call(client, route, things, **({"token": plant.token} if route.is_api else {"session": session}))
        assert answer.status < 500, f"{route}: {answer.status}"
        plant.answers.append((str(route), f"{answer.headers}\n{answer.body}"))
    for arguments in (("runs",), ("status",), ("schedules", "list"), ("notifications", "list"), ("workers",)):
        said = plant.house.weir(*arguments)
        plant.answers.append((f"weir {' '.join(arguments)}", said.out + said.err))


def dump_of(house: House) -> bytes:
    # By a file: the watch reads what every process was started with, this one too.
    passwords = house.home / "passwords"
    passwords.write_text(f"*:*:*:*:{(house.folder / 'postgres.owner.password').read_text().strip()}\n")
    passwords.chmod(0o600)
    done = subprocess.run(
        [PROGRAMS / "pg_dump", "--host", house.folder / "postgres", "--port", "5432", "--username", "weir_owner",
         "--inserts", "weirhouse"],
        env={**os.environ, "PGPASSFILE": str(passwords)}, capture_output=True, check=True, timeout=100)
    assert b"weir.runs" in done.stdout
    return done.stdout
