"""People and services of every role, with tokens and sessions, made in the metadata: for tests of who may do what."""
from __future__ import annotations

import hashlib
import http.client
import json
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import psycopg

from house import House


@dataclass
class Organization:
    id: str
    slug: str


@dataclass
class Caller:
    """Somebody in an organization. `grants` are pairs of a role and an environment, `*` for all of them."""

    organization: Organization
    principal: str
    grants: list[tuple[str, str]]
    token: str
    session: str
    scopes: set[str] | None = None
    person: str | None = None

    @property
    def name(self) -> str:
        roles = ", ".join(role if place == "*" else f"{role} of {place}" for role, place in self.grants)
        return f"{roles} of {self.organization.slug}" + (" with a narrow token" if self.scopes is not None else "")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


@dataclass
class Registry:
    """Makes organizations, principals and credentials by the functions and tables that the program itself uses."""

    connection: psycopg.Connection
    made: int = field(default=0)

    def organization(self, slug: str) -> Organization:
        row = self.connection.execute(
            "SELECT organization_id::text FROM weir.ensure_organization_with_owner("
            "%s, 'founder', gen_random_uuid(), gen_random_uuid())", (slug,)).fetchone()
        assert row is not None
        return Organization(row[0], slug)

    def caller(
        self, organization: Organization, *grants: tuple[str, str], scopes: list[str] | None = None, **terms: str
    ) -> Caller:
        """A service with these grants and one token and session. `terms`: SQL of columns of the credentials."""
        self.made += 1
        principal = self._row(
            "INSERT INTO weir.principals (principal_id, organization_id, name, kind) "
            "VALUES (gen_random_uuid(), %s, %s, 'service') RETURNING principal_id::text",
            organization.id, f"service-{self.made}")
        for role, environment in grants:
            self.connection.execute(
                "INSERT INTO weir.grants (organization_id, principal_id, role, environment) VALUES (%s, %s, %s, %s)",
                (organization.id, principal, role, environment))
        token, session = (
            self.credential(kind, organization, principal, scopes, **terms) for kind in ("token", "session"))
        return Caller(organization, principal, list(grants), token, session, set(scopes) if scopes else None)

    def credential(
        self, kind: str, organization: Organization, principal: str, scopes: list[str] | None = None, **terms: str
    ) -> str:
        secret = f"weir_{kind}_{secrets.token_urlsafe(32)}"
        columns = "".join(f", {column}" for column in terms)
        values = "".join(f", {value}" for value in terms.values())
        self.connection.execute(
            f"INSERT INTO weir.credentials (hash, kind, organization_id, principal_id, scopes{columns}) "
            f"VALUES (%s, %s, %s, %s, %s{values})",  # type: ignore[arg-type]
            (digest(secret), kind, organization.id, principal, scopes))
        return secret

    def member(self, organization: Organization, *grants: tuple[str, str], **more: Any) -> Caller:
        """The same as `caller`, but a person: they alone found organizations and export their account."""
        made = self.caller(organization, *grants, **more)
        made.person = self._person(made)
        return made

    def like(self, caller: Caller) -> Caller:
        """Another person with the same roles and scopes."""
        scopes = sorted(caller.scopes) if caller.scopes is not None else None
        return self.member(caller.organization, *caller.grants, scopes=scopes)

    def _person(self, caller: Caller) -> str:
        person = self._row(
            "INSERT INTO weir.people (person_id, name, email) VALUES (gen_random_uuid(), 'somebody', %s) "
            "RETURNING person_id::text", f"somebody{self.made}@example.org")
        self.connection.execute(
            "UPDATE weir.principals SET kind = 'person', person_id = %s, email = %s WHERE principal_id = %s",
            (person, f"somebody{self.made}@example.org", caller.principal))
        return person

    def id_of(self, secret: str) -> str:
        """By which a token or session is named in addresses."""
        return self._row(
            "SELECT credential_id::text FROM weir.credentials WHERE hash = %s", digest(secret))

    def revoke(self, secret: str) -> None:
        self.connection.execute("DELETE FROM weir.credentials WHERE hash = %s", (digest(secret),))

    def _row(self, sql: str, *values: Any) -> str:
        row = self.connection.execute(sql, values).fetchone()  # type: ignore[arg-type]
        assert row is not None
        return row[0]


class Client:
    """Requests over one connection, with whatever credentials."""

    def __init__(self, house: House):
        address = json.loads((house.folder / "server.json").read_text())["address"]
        self.place = urlsplit(address).netloc
        self.connection = http.client.HTTPConnection(self.place, timeout=60)

    def call(
        self, method: str, path: str, *, token: str | None = None, session: str | None = None,
        query: dict[str, str] | None = None, body: Any = None, form: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if session is not None:
            sent["Cookie"] = f"weir_session={session}"
        data: bytes | None = None
        if form is not None:
            data, sent["Content-Type"] = urlencode(form).encode(), "application/x-www-form-urlencoded"
            # As a browser does, of the page that it posts from.
            sent.setdefault("Origin", f"http://{self.place}")
        elif body is not None:
            data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
        address = quote(path, safe="/%-._~*") + (f"?{urlencode(query)}" if query else "")
        try:
            return self._once(method, address, data, sent)
        except (http.client.RemoteDisconnected, ConnectionError):
            # The server closes connections after answers to bodies that it did not read.
            self.connection.close()
            return self._once(method, address, data, sent)

    def _once(self, method: str, address: str, data: bytes | None, headers: dict[str, str]) -> Answer:
        self.connection.request(method, address, data, headers)
        response = self.connection.getresponse()
        text = response.read().decode(errors="replace")
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, text)


def call(house: House, who: Caller, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    """What the API answers somebody, who must get that status."""
    answer = Client(house).call(method, path, token=who.token, body=body)
    assert answer.status == status, f"{path}: {answer.status} {answer.body}"
    return json.loads(answer.body) if answer.body else None
