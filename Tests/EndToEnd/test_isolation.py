"""Every route of the program as everybody who must not use it: no credentials, credentials that are over, every role of
another organization, every lesser role of the own one, roles of another environment.

The routes come from the running router (`weir routes`), so that a new one is held to the same rules by itself: it fails
if it takes no permission and is not in OPEN, if no value for its path is known, or if it answers otherwise than the
permission table says. Nobody's answer holds anything of another organization: its rows' ids and marks are looked for in
every body.
"""
from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pytest

from callers import Answer, Caller, Client, Organization, Registry
from databases import Database
from furnishing import Furnisher, source_of
from house import House
from processes import wait_for
from providers import Provider
from routes import ALIKE, Route, Table, Things

pytestmark = pytest.mark.timeout(600)

# What asks for no permission, each with its reason. All else must take one.
OPEN = {
    "GET /health/live": "asked by supervisors", "GET /health/ready": "asked by load balancers",
    "GET /api/v1/openapi.json": "the document", "GET /metrics": "sums over all; has a token of its own",
    "GET /sign-in": "the way in", "GET /sign-in/{code}": "the way in", "POST /sign-in/{code}": "the way in",
    "POST /sign-in/email": "which issuer is for an address", "GET /sign-in/with/{issuer}": "the way to a provider",
    "GET /sign-in/callback/{issuer}": "the way back from a provider", "POST /sign-out": "the way out",
    "POST /sign-in/backchannel/{issuer}": "a provider signs somebody out: its token is signed",
    "GET /join/{code}": "an invitation's code is the right", "POST /join/{code}": "an invitation's code is the right",
    "POST /api/v1/device": "a command line begins to sign in",
    "POST /api/v1/device/token": "the code of what began is the right",
    "GET /assets/{hash}/{name}": "scripts and styles", "GET /favicon.ico": "an icon",
    "GET /**": "no such page", "POST /**": "no such page",
}
# The code in their path is a credential: whoever has it is told what it is for.
BY_CODE = {"POST /sign-in/{code}", "GET /join/{code}", "HEAD /join/{code}", "POST /join/{code}"}
ROLES = ["viewer", "billing", "analyst", "engineer", "admin", "owner"]
# What owners can still do when their organization is suspended.
WHEN_SUSPENDED = {"system.read", "organization.read", "account.manage", "audit.read", "organization.delete"}
# Each of what they name is asked for by itself, and refused in the answer.
ONE_BY_ONE = {"POST /api/v1/runs/actions", "POST /runs/actions"}
# They look at what was sent alone.
PLACELESS = {
    "POST /api/v1/schedules/preview", "POST /schedules/new/preview", "POST /schedules/{name}/preview",
    "POST /api/v1/sources/test"}
# Names of issuers are the whole server's, as slugs are: GET /sign-in/with/{issuer} tells everybody whether there is one.
NAMED_FOR_ALL = {"PUT /api/v1/issuers/{name}"}
# They end the session of whoever asks, whatever the path says: each call has somebody of its own.
ENDS_SESSIONS = {"POST /api/v1/sessions/end", "POST /organizations", "POST /organizations/switch"}
# They open and close the whole organization of whoever asks: after all others, in this order.
OF_ORGANIZATION = [
    "POST /api/v1/organizations/{slug}/suspend", "POST /api/v1/organizations/{slug}/resume",
    "POST /organization/suspend", "POST /organization/resume", "DELETE /api/v1/organizations/{slug}",
    "POST /api/v1/organizations/{slug}/restore", "POST /organization/delete", "POST /organization/restore"]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

# Every name and every value of what must not be seen begins with one of these.
RIVAL, OURS, PROD = "zzrival", "zzown", "zzprod"
OTHER = "globex"
ADDRESSES = itertools.count()


@dataclass
class Hidden:
    """What no answer may tell: ids of rows, and words."""

    ids: set[str]
    words: list[str]

    def told(self, answer: Answer, sent: Things) -> list[str]:
        """What was sent with the request may come back."""
        text = without((answer.body + str(answer.headers)).lower(), sent)
        return [each for each in UUID.findall(text) if each in self.ids] + [each for each in self.words if each in text]


