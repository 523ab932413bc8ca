"""An OpenID provider on 127.0.0.1 that lies when it is told to: for what no well-behaved one would do.

It signs with the package cryptography, and lets everybody in at once. Each line on standard input is answered with one:
  {"do": "sign", "claims": {}, "header": {}, "key": "first"}   {"token": "…"}
  {"do": "set", …}             changes the Odd below; {"done": true}
  {"do": "make_key", "name": "second", "kind": "RSA"}          a key that is published at once
  {"do": "unpublish", "name": "first"}
  {"do": "counts"}             how often each path was asked for
In claims and headers null takes a member away. `key` names a key, or is "none" (no signature) or "public:NAME" (HS256 with
the PEM of the public key).
"""
import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from peer import heard, say

CLIENT = "weirhouse"
HASHES = {"RS256": hashes.SHA256(), "PS256": hashes.SHA256(), "ES256": hashes.SHA256(), "ES384": hashes.SHA384()}


@dataclass
class Odd:
    """What is not as it should be. All of it can be set."""

    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    key: str = "first"
    userinfo: dict[str, Any] = field(default_factory=lambda: {"sub": "otto"})
    metadata: dict[str, Any] = field(default_factory=dict)
    # What the browser brings back instead of the right values.
    callback: dict[str, Any] = field(default_factory=dict)
    at_hash: bool = True


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int, length: int | None = None) -> str:
    return b64(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


def changed(members: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


class Key:
    def __init__(self, kid: str, kind: str):
        self.kid, self.kind = kid, kind
        self.private: Any = {
            "RSA": lambda: rsa.generate_private_key(65537, 2048),
            "weak": lambda: rsa.generate_private_key(65537, 1024),
            "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
            "Ed25519": ed25519.Ed25519PrivateKey.generate,
        }[kind]()

    @property
    def algorithm(self) -> str:
        return {"RSA": "RS256", "weak": "RS256", "P-256": "ES256", "P-384": "ES384", "Ed25519": "EdDSA"}[self.kind]

    def jwk(self) -> dict[str, str]:
        public = self.private.public_key()
        own = {"kid": self.kid, "use": "sig"}
        if self.kind in ("RSA", "weak"):
            numbers = public.public_numbers()
            return own | {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}
        if self.kind == "Ed25519":
            raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
            return own | {"kty": "OKP", "crv": "Ed25519", "x": b64(raw)}
        length = 32 if self.kind == "P-256" else 48
        numbers = public.public_numbers()
        return own | {"kty": "EC", "crv": self.kind, "x": number(numbers.x, length), "y": number(numbers.y, length)}

    def sign(self, algorithm: str, data: bytes) -> bytes:
        digest = HASHES.get(algorithm, hashes.SHA256())
        if self.kind in ("RSA", "weak"):
            pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
            return self.private.sign(data, pss if algorithm == "PS256" else padding.PKCS1v15(), digest)
        if self.kind == "Ed25519":
            return self.private.sign(data)
        length = 32 if self.kind == "P-256" else 48
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(length, "big") + s.to_bytes(length, "big")

    def pem(self) -> bytes:
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


class Provider:
    def __init__(self) -> None:
        self.odd = Odd()
        self.keys = {"first": Key("first", "RSA")}
        self.published = {"first"}
        self.codes: dict[str, dict[str, str]] = {}
        self.counts: Counter[str] = Counter()
        self.issuer = ""

    def sign(self, claims: dict[str, Any], header: dict[str, Any], name: str) -> str:
        key = self.keys.get(name.removeprefix("public:"), self.keys["first"])
        algorithm = {"none": "none"}.get(name, "HS256" if name.startswith("public:") else key.algorithm)
        header = changed({"alg": algorithm, "kid": key.kid, "typ": "JWT"}, header)
        signed = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}".encode()
        if name == "none":
            signature = b""
        elif name.startswith("public:"):
            signature = hmac.new(key.pem(), signed, hashlib.sha256).digest()
        else:
            signature = key.sign(header["alg"], signed)
        return f"{signed.decode()}.{b64(signature)}"

    def metadata(self) -> dict[str, Any]:
        own = {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/jwks",
            "end_session_endpoint": f"{self.issuer}/logout", "userinfo_endpoint": f"{self.issuer}/userinfo",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        }
        return changed(own, self.odd.metadata)

    def authorize(self, asked: dict[str, str]) -> str:
        code = secrets.token_urlsafe(24)
        self.codes[code] = asked
        back = changed({"code": code, "state": asked["state"]}, self.odd.callback)
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if asked is None or asked.get("code_challenge") != challenge or asked["redirect_uri"] != form["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        access = secrets.token_urlsafe(16)
        claims = {
            "iss": self.issuer, "sub": "otto", "aud": asked["client_id"], "iat": now, "exp": now + 300,
            "nonce": asked["nonce"], "email": "otto@acme.example", "email_verified": True, "name": "Otto",
            "groups": [],
        }
        if self.odd.at_hash:
            claims["at_hash"] = b64(hashlib.sha256(access.encode()).digest()[:16])
        token = self.sign(changed(claims, self.odd.claims), self.odd.header, self.odd.key)
        return 200, {"access_token": access, "token_type": "Bearer", "id_token": token}


provider = Provider()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        place = urlsplit(self.path)
        provider.counts[place.path] += 1
        asked = {name: values[0] for name, values in parse_qs(place.query).items()}
        if place.path == "/.well-known/openid-configuration":
            self.reply(200, provider.metadata())
        elif place.path == "/jwks":
            self.reply(200, {"keys": [provider.keys[name].jwk() for name in sorted(provider.published)]})
        elif place.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", provider.authorize(asked))
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif place.path == "/userinfo":
            self.reply(200, provider.odd.userinfo)
        else:
            self.reply(404, {})

    def do_POST(self) -> None:
        provider.counts[self.path] += 1
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.reply(*provider.token({name: values[0] for name, values in parse_qs(body).items()}))

    def reply(self, status: int, answer: Any) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def obey(order: dict[str, Any]) -> dict[str, Any]:
    match order.pop("do"):
        case "sign":
            return {"token": provider.sign(order["claims"], order.get("header", {}), order.get("key", "first"))}
        case "set":
            # What is not named is as it should be again.
            provider.odd = Odd(**{known.name: order[known.name] for known in fields(Odd) if known.name in order})
        case "make_key":
            provider.keys[order["name"]] = Key(order["name"], order["kind"])
            provider.published.add(order["name"])
        case "unpublish":
            provider.published.discard(order["name"])
        case "counts":
            return {"counts": dict(provider.counts)}
    return {"done": True}


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    say(port=server.server_address[1], issuer=provider.issuer, client=CLIENT)
    for order in heard():
        say(**obey(order))


main()
