"""A person's query that never ends or takes all memory: it is stopped, and all else goes on meanwhile."""
import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from typing import Any

import pytest

import lake
from databases import Database
from house import House, Refused
from processes import wait_for

# The engine lets a query run for 60 s, which no setting shortens.
LIMIT = 60
pytestmark = pytest.mark.timeout(LIMIT + 180)

# They take time alone.
ENDLESS = [
    "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
    "SELECT count(*) FROM range(1000000) a(i), range(1000000) b(i) WHERE hash(a.i, b.i) = 1",
]
# They take memory, within a second or two.
MEMORY = [
    "SELECT list(i) FROM range(100000000000) t(i)",
    "SELECT string_agg(repeat('x', 1000), '') FROM range(100000000000)",
    "SELECT length(repeat('x', 4000000000))",
]
# They take both: which limit they meet first depends on the machine.
BOTH = [
    "SELECT count(DISTINCT a.range * 1000003 + b.range) FROM range(100000) a, range(100000) b",
    "SELECT count(*) FROM range(1e12::bigint) a, range(1e12::bigint) b",
    "SELECT a.i, b.i, hash(a.i, b.i) AS h FROM range(100000) a(i), range(100000) b(i) ORDER BY h",
]
TOO_LONG = "The query took longer than 60 s and was stopped."
TOO_LARGE = "The query needs more memory than the 512 MB that it may use."
# An allocation that DuckDB does not count ends the engine, which starts again by itself.
STOPPED = "The query engine stopped while it worked on the query; it starts again by itself."
# Said to those in line when one before them has left the engine with too little memory.
ANEW = "The query engine is about to start anew."


@pytest.fixture
def house(make_house: Callable[..., House], shop: Database) -> House:
    """With a shop in `dev`."""
    house = make_house().start()
    house.clone(shop.url, "--source", "shop")
    return house


class Visitor:
    """Asks for the home page, as a person who is signed in, and for the API's health again and again; keeps how long
    each answer took and what was wrong with it."""

    def __init__(self, house: House):
        self.seconds: list[float] = []
        self.faults: list[str] = []
        self._house = house
        self._home = json.loads((house.folder / "server.json").read_text())["address"]
        self._browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        link = house.weir("sign-in-link").out.strip()
        self._browser.open(urllib.request.Request(link, b"", {"Origin": self._home}), timeout=20).read()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._visit, daemon=True)

    def __enter__(self) -> "Visitor":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        self._thread.join(60)

    def look(self) -> None:
        """One round; adds to `seconds` and `faults`."""
        for name, ask in {"home": self._page, "live": self._live, "status": self._status}.items():
            began = time.monotonic()
            try:
                fault = ask()
            except OSError as error:
                fault = repr(error)
            self.seconds.append(time.monotonic() - began)
            if fault:
                self.faults.append(f"{name}: {fault}")

    def _visit(self) -> None:
        while not self._ends.is_set():
            self.look()
            self._ends.wait(0.1)

    def _page(self) -> str:
        with self._browser.open(self._home + "/", timeout=20) as response:
            text = response.read().decode()
            is_home = response.url == self._home + "/" and "shop" in text and "</html>" in text
            return "" if is_home else f"{response.url}: {text[:300]}"

    def _live(self) -> str:
        with urllib.request.urlopen(self._home + "/health/live", timeout=20) as response:
            return "" if response.status == 200 else str(response.status)

    def _status(self) -> str:
        """All parts but the engine itself, which may be starting again."""
        parts = self._house.get("/api/v1/status")["parts"]
        ill = [part for part in parts if not part["healthy"] and part["name"] != "query engine"]
        return ", ".join(f"{part['name']}: {part['detail']}" for part in ill)


def running(house: House) -> int:
    """Queries that the engine works on."""
    for part in house.get("/api/v1/status")["parts"]:
        if part["name"] == "query engine":
            words = part["detail"].replace(",", "").split()
            return int(words[words.index("running") - 1])
    raise LookupError("no engine in the status")