@dataclass
class World:
    house: House
    client: Client
    table: Table
    registry: Registry
    own: Organization
    other: Organization
    owner: Caller
    rival: Caller
    places: dict[str, Things] = field(default_factory=dict)

    @property
    def own_dev(self) -> Things:
        return self.places[OURS]

    @property
    def own_prod(self) -> Things:
        return self.places[PROD]

    @property
    def other_dev(self) -> Things:
        return self.places[RIVAL]

    def call(self, route: Route, things: Things, caller: Caller | None = None, **more: Any) -> Answer:
        if caller is not None and str(route) in ENDS_SESSIONS:
            caller = self.registry.like(caller)
        return self.table.call(self.client, route, things, caller, **more)

    def hidden(self, whose: Organization, *words: str) -> Hidden:
        ids = {found for rows in self.rows(whose).values() for row in rows for found in UUID.findall(row)}
        return Hidden(ids, list(words))

    def rows(
        self, organization: Organization, environment: str | None = None, but_refusals: bool = False
    ) -> dict[str, set[str]]:
        """All rows of an organization (of one environment), by table, without what changes by itself.

        `but_refusals`: without what the audit says of refused attempts, which is written when one's own are refused.
        """
        volatile = {"last_used_at", "last_used_from", "last_seen_at", "seen_at", "looked_at", "checked_at"}
        tables = self.registry.connection.execute(
            "SELECT c.relname FROM pg_class c "
            "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'organization_id' "
            "WHERE c.relnamespace = 'weir'::regnamespace AND c.relkind = 'r' ORDER BY 1").fetchall()
        found = {}
        for (name,) in tables:
            rows = [row for (row,) in self.registry.connection.execute(
                f"SELECT to_jsonb(t) FROM weir.{name} t WHERE organization_id = %s", (organization.id,)).fetchall()]
            left = set(volatile)
            if but_refusals and name == "audit_lines":
                rows = [row for row in rows if row["outcome"] != "refused"]
            if but_refusals and name == "audit_heads":
                left |= {"sequence", "hash"}
            found[name] = {
                str({key: value for key, value in sorted(row.items()) if key not in left}) for row in rows
                if environment is None or row.get("environment") == environment}
        return found


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    provider = Provider("provider.py")
    yield provider
    provider.end()


@pytest.fixture(scope="module")
def world(
    make_module_house: Callable[..., House], make_module_database: Callable[..., Database], provider: Provider
) -> Iterator[World]:
    house = make_module_house(
        WEIR_ALLOW_PRIVATE_ADDRESSES="127.0.0.1/32", WEIR_TRUSTED_PROXIES="127.0.0.1",
        WEIR_WHO_MAY_FOUND="anyone").start()
    with house.metadata() as connection:
        registry = Registry(connection)
        own, other = registry.organization("acme"), registry.organization(OTHER)
        client = Client(house)
        ours, theirs = (
            Furnisher(house, registry, client, registry.member(each, ("owner", "*"))) for each in (own, other))
        world = World(house, client, Table(house), registry, own, other, ours.owner, theirs.owner)
        for maker, marks in ((ours, {OURS: "dev", PROD: "prod"}), (theirs, {RIVAL: "dev"})):
            shared = maker.organization(provider.issuer, next(iter(marks)))
            for mark, environment in marks.items():
                found = maker.environment(make_module_database(mark, source_of(mark)), mark, environment)
                world.places[mark] = Things(environment, shared | found)
        yield world


def without(text: str, sent: Things) -> str:
    """The longest first: one may hold another."""
    values = {unquote(value).lower() for value in [*sent.values.values(), sent.organization or ""]}
    values |= {value.lower() for value in sent.values.values()}
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, "") if len(value) > 3 else text
    return text


def gist(answer: Answer, sent: Things) -> str:
    """What the answer says, whatever it was asked about."""
    is_json = answer.body and "json" in answer.headers.get("content-type", "")
    body = json.dumps(answer.json, sort_keys=True) if is_json else answer.body
    return f"{answer.status} {UUID.sub('', without(body.lower(), sent))}"


def lines(wrong: list[str]) -> str:
    return "\n".join([f"{len(wrong)} in all:", *wrong[:60]])


def from_elsewhere() -> dict[str, str]:
    """An address of its own: many wrong credentials from one are slowed (docs/security.md)."""
    number = next(ADDRESSES)
    return {"X-Forwarded-For": f"10.{number // 65536 % 256}.{number // 256 % 256}.{number % 256}"}


def unsigned(answer: Answer, route: Route) -> bool:
    """As the table has it for those who are not signed in: pages lead to the sign-in, all else is refused."""
    if route.is_api or not route.reads:
        return answer.status == 401
    return answer.status in (302, 303) and answer.headers["location"] == "/sign-in"


