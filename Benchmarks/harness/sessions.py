"""Signed-in sessions of several organizations with something to read, made in the metadata as the program makes them."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from .processes import Failure
from .source import SourceServer
from .weirhouse import WeirServer

SHOP = """
create table orders (id int primary key, placed_at timestamptz not null, city text not null, total numeric(10,2) not null);
insert into orders select n, timestamptz '2026-06-01 00:00+00' + n * interval '1 hour',
  (array['Kiel', 'Bern', 'Graz'])[n % 3 + 1], n * 1.25 from generate_series(1, 4000) n;
"""


@dataclass
class Organization:
    id: str
    slug: str
    token: str
    dashboard: str = ""
    chart: str = ""


@dataclass
class Session:
    organization: Organization
    cookie: str
    token: str


class People:
    """Every session is a viewer's of its own, as its token is."""

    def __init__(self, server: WeirServer, organizations: int, sessions: int) -> None:
        self.server = server
        self.organizations = [self._organization(number) for number in range(organizations)]
        self.sessions = [self._secrets(self.organizations[at % organizations]) for at in range(sessions)]
        self._register()

    def _organization(self, number: int) -> Organization:
        slug = f"load{number}"
        token = f"weir_token_{secrets.token_urlsafe(32)}"
        row = self._sql(
            "select organization_id, principal_id from weir.ensure_organization_with_owner("
            f"'{slug}', 'owner', gen_random_uuid(), gen_random_uuid())")
        organization, principal = row.split("|")
        self._sql("insert into weir.credentials (hash, kind, organization_id, principal_id) values "
                  f"('{digest(token)}', 'token', '{organization}', '{principal}')")
        return Organization(organization, slug, token)

    def _secrets(self, organization: Organization) -> Session:
        return Session(
            organization, *(f"weir_{kind}_{secrets.token_urlsafe(32)}" for kind in ("session", "token")))

    def _register(self) -> None:
        statements = []
        for number, session in enumerate(self.sessions):
            place = session.organization.id
            statements.append(f"""
                with person as (insert into weir.principals (principal_id, organization_id, name, kind)
                  values (gen_random_uuid(), '{place}', 'reader-{number}', 'service') returning principal_id),
                role as (insert into weir.grants (organization_id, principal_id, role)
                  select '{place}', principal_id, 'viewer' from person)
                insert into weir.credentials (hash, kind, organization_id, principal_id, expires_at, idle)
                  select hash::bytea, kind, '{place}', principal_id, now() + interval '12 hours', interval '2 hours'
                  from person, (values ('{digest(session.cookie)}', 'session'), ('{digest(session.token)}', 'token'))
                    as made (hash, kind)""")
        self._sql(";\n".join(statements))

    def _sql(self, text: str) -> str:
        """As the owner of the private cluster."""
        data = self.server.data
        password = (data / "postgres.owner.password").read_text().strip()
        done = subprocess.run(
            ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--host",
             str(data / "postgres"), "--port", "5432", "--username", "weir_owner", "weirhouse"],
            input=text.encode(), capture_output=True, env={**os.environ, "PGPASSWORD": password})
        if done.returncode != 0:
            raise Failure(f"the metadata: {done.stderr.decode().strip()}")
        return done.stdout.decode().strip()

    def requests(self) -> dict[str, list[tuple[str, str, str]]]:
        """Path, header and value of each session's request, by its kind."""
        pages = {
            "list of dashboards": lambda place: "/dashboards",
            "a dashboard": lambda place: f"/dashboards/{place.dashboard}",
            "a chart's data": lambda place: f"/dashboards/{place.dashboard}/charts/{place.chart}/data",
            "list of runs": lambda place: "/runs",
        }
        asked = {kind: [(path(session.organization), "Cookie", f"weir_session={session.cookie}")
                        for session in self.sessions] for kind, path in pages.items()}
        return asked | {"list of runs, API": [
            ("/api/v1/runs", "Authorization", f"Bearer {session.token}") for session in self.sessions]}


def furnish(server: WeirServer, organization: Organization, source: SourceServer) -> None:
    """A dashboard, by cloning a small shop; some more runs for the list."""
    name = f"shop_{organization.slug}"
    source.create_database(name)
    source.sql(name, SHOP)
    run = http(server.address, "POST", "/api/v1/clones", organization.token,
               {"url": source.url(name), "source": "shop"})["run_id"]
    deadline = time.monotonic() + 300
    while (state := http(server.address, "GET", f"/api/v1/runs/{run}", organization.token)["run"]["state"]) != "SUCCESS":
        if state in ("FAILED", "RETRYABLE", "CANCELLED") or time.monotonic() > deadline:
            raise Failure(f"the clone for {organization.slug} is {state}")
        time.sleep(0.2)
    dashboard = http(server.address, "GET", "/api/v1/dashboards/shop", organization.token)
    organization.dashboard, organization.chart = "shop", dashboard["charts"][0]["id"]


def http(address: str, method: str, path: str, token: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        address + path, None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise Failure(f"{method} {path}: {error.code} {error.read().decode(errors='replace')[:300]}") from None


def digest(secret: str) -> str:
    """As PostgreSQL reads bytes."""
    return "\\x" + hashlib.sha256(secret.encode()).hexdigest()
