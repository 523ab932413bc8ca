"""A wall clock of a process's own, which a test sets while the process runs (Tests/Kits/WallClock)."""
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "Kits" / "WallClock" / "wall_clock.c"
DAY = 86_400


class Clock:
    """Goes right until it is `set`."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="weir-clock-", dir="/tmp"))
        self._library = self._folder / "wall_clock.so"
        self._offset = self._folder / "offset"
        # With the compiler that comes with Swift.
        subprocess.run(["clang", "-shared", "-fPIC", "-O1", "-o", self._library, SOURCE], check=True)
        self.set(0)
        # The user postgres reads it too.
        self._folder.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """For processes that are to go by it."""
        return {"LD_PRELOAD": str(self._library), "WEIR_TEST_CLOCK": str(self._offset)}

    def set(self, seconds: int) -> None:
        """So far from what is right; in one write, in place: the processes have the file mapped."""
        file = os.open(self._offset, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.write(file, struct.pack("=q", seconds))
        finally:
            os.close(file)

    def remove(self) -> None:
        shutil.rmtree(self._folder)
