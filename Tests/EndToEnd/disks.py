"""Disks that are full."""
import errno
from pathlib import Path


def fill(disk: Path, leave: int = 0) -> Path:
    """A file that takes all that is left of a small disk, but for `leave` bytes."""
    path = disk / "ballast"
    with path.open("wb", buffering=0) as ballast:
        try:
            while ballast.write(b"\0" * 65536):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC
        ballast.truncate(max(0, ballast.tell() - leave))
    return path
