"""What observes Weirhouse in production, for tests: Debian's Prometheus, and a receiver of traces that keeps spans."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from house import House
from processes import wait_for

DOCS = Path(__file__).resolve().parents[2] / "docs"
RULES = DOCS / "observability" / "prometheus-rules.yml"


def address(house: House) -> str:
    return json.loads((house.folder / "server.json").read_text())["address"]


def get(url: str, seconds: float = 10, **headers: str) -> tuple[int, dict[str, str], str]:
    """Status, headers in lower case and body; without a token."""
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=seconds) as response:
            return response.status, {k.lower(): v for k, v in response.headers.items()}, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, {k.lower(): v for k, v in error.headers.items()}, error.read().decode()


def scrape(house: House) -> str:
    status, headers, text = get(f"{address(house)}/metrics")
    assert status == 200, text
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    return text


def families(text: str) -> dict[str, str]:
    """Name → type."""
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))


def value(text: str, series: str) -> float | None:
    """Of a series as it is written, such as `active_jobs` or `x{kind="load"}`."""
    found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else None


def names_in(expression: str) -> set[str]:
    """The metrics that an expression of ours reads; recorded ones (with a colon) are not among them."""
    plain = re.sub(r'"[^"]*"', "", expression)
    return set(re.findall(r"\b(?:weir_|process_|provisioning_|active_)\w+", plain)) | set(re.findall(r"\bup\b", plain))


def without_suffix(name: str, known: dict[str, str]) -> str:
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    return base if known.get(base) == "histogram" else name


class Prometheus:
    """Reads one house every half second, with our configuration and rules."""

    def __init__(self, house: House, folder: Path):
        self.port = _free_port()
        config = (DOCS / "observability" / "prometheus.yml").read_text()
        config = config.replace("127.0.0.1:8080", address(house).removeprefix("http://"))
        config = re.sub(r"(scrape|evaluation)_interval: 15s", r"\1_interval: 500ms", config)
        (folder / "prometheus.yml").write_text(config)
        (folder / RULES.name).write_text(RULES.read_text())
        self.log = folder / "prometheus.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb",
                 f"--web.listen-address=127.0.0.1:{self.port}"],
                stdout=log, stderr=log)

    def __enter__(self) -> "Prometheus":
        wait_for(lambda: get(f"http://127.0.0.1:{self.port}/-/ready")[0] == 200, 30, "Prometheus")
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(20)

    def ask(self, path: str, **fields: str) -> Any:
        status, _, body = get(f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(fields)}")
        assert status == 200, f"{fields}: {body}"
        return json.loads(body)["data"]

    def values(self, expression: str) -> list[float]:
        return [float(found["value"][1]) for found in self.ask("query", query=expression)["result"]]


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@dataclass
class Received:
    """A span and the resource that it came from."""

    span: Span
    resource: dict[str, Any]

    @property
    def part(self) -> str:
        return self.resource["weir.part"]

    @property
    def attributes(self) -> dict[str, Any]:
        return _values(self.span.attributes)


class Receiver:
    """OTLP/HTTP on a port of its own. `status` and `delay` can be changed while it runs."""

    def __init__(self) -> None:
        self.status = 200
        self.delay = 0.0
        self.requests = 0
        self._received: list[Received] = []
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver._take(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._closed = threading.Event()

    def __enter__(self) -> "Receiver":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def spans(self) -> list[Received]:
        with self._lock:
            return list(self._received)

    def of_trace(self, correlation: str) -> list[Received]:
        return [one for one in self.spans if one.span.trace_id.hex() == correlation.replace("-", "")]

    def _take(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["content-length"]))
        with self._lock:
            self.requests += 1
        if self.delay:
            self._closed.wait(self.delay)
        if self.status == 200:
            assert request.path == "/v1/traces" and request.headers["content-type"] == "application/x-protobuf"
            self._keep(ExportTraceServiceRequest.FromString(body))
        answer = ExportTraceServiceResponse().SerializeToString()
        try:
            request.send_response(self.status)
            request.send_header("content-type", "application/x-protobuf")
            request.send_header("content-length", str(len(answer)))
            request.end_headers()
            request.wfile.write(answer)
        except OSError:
            pass  # It has waited long enough.

    def _keep(self, message: ExportTraceServiceRequest) -> None:
        whole = message.ByteSize()
        message.DiscardUnknownFields()
        assert message.ByteSize() == whole, "a field that opentelemetry-proto does not know"
        with self._lock:
            for group in message.resource_spans:
                resource = _values(group.resource.attributes)
                for scope in group.scope_spans:
                    self._received += [Received(span, resource) for span in scope.spans]


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def log_objects(house: House) -> list[dict[str, Any]]:
    """All lines of a house that logs JSON, but for the two that `weir up` says to a person."""
    lines = house.log.read_text().splitlines()
    return [json.loads(line) for line in lines if not line.startswith(("Weirhouse is ready", "Sign in with"))]


def elapsed(work: Any) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began
