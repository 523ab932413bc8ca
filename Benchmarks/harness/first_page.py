"""From `weir up` to the first page, and what the home page costs in headless Chromium."""

from __future__ import annotations

import os
from pathlib import Path

from .contestants import JOBS, as_json
from .environments import Environments
from .processes import run
from .weirhouse import WeirServer


def start_times(binary: Path, folder: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds until /health/live and until the sign-in page answers 200, in a fresh data folder (with everything that
    is made once) and at the second start in the same folder."""
    times: dict[str, list[float]] = {}
    for number in range(rounds):
        data = folder / f"start{number}"
        for kind in ("first start", "second start"):
            server = WeirServer(binary, data)
            try:
                server.start()
                times.setdefault(f"{kind}, health", []).append(server.wait_for("/health/live"))
                # `/` leads somebody who is not signed in to the sign-in page.
                times.setdefault(f"{kind}, sign-in page", []).append(server.wait_for("/", "/sign-in"))
            finally:
                server.stop()
    return times


def home_page(server: WeirServer, environments: Environments, folder: Path, visits: int) -> dict:
    """The home page after sign-in, each time with an empty browser cache."""
    link = server.sign_in_link(folder / "sign-in-link")
    command = [environments.python("tools"), str(JOBS / "home_page.py"), link, str(visits)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    return as_json(run(command, environment=environment, log=folder / "home-page", limit=120))
