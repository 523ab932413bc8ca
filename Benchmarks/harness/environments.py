"""The peers' Python environments, one per section of requirements/bench.txt."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

DUCKDB_VERSION = "1.5.5"
EXTENSIONS = {"tools": ["httpfs", "postgres_scanner"], "dlt": ["ducklake", "postgres_scanner"], "ingestr": []}


class Environments:
    """`.venv-bench/<section>`, each made once and again when its pins change."""

    def __init__(self, repository: Path) -> None:
        self.folder = repository / ".venv-bench"
        self.sections = read_sections(repository / "requirements" / "bench.txt")

    def prepare(self, names: set[str], say) -> None:
        self.folder.mkdir(exist_ok=True)
        (self.folder / ".gitignore").write_text("*\n")
        for name in sorted(names):
            self._prepare(name, say)

    def python(self, name: str) -> str:
        return str(self.folder / name / "bin" / "python")

    def packages(self, name: str) -> Path:
        return self.folder / name / "lib" / "python3.11" / "site-packages"

    def home(self, name: str) -> Path:
        """A home folder of its own, where the DuckDB of this environment finds its extensions."""
        return self.folder / name / "home"

    def version(self, section: str, package: str) -> str:
        for line in self.sections[section]:
            if line.startswith(package + "=="):
                return line.partition("==")[2]
        return "unknown"

    def _prepare(self, name: str, say) -> None:
        pins = "\n".join(self.sections[name]) + "\n"
        stamp = self.folder / name / "made-from"
        digest = hashlib.sha256(pins.encode()).hexdigest()
        if stamp.exists() and stamp.read_text() == digest:
            return
        say(f"installing the {name} environment ({len(self.sections[name])} packages)")
        shutil.rmtree(self.folder / name, ignore_errors=True)
        subprocess.run(["/usr/bin/python3", "-m", "venv", str(self.folder / name)], check=True)
        pinned = self.folder / name / "requirements.txt"
        pinned.write_text(pins)
        subprocess.run(
            [self.python(name), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--requirement", str(pinned)],
            check=True, stderr=subprocess.DEVNULL)
        self._place_extensions(name)
        stamp.write_text(digest)

    def _place_extensions(self, name: str) -> None:
        target = self.home(name) / ".duckdb" / "extensions" / f"v{DUCKDB_VERSION}" / "linux_amd64"
        target.mkdir(parents=True)
        for extension in EXTENSIONS.get(name, []):
            found = (self.packages(name) / f"duckdb_extension_{extension}").rglob(f"{extension}.duckdb_extension")
            shutil.copy(next(found), target)


def read_sections(path: Path) -> dict[str, list[str]]:
    """Lines by section; a section starts with a comment `# [name]`."""
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in path.read_text().splitlines():
        heading = re.match(r"# \[(\w+)\]", line)
        if heading:
            current = sections.setdefault(heading[1], [])
        elif current is not None and line and not line.startswith("#"):
            current.append(line)
    return sections
