"""schemathesis, which nobody here wrote, tries the API by its own OpenAPI document: data that fits it and data that does
not, and requests in the order that answers suggest. Every answer must be one that the document tells of.

WEIR_FUZZ_SECONDS says for how long; `make fuzz-api` takes an hour.
"""
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from databases import Database
from house import House

SECONDS = int(os.environ.get("WEIR_FUZZ_SECONDS", "90"))
# One seed for the gate, so that it fails for what was changed; long runs take another each time.
SEED = int(os.environ.get("WEIR_FUZZ_SEED", "20261125" if SECONDS <= 120 else str(random.randrange(2**31))))


@pytest.mark.timeout(SECONDS + 240)
def test_every_answer_is_one_that_the_document_tells_of(
    make_house: Callable[..., House], shop: Database, artefacts: Path
) -> None:
    house = make_house(WEIR_ALLOW_PRIVATE_ADDRESSES="127.0.0.1/32").start()
    house.clone(shop.url, "--source", "shop")
    address = json.loads((house.folder / "server.json").read_text())["address"]
    token = (house.folder / "token").read_text().strip()
    who, members = house.get("/api/v1/account"), house.get("/api/v1/members")["members"]
    own = {
        "WEIR_FUZZ_TOKEN_ID": who["credential_id"], "WEIR_FUZZ_ORGANIZATION": who["organization"],
        "WEIR_FUZZ_MEMBER": who["name"],
        "WEIR_FUZZ_MEMBER_ID": next(one["member_id"] for one in members if one["name"] == who["name"]),
    }
    here, program = Path(__file__).parent, Path(sys.executable).with_name("schemathesis")
    # All checks are on by default. `--checks all` would say more: that they are on where the file turns one off.
    done = subprocess.run(
        [program, "--config-file", str(here / "schemathesis.toml"), "run", f"{address}/api/v1/openapi.json", "--url", address,
         "--header", f"Authorization: Bearer {token}", "--mode", "all",
         "--max-time", str(SECONDS), "--max-examples", "40" if SECONDS <= 120 else "2000", "--seed", str(SEED),
         # A run that goes on is followed without end.
         "--request-timeout", "20", "--generation-database", "none", "--continue-on-failure", "--no-color",
         "--suppress-health-check", "all"],
        env=os.environ | own | {"SCHEMATHESIS_HOOKS": "fuzz_hooks", "PYTHONPATH": str(here)},
        cwd=artefacts, capture_output=True, text=True, timeout=SECONDS + 200, check=False)
    (artefacts / "schemathesis.txt").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, f"seed {SEED}:\n{done.stdout[-20_000:]}\n{done.stderr[-2000:]}"
    assert "\n❌" not in done.stdout
    assert "401 Unauthorized (" not in done.stdout, "it has locked itself out"
    # It is still there, and has met nothing that it did not expect.
    assert house.get("/api/v1/status")["healthy"]
    assert "request failed" not in house.log.read_text(errors="replace")
