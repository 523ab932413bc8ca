"""The tools that are measured: how each is called, and how to see what it loaded."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .environments import DUCKDB_VERSION, Environments
from .processes import ANSI, Failure, Finished, MemoryWatch, run
from .source import Dataset, SourceServer

JOBS = Path(__file__).resolve().parent.parent / "jobs"


@dataclass(frozen=True)
class Measured:
    # The whole command, with the tool's own start.
    command_seconds: float
    # What the tool itself says that loading took; the command's time if it says nothing.
    load_seconds: float
    rows: int
    total: float
    command: str
    details: dict


class Contestant(Protocol):
    name: str
    title: str
    section: str | None

    def load(self, dataset: Dataset, folder: Path, limit: float, watch: MemoryWatch | None) -> Measured:
        """Loads the dataset into a fresh destination under `folder`, which is empty. Raises Failure."""


def same_facts(measured: Measured, rows: int, total: float) -> bool:
    # The sums are of numbers with two decimals or none; a tool may have stored them as binary floating point.
    return measured.rows == rows and abs(measured.total - total) <= 1e-9 * max(1.0, abs(total))


def as_json(finished: Finished) -> dict:
    lines = finished.stdout.strip().splitlines()
    if not lines:
        raise Failure("it printed no result")
    return json.loads(lines[-1])


class Peer:
    """What all tools but Weirhouse share: one command, then a look into the file it wrote."""

    name = title = section = ""
    # How facts.py finds the rows: kind, and the relation's name with {table} in it.
    kind, relation = "duckdb", '"main"."{table}"'
    target_name = "target.duckdb"

    def __init__(self, environments: Environments, source: SourceServer) -> None:
        self.environments = environments
        self.source = source

    def command(self, dataset: Dataset, target: Path) -> list[str]:
        raise NotImplementedError

    def variables(self, folder: Path) -> dict[str, str]:
        return {}

    def load_seconds(self, finished: Finished) -> float:
        return as_json(finished)["seconds"]

    def facts_target(self, dataset: Dataset, target: Path) -> tuple[str, str]:
        """Where facts.py looks, and the relation."""
        return str(target), self.relation.format(table=dataset.table)

    def load(self, dataset: Dataset, folder: Path, limit: float, watch: MemoryWatch | None) -> Measured:
        target = folder / self.target_name
        command = self.command(dataset, target)
        environment = self._environment(folder)
        finished = run(command, environment=environment, log=folder / "load", limit=limit, watch=watch)
        seen = self._facts(dataset, folder, target)
        variables = " ".join(f"{key}={value}" for key, value in self.variables(folder).items())
        shown = f"{variables} {' '.join(quoted(word) for word in command)}".strip()
        return Measured(finished.seconds, self.load_seconds(finished), seen["rows"], seen["sum"], shown, {})

    def _environment(self, folder: Path) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.environments.home(self.section)), "LANG": "C.UTF-8",
                "TMPDIR": str(folder), **self.variables(folder)}

    def _facts(self, dataset: Dataset, folder: Path, target: Path) -> dict:
        place, relation = self.facts_target(dataset, target)
        python = self.environments.python(self.section)
        command = [python, str(JOBS / "facts.py"), self.kind, place, relation, dataset.summed]
        return as_json(run(command, environment=self._environment(folder), log=folder / "facts", limit=300))


class Limit(Peer):
    name, title, section = "limit", "limit: DuckDB `CREATE TABLE … AS`", "tools"

    def command(self, dataset: Dataset, target: Path) -> list[str]:
        return [self.environments.python("tools"), str(JOBS / "duckdb_limit.py"), "table",
                self.source.url(dataset.name), dataset.table, str(target)]


class ParquetLimit(Limit):
    name, title = "limit-parquet", "limit: DuckDB `COPY … TO` Parquet"
    kind, target_name = "parquet", "target.parquet"

    def command(self, dataset: Dataset, target: Path) -> list[str]:
        words = super().command(dataset, target)
        return [*words[:2], "parquet", *words[3:]]

    def facts_target(self, dataset: Dataset, target: Path) -> tuple[str, str]:
        return str(target), f"'{target}'"


class Sling(Peer):
    name, title, section = "sling", "sling → DuckDB", "tools"

    def command(self, dataset: Dataset, target: Path) -> list[str]:
        packages = self.environments.packages("tools")
        return [str(packages / "sling_linux_amd64" / "bin" / "sling-linux-amd64"), "run",
                "--src-conn", self.source.url(dataset.name) + "?sslmode=disable",
                "--src-stream", f"public.{dataset.table}", "--tgt-conn", f"duckdb://{target}",
                "--tgt-object", f"main.{dataset.table}", "--mode", "full-refresh"]

    def variables(self, folder: Path) -> dict[str, str]:
        # Without these sling downloads a duckdb command and its extensions.
        return {"SLING_DISABLE_TELEMETRY": "true", "DUCKDB_USE_INSTALLED_EXTENSIONS": "true",
                "DUCKDB_VERSION": DUCKDB_VERSION,
                "DUCKDB_PATH": str(self.environments.packages("tools") / "duckdb_cli" / "duckdb")}

    def load_seconds(self, finished: Finished) -> float:
        # Sling says whole seconds only; a Go program starts at once, so the command's time is as good.
        return finished.seconds


class DltConnectorx(Peer):
    name, title, section = "dlt-connectorx", "dlt, connectorx → DuckDB", "dlt"
    backend, destination = "connectorx", "duckdb"
    relation = '"bench"."{table}"'

    def command(self, dataset: Dataset, target: Path) -> list[str]:
        return [self.environments.python("dlt"), str(JOBS / "dlt_load.py"), self.backend, self.destination,
                self.source.url(dataset.name), dataset.table, str(target)]

    def variables(self, folder: Path) -> dict[str, str]:
        return {"RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": str(folder / "dlt")}


class DltPyarrow(DltConnectorx):
    name, title, backend = "dlt-pyarrow", "dlt, pyarrow → DuckDB", "pyarrow"


class DltDuckLake(DltConnectorx):
    """The catalogue is a fresh database on the source's server."""

    name, title, destination = "dlt-ducklake", "dlt, connectorx → DuckLake", "ducklake"
    kind, relation, target_name = "ducklake", '"lake"."bench"."{table}"', "lake"

    def load(self, dataset: Dataset, folder: Path, limit: float, watch: MemoryWatch | None) -> Measured:
        self.source.create_database("bench_catalog")
        try:
            return super().load(dataset, folder, limit, watch)
        finally:
            self.source.drop_database("bench_catalog")

    def command(self, dataset: Dataset, target: Path) -> list[str]:
        return [*super().command(dataset, target), "--catalog", self.source.url("bench_catalog")]

    def facts_target(self, dataset: Dataset, target: Path) -> tuple[str, str]:
        return self.source.url("bench_catalog"), self.relation.format(table=dataset.table)