def with_heads(routes: list[Route]) -> list[Route]:
    """Pages that answer GET answer HEAD, by the same right; the API's table has its own."""
    heads = [Route("HEAD", each.path, each.permission) for each in routes if each.method == "GET" and not each.is_api]
    return list(dict.fromkeys(routes + heads))


# The table


def test_every_route_takes_a_permission_or_is_on_the_list_of_open_ones(world: World) -> None:
    open_ones = {str(route) for route in world.table.routes if route.permission is None and route.method != "HEAD"}
    assert open_ones == set(OPEN), "a route that takes nothing has to be in OPEN, with its reason"
    everything = set().union(*world.table.roles.values())
    assert all(route.permission in everything for route in world.table.guarded)
    assert len(world.table.guarded) > 220


def test_the_document_says_the_same_of_every_route_of_the_api(world: World) -> None:
    documented = {
        f"{method.upper()} {path}": operation for path, methods in world.table.document["paths"].items()
        for method, operation in methods.items()}
    reachable = {str(route): route for route in world.table.routes if route.path.startswith(("/api/", "/health"))}
    for name, operation in documented.items():
        route = reachable[name]
        assert operation.get("x-weir-permission") == route.permission, name
        assert (operation["security"] == [{"token": []}]) == (route.permission is not None), name
    for name, route in reachable.items():
        assert name in documented or route.method == "HEAD", f"{name} is not in the document"


# Nobody, and those whose time is over


def test_without_credentials_that_hold_nothing_but_open_routes_answers(world: World) -> None:
    registry, wrong = world.registry, []
    gone, deactivated, removed = (registry.member(world.own, ("owner", "*")) for _ in range(3))
    for caller in (gone, deactivated, removed):
        # They are known to the server before it is told.
        assert world.client.call("GET", "/api/v1/runs", token=caller.token).status == 200
        assert world.client.call("GET", "/runs", session=caller.session).status == 200
    registry.revoke(gone.token)
    registry.revoke(gone.session)
    registry.connection.execute(
        "UPDATE weir.principals SET state = 'deactivated' WHERE principal_id = %s", (deactivated.principal,))
    registry.connection.execute("UPDATE weir.people SET deactivated_at = now() WHERE person_id = %s", (removed.person,))
    expired = registry.caller(world.own, ("owner", "*"), expires_at="now() - interval '1 second'")
    idle = registry.caller(
        world.own, ("owner", "*"), idle="interval '1 hour'", last_used_at="now() - interval '61 minutes'")
    swapped = Caller(world.own, "", [], token=world.owner.session, session=world.owner.token)
    unknown = Caller(world.own, "", [], token="weir_token_unknown", session="weir_session_unknown")
    callers = {
        "nobody": None, "an unknown one": unknown, "a session as a token": swapped, "an expired one": expired,
        "an idle one": idle, "a revoked one": gone, "a deactivated member's": deactivated,
        "a deactivated person's": removed}

    def is_told() -> bool:
        return all(
            world.client.call("GET", "/api/v1/runs", token=caller.token, headers=from_elsewhere()).status == 401
            and world.client.call("GET", "/runs", session=caller.session).status == 303
            for caller in (gone, deactivated, removed))

    wait_for(is_told, 6, "the end of what was revoked")
    before = world.rows(world.own)
    for route in with_heads(world.table.guarded):
        for name, caller in callers.items():
            for things in (world.own_dev, world.own_prod) if caller is None else (world.own_dev,):
                answer = world.table.call(world.client, route, things, caller, headers=from_elsewhere())
                if not unsigned(answer, route):
                    wrong.append(f"{route} with {name}: {answer.status}")
                if PROD in answer.body:
                    wrong.append(f"{route} with {name} tells of {PROD}")
        crossed = {"session": world.owner.session} if route.is_api else {"token": world.owner.token}
        answer = world.table.call(world.client, route, world.own_dev, None, headers=from_elsewhere(), **crossed)
        if not unsigned(answer, route):
            wrong.append(f"{route} with the other face's credentials: {answer.status}")
    assert not wrong, lines(wrong)
    assert world.rows(world.own) == before


