"""The benchmark's command line."""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .contestants import PEERS
from .environments import Environments
from .machine import machine, versions
from .measurements import Bench, Sizes
from .report import markdown
from .source import SourceServer
from .weirhouse import Weirhouse

REPOSITORY = Path(__file__).resolve().parent.parent.parent
NAMES = [Weirhouse.name, *(peer.name for peer in PEERS)]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="Benchmarks/run", description="Measures Weirhouse, other loaders and DuckDB's own speed on this machine.")
    parser.add_argument("--quick", action="store_true", help="50,000 rows and one round, to try the harness")
    parser.add_argument("--only", metavar="NAMES", default="",
                        help=f"comma-separated, of: {', '.join(NAMES)}; `dlt` means all of dlt-…")
    parser.add_argument("--memory", metavar="NAMES", default="",
                        help="whose peak memory is measured beside Weirhouse's; all that run if left out")
    parser.add_argument("--weir", type=Path, default=REPOSITORY / ".build" / "release" / "weir",
                        help="the binary (default: .build/release/weir)")
    options = parser.parse_args()
    options.names = chosen(options.only, parser)
    options.weighed = chosen(options.memory, parser)
    return options


def chosen(only: str, parser: argparse.ArgumentParser) -> list[str]:
    asked = [word for word in only.split(",") if word]
    for word in asked:
        if not any(matches(name, word) for name in NAMES):
            parser.error(f"there is no tool '{word}'; there are: {', '.join(NAMES)}")
    return [name for name in NAMES if not asked or any(matches(name, word) for word in asked)]


def matches(name: str, word: str) -> bool:
    return name == word or name.startswith(word + "-")


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def without_places(value: Any, places: list[tuple[str, str]]) -> Any:
    """The same tree, with this machine's folders and the source's address replaced by names."""
    if isinstance(value, dict):
        return {key: without_places(inner, places) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_places(inner, places) for inner in value]
    if isinstance(value, str):
        for place, name in places:
            value = value.replace(place, name)
        return value
    return value


def main() -> int:
    options = arguments()
    # An ordinary exit, so that everything that was started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    environments = Environments(REPOSITORY)
    # `tools` also holds the flights and the browser's driver.
    environments.prepare({"tools"} | {peer.section for peer in PEERS if peer.name in options.names}, say)
    source = SourceServer.from_environment()
    sizes = Sizes.quick() if options.quick else Sizes.full()
    binary = options.weir.resolve()
    with tempfile.TemporaryDirectory(prefix="weirhouse-bench.", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        bench = Bench(environments, source, binary, folder, options.names, sizes, say, options.weighed)
        bench.loading()
        bench.memory()
        bench.starts()
        document = {
            "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            "arguments": " ".join(sys.argv[1:]), "rounds": sizes.rounds, "seconds": round(time.monotonic() - began),
            "machine": machine(), "versions": versions(environments, source, binary, REPOSITORY), **bench.results}
    places = [(source.address.rpartition("/")[0], "$SOURCE"), (str(folder), "$WORK"), (f"{REPOSITORY}/", "")]
    return write(without_places(document, places), options)


def write(document: dict, options: argparse.Namespace) -> int:
    """Keeps raw results always; docs/benchmarks.md only from a whole run."""
    results = REPOSITORY / "Benchmarks" / "results"
    results.mkdir(exist_ok=True)
    stamp = re.sub(r"\D", "", document["date"])
    page = markdown(document)
    (results / f"{stamp}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    (results / f"{stamp}.md").write_text(page)
    say(f"raw results: Benchmarks/results/{stamp}.json and .md")
    if options.quick or options.only:
        say("docs/benchmarks.md is left as it is: this was not a whole run")
        return 0
    for dataset in document["loading"].values():
        if why := dataset["tools"][Weirhouse.name].get("error"):
            say(f"docs/benchmarks.md is left as it is: Weirhouse was not measured: {why}")
            return 1
    (REPOSITORY / "docs" / "benchmarks.md").write_text(page)
    say("written: docs/benchmarks.md")
    return 0


sys.exit(main())
