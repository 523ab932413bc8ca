"""OpenID providers that tests sign in at, each a process of its own on a free port."""
from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

from house import House
from peers import SCRIPTS
from processes import wait_for
from servers import free_port

PEERS = Path(__file__).resolve().parents[2] / ".venv-peers"


class Provider:
    """`provider.py`, or `canaille_provider.py` with Canaille's own Python: told what to do line by line."""

    def __init__(self, script: str, *arguments: str, python: str = sys.executable):
        self.process = subprocess.Popen(
            [python, "-B", str(SCRIPTS / script), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        self.started = self._line()
        self.issuer: str = self.started["issuer"]

    @classmethod
    def canaille(cls, house: House) -> Provider:
        return cls("canaille_provider.py", "weirhouse", "s3cret of the client", f"{house.address}/sign-in/callback/canaille",
                   f"{house.address}/sign-in", python=str(PEERS / "canaille" / "bin" / "python"))

    def _line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def tell(self, do: str, **order: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"do": do} | order) + "\n")
        self.process.stdin.flush()
        return self._line()

    def end(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Mock:
    """oidc-provider-mock: a third party's provider that names no key."""

    def __init__(self) -> None:
        port = free_port()
        self.issuer = f"http://127.0.0.1:{port}"
        claims = {"sub": "carol", "email": "carol@mock.example", "email_verified": True, "name": "Carol"}
        self.process = subprocess.Popen(
            [str(PEERS / "oidc-mock" / "bin" / "oidc-provider-mock"), "--port", str(port), "--require-nonce", "true",
             "--user-claims", json.dumps(claims)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self._answers, 20, "oidc-provider-mock")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.issuer}/.well-known/openid-configuration", timeout=2):
                return True
        except OSError:
            return False

    def end(self) -> None:
        self.process.terminate()
        self.process.wait(10)
