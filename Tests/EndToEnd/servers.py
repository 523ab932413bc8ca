"""PostgreSQL servers of a test's own, to be broken; scripts/with-postgres does the same for the one that all share."""
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import psycopg

PROGRAMS = Path("/usr/lib/postgresql/15/bin")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One cluster. Its settings are PostgreSQL's own if none are given: what was committed is on disk, whatever
    happens. Signing in needs no password."""

    owner = "owner"

    def __init__(self, folder: Path | None = None, environment: dict[str, str] | None = None, **settings: object):
        """`folder`: an empty one that the user postgres can reach; otherwise one of the server's own.
        `environment`: of the server's processes, beside the test's."""
        self._is_own = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix="weir-e2e-server-", dir="/tmp"))
        self.port = free_port()
        self.settings = settings
        self.environment = environment or {}
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._call("initdb", "-D", self.data, "-U", self.owner, "-A", "trust", "--no-sync", "-E", "UTF8")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        return self.address()

    def address(self, user: str = owner, database: str = "postgres", port: int | None = None) -> str:
        return f"postgresql://{user}@127.0.0.1:{port or self.port}/{database}"

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True, connect_timeout=10)

    def rows(self, sql: str) -> list[tuple]:
        with self.connect() as connection:
            return connection.execute(sql).fetchall()  # type: ignore[call-overload]

    def execute(self, sql: str) -> None:
        with self.connect() as connection:
            connection.execute(sql)  # type: ignore[call-overload]

    def _call(self, program: str, *arguments: object) -> None:
        user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
        subprocess.run(
            [PROGRAMS / program, *map(str, arguments)], check=True, cwd="/", stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env=os.environ | self.environment, **user)  # type: ignore[call-overload]

    def _options(self) -> str:
        settings = {
            "listen_addresses": "127.0.0.1", "unix_socket_directories": "", **self.settings}
        return f"-p {self.port} " + " ".join(f"-c {name}={value}" for name, value in settings.items())

    def start(self) -> str:
        """The address of its owner."""
        self._call("pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "-o", self._options(), "start")
        return self.url

    def stop(self, mode: str = "immediate") -> None:
        """`immediate` is as a crash of all its processes, `fast` ends sessions first."""
        self._call("pg_ctl", "-D", self.data, "-w", "-m", mode, "stop")

    def restart(self, mode: str) -> None:
        self._call(
            "pg_ctl", "-D", self.data, "-w", "-l", self.folder / "log", "-m", mode, "-o", self._options(), "restart")

    def answers(self) -> bool:
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def log_tail(self, lines: int = 30) -> str:
        return "\n".join((self.folder / "log").read_text(errors="replace").splitlines()[-lines:])

    def remove(self) -> None:
        try:
            self.stop()
        except subprocess.CalledProcessError:
            pass  # it is stopped
        shutil.rmtree(self.data, ignore_errors=True)
        if self._is_own:
            shutil.rmtree(self.folder, ignore_errors=True)