class Ingestr(Peer):
    name, title, section = "ingestr", "ingestr → DuckDB", "ingestr"

    def command(self, dataset: Dataset, target: Path) -> list[str]:
        return [str(self.environments.folder / "ingestr" / "bin" / "ingestr"), "ingest",
                "--source-uri", self.source.url(dataset.name), "--source-table", f"public.{dataset.table}",
                "--dest-uri", f"duckdb:///{target}", "--dest-table", f"main.{dataset.table}",
                "--pipelines-dir", str(target.parent / "pipelines"), "--progress", "log", "--yes"]

    def variables(self, folder: Path) -> dict[str, str]:
        return {"INGESTR_DISABLE_TELEMETRY": "true", "DISABLE_TELEMETRY": "true",
                "RUNTIME__DLTHUB_TELEMETRY": "false"}

    def load_seconds(self, finished: Finished) -> float:
        # "… in 1 minutes and 2.50 seconds" and the like.
        said = re.search(r"Successfully finished loading .* in (.+?seconds)", ANSI.sub("", finished.stdout))
        if not said:
            return finished.seconds
        minutes = re.search(r"([\d.]+) minutes?", said[1])
        seconds = re.search(r"([\d.]+) seconds", said[1])
        return 60 * float(minutes[1] if minutes else 0) + float(seconds[1])


def quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w./:=@%?,+-]+", word) else "'" + word.replace("'", "'\\''") + "'"


PEERS: list[type[Peer]] = [Limit, ParquetLimit, Sling, DltConnectorx, DltPyarrow, DltDuckLake, Ingestr]
