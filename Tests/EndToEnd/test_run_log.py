"""A run with a log too long for one answer: followed, read in pages and looked at in the console."""
import http.client
import json
import socket
import uuid
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import psycopg
import pytest

from house import House

pytestmark = pytest.mark.timeout(120)
LINES = 40_000
LENGTH = 2_000
WRITE = """
    INSERT INTO weir.log_lines (organization_id, run_id, job_kind, level, text)
    SELECT organization_id, run_id, 'extract', 'info', n || repeat('x', %s) FROM weir.runs, generate_series(%s::int, %s::int) n
    WHERE run_id = %s
"""


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    return make_module_house().start()


@pytest.fixture
def run(house: House) -> str:
    """A run that goes on without jobs, with its log."""
    run_id = str(uuid.uuid4())
    with house.metadata() as connection:
        connection.execute(
            """INSERT INTO weir.runs (run_id, organization_id, kind, environment, source, state)
               SELECT %s, organization_id, 'clone', 'dev', 'long', 'RUNNING' FROM weir.organizations""", [run_id])
        connection.execute(WRITE, [LENGTH, 1, LINES, run_id])
    return run_id


def end(house: House, run: str) -> None:
    with house.metadata() as connection:
        connection.execute("UPDATE weir.runs SET state = 'SUCCESS', finished_at = now() WHERE run_id = %s", [run])


def written(house: House, run: str) -> list[int]:
    with house.metadata() as connection:
        return [number for (number,) in connection.execute(
            "SELECT sequence FROM weir.log_lines WHERE run_id = %s ORDER BY sequence", [run])]


def most_memory(house: House) -> int:
    """The most that the server ever held, in MB."""
    with open(f"/proc/{house.pid_of('serve')}/status") as status:
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))


def begin(house: House, path: str) -> http.client.HTTPResponse:
    """A request whose answer is not read yet, with a small window for it."""
    address = urlsplit(json.loads((house.folder / "server.json").read_text())["address"])
    connection = http.client.HTTPConnection(address.hostname, address.port, timeout=60)
    connection.sock = socket.socket()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    connection.sock.settimeout(60)
    connection.sock.connect((address.hostname, address.port))
    connection.request("GET", path, headers={"Authorization": f"Bearer {(house.folder / 'token').read_text().strip()}"})
    return connection.getresponse()


def sequences(answer: http.client.HTTPResponse) -> Iterator[int]:
    for line in answer:
        if line.startswith(b"id: "):
            yield int(line[4:])


def test_slow_readers_get_every_line_and_cost_the_server_no_memory(house: House, run: str) -> None:
    house.request("/api/v1/runs")
    before = most_memory(house)
    # Read one after the other: while one is read, the log of the others, 80 MB each, waits in the database.
    readers = [begin(house, f"/api/v1/runs/{run}/events") for _ in range(4)]
    firsts = [next(sequences(reader)) for reader in readers]
    with house.metadata() as connection:
        connection.execute(WRITE, [LENGTH, LINES + 1, LINES + 100, run])
    end(house, run)
    expected = written(house, run)
    for first, reader in zip(firsts, readers):
        assert [first, *sequences(reader)] == expected
        reader.close()
    assert most_memory(house) - before < 120


def test_the_pages_of_the_api_leave_out_nothing(house: House, run: str) -> None:
    found: list[int] = []
    after: int | None = 0
    while after is not None:
        page = house.get(f"/api/v1/runs/{run}/logs?after={after}&limit=1000")
        assert 0 < len(page["lines"]) <= 1000
        found += [line["sequence"] for line in page["lines"]]
        after = page.get("next")
    assert found == written(house, run)


def test_no_line_appears_before_one_that_is_already_there(house: House, run: str) -> None:
    with house.metadata() as first, house.metadata() as second:
        with first.transaction():
            first.execute(WRITE, [1, 1, 1, run])
            second.execute("SET lock_timeout = '200ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                second.execute(WRITE, [1, 2, 2, run])
        second.execute(WRITE, [1, 2, 2, run])
