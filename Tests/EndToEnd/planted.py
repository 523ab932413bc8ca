"""Looks for secrets in whatever form they may have been carried off."""
from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus


def forms(secret: bytes) -> set[bytes]:
    """As it is, percent-encoded, in JSON, HTML and SQL, in hexadecimal, and in base64 wherever in a text it begins."""
    found = {secret, secret.hex().encode(), secret.hex().upper().encode()}
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        text = ""
    if text:
        for encoded in (
                quote(text, safe=""), quote(text), quote_plus(text), text.replace("\\", "\\\\").replace('"', '\\"'),
                text.replace("'", "''"), text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")):
            found.add(encoded.encode())
    for offset in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(b"\0" * offset + secret)
            # Characters at both ends depend on what stands beside it.
            start, end = (0, 2, 3)[offset], len(whole.rstrip(b"=")) - (0 if (offset + len(secret)) % 3 == 0 else 1)
            piece = whole[start:end]
            if len(piece) >= 8:
                found.add(piece)
    return {form for form in found if len(form) >= 6}


class Search:
    def __init__(self, secrets: dict[str, bytes]):
        self.forms = {name: forms(secret) for name, secret in secrets.items()}

    def inside(self, data: bytes) -> set[str]:
        """The names of the secrets that these bytes hold."""
        return {name for name, all in self.forms.items() if any(form in data for form in all)}

    def files(self, folder: Path, but: Iterable[Path] = ()) -> Iterator[tuple[Path, set[str]]]:
        """Files below a folder that hold any, compressed ones opened."""
        left_out = {path.resolve() for path in but}
        for path in folder.rglob("*"):
            if path.is_symlink() or not path.is_file() or path.resolve() in left_out:
                continue
            try:
                data = path.read_bytes()
            except OSError:
                continue  # gone, or a socket
            held = self.inside(data) | self.inside(unpacked(path, data))
            if held:
                yield path, held


def unpacked(path: Path, data: bytes) -> bytes:
    """What Git's objects and gzip files hold."""
    try:
        if path.suffix == ".gz":
            return gzip.decompress(data)
        if "objects" in path.parts:
            return zlib.decompress(data)
    except (OSError, zlib.error, EOFError):
        pass
    return b""
