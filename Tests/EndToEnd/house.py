"""A Weirhouse of its own in a fresh data folder, driven through the real binary, the API and the metadata database."""
import json
import os
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

import processes
from processes import wait_for


@dataclass
class Said:
    """What a command said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        """Of standard error."""
        return [line for line in self.err.splitlines() if line.strip()]


class Refused(Exception):
    """An API's problem."""

    def __init__(self, status: int, problem: dict[str, Any]):
        super().__init__(f"{status} {problem.get('code')}: {problem.get('detail')} {problem.get('hint')}")
        self.status = status
        self.code = problem.get("code")
        self.detail = problem.get("detail", "")


class House:
    """One data folder and, while started, the `weir up` on it."""

    def __init__(self, binary: str, folder: Path | None = None, **environment: str):
        self.binary = binary
        # Sockets lie in the data folder: its path has to be short.
        self.home = Path(tempfile.mkdtemp(prefix="weir-e2e-", dir="/tmp"))
        self.folder = folder or self.home / "data"
        self.log = self.home / "up.log"
        self.environment = environment
        self.up: subprocess.Popen[bytes] | None = None

    # Processes

    def variables(self, **more: str) -> dict[str, str]:
        """The caller's environment without what would lead to another Weirhouse or a real source."""
        foreign = ("WEIR_", "PG", "DATABASE_URL")
        own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        own["WEIR_PYTHON_HOME"] = os.environ["WEIR_PYTHON_HOME"]
        return own | {"WEIR_DATA": str(self.folder)} | self.environment | more

    def start(self, wait: bool = True, **environment: str) -> "House":
        """Starts `weir up`; waits until its address is known."""
        assert self.up is None or self.up.poll() is not None, "it runs already"
        with self.log.open("ab") as log:
            self.up = subprocess.Popen(
                [self.binary, "up", "--port", "0"], env=self.variables(**environment), stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, start_new_session=True, cwd="/")
        if wait:
            self.wait_until_ready()
        return self

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            assert self.up is not None
            if self.up.poll() is not None:
                raise RuntimeError(f"weir up ended with {self.up.returncode}:\n{self.log_tail()}")
            self.get("/api/v1/runs?limit=1")
            return True

        wait_for(ready, 60, "the API of weir up")

    def stop(self, number: signal.Signals = signal.SIGINT, seconds: float = 30) -> int:
        """Ctrl-C; returns the exit status."""
        if self.up is None:
            return 0
        self.up.send_signal(number)
        return self.up.wait(seconds)

    def kill(self) -> None:
        """`kill -9` of every process of this house at one moment."""
        processes.kill_all(self.folder)
        if self.up is not None:
            self.up.wait(10)

    def pids(self) -> dict[int, str]:
        return {pid: processes.command(pid) for pid in processes.of_folder(self.folder)}

    def pid_of(self, part: str) -> int:
        """Of `serve`, `work` or `engine`."""
        def found() -> int:
            return next((pid for pid, line in self.pids().items() if line.split()[1:2] == [part]), 0)

        return wait_for(found, 20, f"weir {part}")

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    def log_tail(self, lines: int = 60) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    # Commands

    def weir(self, *arguments: str, seconds: float = 100, stdin: str = "", **environment: str) -> Said:
        done = subprocess.run(
            [self.binary, *arguments], env=self.variables(**environment), capture_output=True, timeout=seconds,
            input=stdin.encode(), check=False, cwd="/")
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A command in the background, its output kept for `communicate`."""
        return subprocess.Popen(
            [self.binary, *arguments], env=self.variables(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, cwd="/")

    def clone(self, url: str, *arguments: str, seconds: float = 100) -> dict[str, Any]:
        """A clone that must go well; what `--json` prints."""
        said = self.weir("clone", url, "--json", *arguments, seconds=seconds)
        assert said.status == 0, f"{said.err}\n{said.out}\n{self.log_tail()}"
        return said.json

    def clone_detached(self, url: str, *arguments: str) -> str:
        """Starts a clone; the run's id."""
        said = self.weir("clone", url, "--detach", "--json", *arguments)
        assert said.status == 0, said.err
        return said.json["run_id"]

    # API

    @property
    def address(self) -> str:
        return json.loads((self.folder / "server.json").read_text())["address"]

    def request(self, path: str, body: Any = None, seconds: float = 60, method: str | None = None) -> bytes:
        token = (self.folder / "token").read_text().strip()
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.address + path, data,
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=seconds) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            text = error.read()
            try:
                raise Refused(error.code, json.loads(text)) from None
            except json.JSONDecodeError:
                raise Refused(error.code, {"detail": text.decode(errors="replace")}) from None

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Any request of the API; None for an answer without a body."""
        text = self.request(path, body, method=method)
        return json.loads(text) if text else None

    def get(self, path: str) -> Any:
        return json.loads(self.request(path))

    def query(self, sql: str, environment: str = "dev") -> list[list[Any]]:
        """Rows of a SELECT over the warehouse, through the API."""
        return json.loads(self.request("/api/v1/query", {"sql": sql, "environment": environment}))["rows"]

    def run(self, run_id: str) -> dict[str, Any]:
        return self.get(f"/api/v1/runs/{run_id}")

    def wait_for_run(self, run_id: str, seconds: float = 90) -> dict[str, Any]:
        """The run's detail when it is over, however it ended."""
        def over() -> dict[str, Any] | None:
            detail = self.run(run_id)
            return detail if detail["run"]["state"] in ("SUCCESS", "FAILED", "RETRYABLE", "RESOLVED", "CANCELLED") else None

        return wait_for(over, seconds, f"the end of run {run_id}")

    # Behind the scenes

    def metadata(self) -> psycopg.Connection:
        """The private cluster, as its owner."""
        return psycopg.connect(
            host=str(self.folder / "postgres"), port=5432, dbname="weirhouse", user="weir_owner",
            password=(self.folder / "postgres.owner.password").read_text().strip(), autocommit=True)

    def catalogue(self, sql: str, place: str = "acme_dev") -> list[tuple[Any, ...]]:
        """Rows from a warehouse's DuckLake catalogue."""
        with self.metadata() as connection:
            connection.execute(f"SET search_path = lake_{place}")
            return connection.execute(sql).fetchall()