def test_open_routes_tell_nothing_of_anybody(world: World) -> None:
    theirs, ours = world.hidden(world.other, RIVAL, OTHER), world.hidden(world.own, PROD, OURS)
    before = {each.slug: world.rows(each) for each in (world.own, world.other)}
    for route in with_heads([route for route in world.table.routes if route.permission is None]):
        for things, hidden in ((world.other_dev, theirs), (world.own_prod, ours)):
            for sent in (things, things.made_up()) if str(route) not in BY_CODE else (things.made_up(),):
                answer = world.table.call(world.client, route, sent, headers=from_elsewhere())
                assert answer.status < 500, f"{route}: {answer.status}"
                assert hidden.told(answer, sent) == [], route
    assert {each.slug: world.rows(each) for each in (world.own, world.other)} == before


# Roles


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_refused_all_that_the_table_does_not_give_it(world: World, role: str) -> None:
    wrong = []
    caller = world.registry.member(world.own, (role, "*"))
    before = world.rows(world.own, but_refusals=True)
    refusing = [
        route for route in with_heads(world.table.guarded) if not world.table.may_somewhere(caller, route.permission)]
    for route in refusing:
        answer = world.call(route, world.own_dev, caller)
        if answer.status != 403:
            wrong.append(f"{route}: {answer.status}, but {role} lacks {route.permission}")
    assert world.rows(world.own, but_refusals=True) == before, "something that was refused was done"
    own = world.own_dev.with_own(tokens=world.registry.id_of(caller.token))
    for route in world.table.guarded:
        if route in refusing:
            continue
        # What it may change is nobody's, so that nothing is lost.
        answer = world.call(route, own if route.reads else own.made_up(), caller)
        is_there = route.reads and not world.table.is_shadow(route)
        if answer.status in (401, 403) or answer.status >= 500 or (is_there and answer.status >= 400):
            wrong.append(f"{route}: {answer.status} {answer.body[:200]}, but {role} has {route.permission}")
    assert not wrong, lines(wrong)


@pytest.mark.parametrize("role", ["viewer", "engineer"])
def test_tokens_and_sessions_of_one_member_are_not_there_for_another(world: World, role: str) -> None:
    caller = world.registry.member(world.own, (role, "*"))
    before = world.rows(world.own, but_refusals=True)["credentials"]
    routes = [
        route for route in world.table.guarded if {before for _, before in route.captures} & {"tokens", "sessions"}]
    assert len(routes) >= 7
    for route in routes:
        statuses = [world.call(route, things, caller).status for things in (world.own_dev, world.own_dev.made_up())]
        assert statuses == [404, 404], f"{route}: {statuses}"
    assert world.rows(world.own, but_refusals=True)["credentials"] == before


def test_a_token_is_no_wider_than_its_scopes(world: World) -> None:
    wrong = []
    callers = [world.registry.member(world.own, ("owner", "*"), scopes=scopes)
               for scopes in (["read"], ["runs.read"], ["schedules.manage", "account.manage"])]
    before = world.rows(world.own, but_refusals=True)
    for route in world.table.guarded:
        for caller in callers:
            if not world.table.may_somewhere(caller, route.permission):
                answer = world.table.call(world.client, route, world.own_dev, caller)
                if answer.status != 403:
                    wrong.append(f"{route}: {answer.status} with the scopes {caller.scopes}")
    assert not wrong, lines(wrong)
    assert world.rows(world.own, but_refusals=True) == before
    assert world.client.call("GET", "/api/v1/runs", token=callers[1].token).status == 200


def test_a_role_of_one_environment_reaches_nothing_of_another(world: World) -> None:
    wrong = []
    before = world.rows(world.own, "prod")
    ids = {found for rows in before.values() for row in rows for found in UUID.findall(row)}
    common = {found for rows in world.rows(world.own, "dev").values() for row in rows for found in UUID.findall(row)}
    for role in ("viewer", "analyst", "engineer", "admin"):
        caller = world.registry.member(world.own, (role, "dev"))
        for route in world.table.guarded:
            answer = world.call(route, world.own_prod, caller)
            may = world.table.may_somewhere(caller, route.permission)
            what = f"{route} as {role} of dev about prod: {answer.status}"
            if answer.status >= 500 or answer.status == 401 or (not may and answer.status != 403):
                wrong.append(what)
            if route.permission in world.table.of_environment and may and not route.reads:
                if answer.status < 400 and str(route) not in ONE_BY_ONE | PLACELESS:
                    wrong.append(f"{what}, although it changes or reads prod")
            text = without(answer.body.lower(), world.own_prod)
            if route.permission not in world.table.for_all and (
                    PROD in text or {each for each in UUID.findall(text) if each in ids - common}):
                wrong.append(f"{what} tells of prod: {text[:300]}")
    assert not wrong, lines(wrong)
    assert world.rows(world.own, "prod") == before, "something of prod was changed"


