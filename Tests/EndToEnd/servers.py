"""PostgreSQL servers of a test's own, to be broken; scripts/with-postgres does the same for the one that all share."""
import contextlib
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
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


class Flood:
    """A server that speaks PostgreSQL's protocol (documentation, chapter 55) and never comes to an end: with its settings
    while somebody signs in, or with what it answers to the first statement, in rows, in one huge value, in notices, or in
    a COPY that nobody asked for."""

    MODES = ("settings", "rows", "value", "notices", "copy")

    def __init__(self, mode: str):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._mode = mode
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"postgresql://somebody@127.0.0.1:{self._listener.getsockname()[1]}/flood?sslmode=disable"

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    @staticmethod
    def _message(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("!i", len(body) + 4) + body

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.recv(4096)
            connection.sendall(self._message(b"R", bytes(4)))
            number = 0
            while self._mode == "settings":
                number += 1
                connection.sendall(self._message(b"S", b"setting_%d\0%s\0" % (number, b"x" * 20_000)))
            connection.sendall(self._message(b"Z", b"I"))
            connection.recv(4096)
            name = b"server_version\0" + struct.pack("!ihihih", 0, 0, 25, -1, -1, 0)
            connection.sendall(
                self._message(b"1", b"") + self._message(b"2", b"") + self._message(b"T", struct.pack("!h", 1) + name))
            value = b"x" * 20_000
            row = self._message(b"D", struct.pack("!hi", 1, len(value)) + value)
            notice = self._message(b"N", b"SNOTICE\0M" + value + b"\0\0")
            if self._mode == "copy":
                connection.sendall(self._message(b"H", struct.pack("!bh", 0, 0)))
                connection.recv(4096)
                return
            if self._mode == "value":
                connection.sendall(b"D" + struct.pack("!ihi", 1 << 30, 1, (1 << 30) - 10))
            while True:
                connection.sendall(notice if self._mode == "notices" else row if self._mode == "rows" else value)