def one_problem(bomb: "subprocess.Popen[bytes]", *expected: str, seconds: float = LIMIT + 30) -> str:
    """It failed with one clear line, one of these, and printed nothing as if it were a result."""
    out, err = bomb.communicate(timeout=seconds)
    lines = [line for line in err.decode().splitlines() if line.strip()]
    assert bomb.returncode == 1, err
    assert out == b"", out
    assert len(lines) == 1, lines
    assert any(lines[0].startswith(f"weir: {words}") for words in expected), lines
    return lines[0]


def asked_again(house: House, sql: str) -> list[list[Any]]:
    """The rows, also of an engine that starts anew after a bomb: it may refuse meanwhile, in its own words alone."""
    def answer() -> list[list[Any]]:
        try:
            return house.query(sql)
        except Refused as refused:
            if refused.code != "engine_unavailable":
                raise
            return []

    return wait_for(answer, 20, "an engine that answers")


@pytest.fixture
def begin(house: House) -> Iterator[Callable[[str], "subprocess.Popen[bytes]"]]:
    """Starts queries whose processes are gone with the test."""
    begun: list[subprocess.Popen[bytes]] = []

    def start(sql: str, *options: str) -> "subprocess.Popen[bytes]":
        begun.append(house.begin("query", sql, *options))
        return begun[-1]

    yield start
    for process in begun:
        if process.poll() is None:
            process.kill()
            process.wait(10)


def test_a_clone_and_the_console_go_on_while_queries_never_end(
    house: House, shop: Database, begin: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    with Visitor(house) as visitor:
        bombs = [begin(sql) for sql in ENDLESS]
        wait_for(lambda: running(house) == len(bombs), 20, "queries that run")
        result = house.clone(shop.url, "--source", "meanwhile")
        # Not after they had ended: beside them.
        assert [bomb.poll() for bomb in bombs] == [None, None]
        assert {stream["name"]: stream["loaded_rows"] for stream in result["streams"] if stream["verified"]} == {
            "public.customers": 200, "public.orders": 3000, "public.notes": 50}
        assert result["models"]["tests_failed"] == 0
        # More than may run at once: they stand in line behind the others, and are answered too.
        late = [begin(sql) for sql in BOTH + MEMORY[:2]]
        for bomb in bombs:
            one_problem(bomb, TOO_LONG)
        for bomb in late:
            one_problem(bomb, TOO_LONG, TOO_LARGE, STOPPED, ANEW)
    assert visitor.faults == []
    assert len(visitor.seconds) > 100 and max(visitor.seconds) < 5, max(visitor.seconds)
    assert asked_again(house, "SELECT count(*), sum(total) FROM RAW.meanwhile__orders") == [[3000, "5626875.00"]]
    assert lake.faults(house) == []


def test_a_clone_and_the_console_go_on_while_queries_eat_all_memory(
    house: House, shop: Database, begin: Callable[..., "subprocess.Popen[bytes]"]
) -> None:
    others = {pid for pid in house.pids() if pid != house.pid_of("engine")}
    with Visitor(house) as visitor:
        clone = house.begin("clone", shop.url, "--source", "meanwhile", "--json")
        rounds = 0
        # One after another without a pause for as long as the clone runs, and each at least once.
        while clone.poll() is None or rounds < len(MEMORY):
            one_problem(begin(MEMORY[rounds % len(MEMORY)]), TOO_LARGE, STOPPED)
            rounds += 1
        out, err = clone.communicate(timeout=100)
    assert clone.returncode == 0, err.decode()
    result = json.loads(out)
    assert [stream["verified"] for stream in result["streams"]] == [True, True, True], result
    assert result["models"]["tests_failed"] == 0
    assert visitor.faults == []
    assert max(visitor.seconds) < 5, max(visitor.seconds)
    # Server, worker and PostgreSQL are those from before, and queries are answered again.
    assert others & set(house.pids()) >= {house.pid_of("serve"), house.pid_of("work")}
    assert asked_again(house, "SELECT count(*), sum(total) FROM RAW.meanwhile__orders") == [[3000, "5626875.00"]]
    assert lake.faults(house) == []
