"""Verifies an exported audit (JSON lines) with nothing but what docs/audit.md says of the hash."""
from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable

FIELDS = {
    "organization": "organization_id", "sequence": "sequence", "at": "at", "who_id": "who_id", "who": "who",
    "who_kind": "who_kind", "credential": "credential_id", "action": "action", "target_kind": "target_kind",
    "target": "target", "outcome": "outcome", "problem": "problem", "before": "before", "after": "after",
    "address": "address", "user_agent": "user_agent", "correlation": "correlation_id", "previous": "previous_hash",
}


def digest(line: dict[str, object]) -> str:
    """The hash that a line must have."""
    text = b"weir audit 1\n"
    for name, key in FIELDS.items():
        value = line.get(key)
        if value is None:
            text += f"{name}-\n".encode()
        else:
            encoded = str(value).encode()
            text += f"{name}={len(encoded)}:".encode() + encoded + b"\n"
    return hashlib.sha256(text).hexdigest()


def faults(lines: Iterable[str]) -> list[str]:
    """What is wrong with a chain from its first line on; nothing if it is whole."""
    found, sequence, previous = [], 0, "0" * 64
    for text in lines:
        line = json.loads(text)
        sequence += 1
        if line["sequence"] != sequence:
            found.append(f"line {sequence} is missing")
            sequence = line["sequence"]
        elif line["previous_hash"] != previous:
            found.append(f"line {sequence} does not follow the one before")
        if digest(line) != line["hash"]:
            found.append(f"line {sequence} was changed")
        previous = line["hash"]
    return found


if __name__ == "__main__":
    wrong = faults(sys.stdin)
    print("\n".join(wrong) or "whole")
    sys.exit(1 if wrong else 0)
