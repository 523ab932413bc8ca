"""What tests of the server's edge share: bytes on a socket, certificates of an authority of our own."""
import socket
import ssl
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


@dataclass
class Told:
    """One answer, as it came over the wire."""

    status: int
    fields: dict[str, list[str]] = field(default_factory=dict)
    body: str = ""

    def __getitem__(self, name: str) -> str:
        return ", ".join(self.fields.get(name.lower(), []))


def parse(raw: bytes) -> Told:
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    assert lines[0].startswith("HTTP/1.1 "), raw[:200]
    told = Told(int(lines[0].split()[1]), body=body.decode(errors="replace"))
    for line in lines[1:]:
        name, _, value = line.partition(":")
        told.fields.setdefault(name.lower(), []).append(value.strip())
    return told


def read_all(connection: socket.socket, seconds: float = 15) -> bytes:
    """Until the other end closes."""
    connection.settimeout(seconds)
    found = b""
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return found
        if not piece:
            return found
        found += piece


def read_one(connection: socket.socket, seconds: float = 15) -> Told:
    """One answer with a Content-Length; the connection stays open."""
    told, rest = read_rest(connection, b"", seconds)
    assert rest == b"", rest[:300]
    return told


def read_rest(connection: socket.socket, found: bytes, seconds: float = 15) -> tuple[Told, bytes]:
    """One answer with a Content-Length that begins with what was `found` already, and what came after it."""
    connection.settimeout(seconds)
    while b"\r\n\r\n" not in found:
        found += connection.recv(65536) or _broken(found)
    end = found.index(b"\r\n\r\n") + 4
    end += int(parse(found[:end])["content-length"] or 0)
    while len(found) < end:
        found += connection.recv(65536) or _broken(found)
    return parse(found[:end]), found[end:]


def _broken(found: bytes) -> bytes:
    raise AssertionError(f"the answer broke off: {found[:300]!r}")


def dial(address: str, context: ssl.SSLContext | None = None) -> socket.socket:
    split = urlsplit(address)
    connection = socket.create_connection(("127.0.0.1", split.port), timeout=15)
    return context.wrap_socket(connection, server_hostname=split.hostname) if context else connection


def say(address: str, *lines: str, body: bytes = b"", context: ssl.SSLContext | None = None) -> Told:
    """A request of exactly these lines, on a connection of its own."""
    with dial(address, context) as connection:
        connection.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)
        return parse(read_all(connection))


def get(address: str, path: str, *fields: str, host: str | None = None, context: ssl.SSLContext | None = None) -> Told:
    return say(address, f"GET {path} HTTP/1.1", f"Host: {host or urlsplit(address).netloc}", *fields, context=context)


class Authority:
    """Makes certificates."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.file = folder / "authority.pem"
        self._openssl(
            "req", "-x509", *self._key("authority"), "-subj", "/CN=Test authority", "-days", "30", "-out", self.file)

    def issue(self, name: str, *hosts: str, days: int = 30) -> tuple[Path, Path]:
        """A certificate and its key."""
        request, certificate = self.folder / f"{name}.csr", self.folder / f"{name}.pem"
        names = self.folder / f"{name}.ext"
        names.write_text("subjectAltName=" + ",".join(
            f"IP:{host}" if host[0].isdigit() else f"DNS:{host}" for host in hosts) + "\n")
        self._openssl("req", "-new", *self._key(name), "-subj", f"/CN={name}", "-out", request)
        self._openssl(
            "x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.folder / "authority.key", "-CAcreateserial",
            "-days", days, "-extfile", names, "-out", certificate)
        return certificate, self.folder / f"{name}.key"

    def expired(self, name: str, *hosts: str) -> tuple[Path, Path]:
        """One of yesterday."""
        certificate, key = self.issue(name, *hosts, days=1)
        index = self.folder / "index.txt"
        index.write_text("")
        (self.folder / "serial").write_text("1001\n")
        settings = self.folder / "ca.conf"
        settings.write_text(
            f"[ca]\ndefault_ca=own\n[own]\ndatabase={index}\nserial={self.folder}/serial\nnew_certs_dir={self.folder}\n"
            f"default_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n")
        self._openssl(
            "ca", "-batch", "-config", settings, "-cert", self.file, "-keyfile", self.folder / "authority.key", "-in",
            self.folder / f"{name}.csr", "-startdate", "20240101000000Z", "-enddate", "20240201000000Z", "-out",
            certificate, "-notext")
        return certificate, key

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.file))

    def _key(self, name: str) -> list[object]:
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                self.folder / f"{name}.key"]

    @staticmethod
    def _openssl(*arguments: object) -> None:
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
