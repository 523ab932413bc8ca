"""The files of the repository and how the checks report on them."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def files(*folders: str) -> list[str]:
    """Paths, relative to the root, that are tracked or would be with the next `git add`; only text."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *folders],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return sorted(path for path in listed.split("\0") if path and is_text(ROOT / path))


def is_text(path: pathlib.Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return b"\0" not in file.read(4096)


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def report(violations: list[str]) -> None:
    """Prints one line each and ends the process, in success if there are none."""
    for violation in violations:
        print(violation)
    sys.exit(1 if violations else 0)
