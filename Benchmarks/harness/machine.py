"""What was measured on, and with which versions."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from .environments import Environments
from .source import SourceServer


def machine() -> dict[str, str]:
    memory = int(field("/proc/meminfo", "MemTotal").split()[0]) * 1024
    return {
        "processor": field("/proc/cpuinfo", "model name"),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory / 2**30:.1f} GiB",
        "kernel": platform.release(),
        "system": field("/etc/os-release", "PRETTY_NAME", "=").strip('"'),
    }


def versions(environments: Environments, source: SourceServer, binary: Path, repository: Path) -> dict[str, str]:
    of = environments.version
    return {
        "Weirhouse": f"{said([str(binary), 'version'])} (commit {commit(repository)})",
        "PostgreSQL (source)": source.version(),
        "DuckDB (limit, dlt, sling)": of("tools", "duckdb"),
        "sling": of("tools", "sling-linux-amd64"),
        "dlt": f"{of('dlt', 'dlt')} (connectorx {of('dlt', 'connectorx')}, pyarrow {of('dlt', 'pyarrow')})",
        "ingestr": f"{of('ingestr', 'ingestr')} (its own dlt {of('ingestr', 'dlt')}, "
                   f"DuckDB {of('ingestr', 'duckdb')})",
        "Chromium": said(["/usr/bin/chromium", "--version"]),
        "Python": platform.python_version(),
    }


def commit(repository: Path) -> str:
    git = ["git", "-C", str(repository)]
    changed = said([*git, "status", "--porcelain", "--untracked-files=no"])
    return said([*git, "rev-parse", "--short", "HEAD"]) + (", with changes" if changed not in ("", "unknown") else "")


def said(command: list[str]) -> str:
    """The first line a command prints."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return (done.stdout.strip().splitlines() or [""])[0]


def field(path: str, name: str, separator: str = ":") -> str:
    for line in Path(path).read_text().splitlines():
        key, found, value = line.partition(separator)
        if found and key.strip() == name:
            return value.strip()
    return "unknown"