# Another organization


def test_what_is_hidden_is_there_for_its_own_owner(world: World) -> None:
    """Else the refusals below could be of what there is not."""
    hidden, told = world.hidden(world.other, RIVAL), 0
    for route in world.table.guarded:
        if route.method == "GET" and not world.table.is_shadow(route):
            answer = world.table.call(world.client, route, world.other_dev, world.rival)
            assert answer.status < 400, f"{route}: {answer.status} {answer.body[:200]}"
            told += bool(hidden.told(answer, world.other_dev))
    assert told > 50
    rows = " ".join(row for rows in world.rows(world.other).values() for row in rows)
    kept_elsewhere = {"charts", "{schema}", "assets", "{hash}", "join", "sign-in"} | ALIKE
    missing = {
        name for name, value in world.other_dev.values.items()
        if name not in kept_elsewhere and unquote(value) not in rows}
    assert missing == set()


@pytest.mark.parametrize("role", ROLES)
def test_no_role_reaches_anything_of_another_organization(world: World, role: str) -> None:
    wrong = []
    caller = world.registry.member(world.own, (role, "*"))
    hidden, before = world.hidden(world.other, RIVAL, OTHER), world.rows(world.other)
    for things in (world.other_dev, Things("dev", world.other_dev.values, organization=OTHER)):
        for route in with_heads(world.table.guarded):
            names_organization = "organization" in world.table.parameters(route)
            if things.organization and not names_organization and world.table.body(route, things) is None:
                continue  # the same request again
            answer = world.call(route, things, caller)
            what = f"{route} as {role} of another organization: {answer.status}"
            may = world.table.may_somewhere(caller, route.permission)
            if answer.status >= 500 or answer.status == 401 or (not may and answer.status != 403):
                wrong.append(what)
            told = hidden.told(answer, things)
            if told:
                wrong.append(f"{what} tells {told}")
            if may and (route.names_things or (things.organization and names_organization)):
                # Not even whether it is there can be told.
                nobodys = world.call(route, things.made_up(), caller)
                if not 400 <= answer.status < 500 and str(route) not in PLACELESS:
                    wrong.append(f"{what} is no refusal")
                said, said_of_nobodys = gist(answer, things), gist(nobodys, things.made_up())
                if said != said_of_nobodys and str(route) not in NAMED_FOR_ALL:
                    wrong.append(f"{what} says {said[-300:]}, but of what is nobody's {said_of_nobodys[-300:]}")
    assert not wrong, lines(wrong)
    assert world.rows(world.other) == before, "something of another organization was changed"


def test_owners_of_a_suspended_organization_reach_only_what_is_left_to_them(world: World) -> None:
    suspended = world.registry.organization("asleep")
    owner = world.registry.member(suspended, ("owner", "*"))
    assert world.client.call("GET", "/api/v1/runs", token=owner.token).status == 200
    world.registry.connection.execute(
        "UPDATE weir.organizations SET state = 'suspended', state_reason = 'unpaid' WHERE organization_id = %s",
        (suspended.id,))
    wait_for(lambda: world.client.call("GET", "/api/v1/runs", token=owner.token).status == 403, 6, "the suspension")
    wrong = []
    for route in in_order(world.table.guarded):
        answer = world.call(route, world.own_dev.made_up(), owner)
        if (answer.status == 403) == (route.permission in WHEN_SUSPENDED) or answer.status >= 500:
            wrong.append(f"{route}: {answer.status}")
    assert not wrong, lines(wrong)


# The own organization, last: it changes and removes


def in_order(routes: list[Route]) -> list[Route]:
    """So that none takes away what another needs."""
    def place(route: Route) -> int:
        if str(route) in OF_ORGANIZATION:
            return 2 + OF_ORGANIZATION.index(str(route))
        return int("delete" in str(route).lower() or "remove" in route.path)

    return sorted(routes, key=place)


def test_every_route_is_reached_by_these_requests(world: World) -> None:
    wrong = []
    for route in in_order(world.table.guarded):
        answer = world.call(route, world.own_dev, world.owner, fields={"because": "a test"})
        missing = ("The API has no such address.", "There is no page at this address.")
        if answer.status in (401, 403, 405) or answer.status >= 500 or any(each in answer.body for each in missing):
            wrong.append(f"{route}: {answer.status} {answer.body[:200]}")
    assert not wrong, lines(wrong)
