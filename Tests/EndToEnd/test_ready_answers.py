"""Answers that are ready are given before the routes: in the order of their requests, to those who may have them alone."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from callers import Caller, Client, Organization, Registry
from edge import Authority, Told, dial, read_all, read_rest
from house import House
from processes import wait_for

RUNS, PAGE, DOCUMENT = "/api/v1/runs", "/runs", "/api/v1/openapi.json"


@dataclass
class World:
    house: House
    registry: Registry
    ours: Organization
    theirs: Organization


@pytest.fixture(scope="module")
def world(make_module_house: Callable[..., House]) -> Iterator[World]:
    house = make_module_house().start()
    with house.metadata() as connection:
        registry = Registry(connection)
        yield World(house, registry, registry.organization("acme"), registry.organization("rival"))


@pytest.fixture
def viewer(world: World) -> Caller:
    return world.registry.member(world.ours, ("viewer", "*"))


def request(number: int, method: str, path: str, token: str, *fields: str, body: str = "") -> bytes:
    """Its answer carries its number as `X-Correlation-Id`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}",
             f"traceparent: 00-{number:032x}-b7ad6b7169203331-01", *fields]
    if body:
        lines += [f"Content-Length: {len(body)}", "Content-Type: application/json"]
    return ("\r\n".join([*lines, "", ""]) + body).encode()


def in_one_go(
    address: str, requests: list[tuple[str, str, str]], token: str, context: ssl.SSLContext | None = None
) -> list[Told]:
    """All sent before the first answer is read, on one connection."""
    with dial(address, context) as connection:
        connection.sendall(b"".join(
            request(number, method, path, token, body=body)
            for number, (method, path, body) in enumerate(requests, start=1)))
        answers, rest = [], b""
        for _ in requests:
            told, rest = read_rest(connection, rest)
            answers.append(told)
        assert rest == b""
        return answers


def check_order(address: str, token: str, context: ssl.SSLContext | None = None) -> None:
    mixed = [("GET", RUNS, ""), ("GET", RUNS, ""), ("GET", DOCUMENT, ""), ("GET", RUNS, ""), ("POST", RUNS, "{}"),
             ("GET", RUNS, "{}"), ("GET", "/api/v1/nothing", ""), ("GET", RUNS, ""), ("GET", "/api/v1/organizations", "")]
    statuses = [200, 200, 200, 200, 405, 200, 404, 200, 200]
    for requests, expected in ((mixed * 4, statuses * 4), ([("GET", RUNS, "")] * 100, [200] * 100)):
        answers = in_one_go(address, requests, token, context)
        assert [told.status for told in answers] == expected
        assert [int(told["x-correlation-id"].replace("-", ""), 16) for told in answers] == [
            *range(1, len(requests) + 1)]
        assert len({told.body for told, (method, path, _) in zip(answers, requests)
                    if (method, path) == ("GET", RUNS)}) == 1


def test_many_at_once_are_answered_in_their_order(world: World, viewer: Caller) -> None:
    check_order(world.house.address, viewer.token)


def test_so_they_are_over_tls(make_house: Callable[..., House], tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("ready", "localhost")
    house = make_house(
        WEIR_TLS_CERTIFICATE=str(certificate), WEIR_TLS_KEY=str(key), WEIR_CA_FILE=str(authority.file)).start(wait=False)
    wait_for(lambda: (house.folder / "server.json").exists(), 60, "the server")
    check_order(house.address, (house.folder / "token").read_text().strip(), authority.context())


def test_a_connection_ends_with_the_answer_that_is_to_be_its_last(world: World, viewer: Caller) -> None:
    with dial(world.house.address) as connection:
        connection.sendall(
            request(1, "GET", RUNS, viewer.token) + request(2, "GET", RUNS, viewer.token)
            + request(3, "GET", RUNS, viewer.token, "Connection: close"))
        rest = b""
        for number in (1, 2, 3):
            told, rest = read_rest(connection, rest)
            assert told.status == 200 and told["x-correlation-id"].endswith(f"-{number:012x}")
        assert rest + read_all(connection) == b""


def test_each_sees_their_own_organization_and_name(world: World, viewer: Caller) -> None:
    colleague, stranger = (
        world.registry.member(place, ("viewer", "*")) for place in (world.ours, world.theirs))
    for number, caller in enumerate((viewer, colleague, stranger)):
        world.registry.connection.execute(
            "UPDATE weir.principals SET display = %s WHERE principal_id = %s", (f"<Person {number}>", caller.principal))
    client = Client(world.house)
    for _ in range(3):
        for number, (caller, slug, other) in enumerate((
                (viewer, "acme", "rival"), (colleague, "acme", "rival"), (stranger, "rival", "acme"))):
            answer = client.call("GET", PAGE, session=caller.session)
            assert answer.status == 200 and slug in answer.body and other not in answer.body
            assert answer.body.count("&lt;Person ") == answer.body.count(f"&lt;Person {number}&gt;") == 1


def test_scopes_and_roles_have_their_own(world: World, viewer: Caller) -> None:
    narrow = world.registry.caller(world.ours, ("owner", "*"), scopes=["dashboards.read"])
    billing = world.registry.caller(world.ours, ("billing", "*"))
    client = Client(world.house)
    for _ in range(3):
        assert client.call("GET", RUNS, token=viewer.token).status == 200
        assert client.call("GET", RUNS, token=narrow.token).status == 403
        assert client.call("GET", RUNS, token=billing.token).status == 403
        assert client.call("GET", RUNS, token=viewer.token[:-1]).status == 401
        assert client.call("GET", RUNS).status == 401
        assert client.call("GET", PAGE).headers["location"] == "/sign-in"
        # A session is no token, nor the other way round.
        assert client.call("GET", RUNS, token=viewer.session).status == 401
        assert client.call("GET", PAGE, session=viewer.token).status == 303


def test_whoever_is_let_in_no_longer_gets_nothing_though_others_do(world: World, viewer: Caller) -> None:
    client = Client(world.house)
    gone, demoted = (world.registry.member(world.ours, ("viewer", "*")) for _ in range(2))

    def statuses(caller: Caller) -> tuple[int, int]:
        return (client.call("GET", RUNS, token=caller.token).status,
                client.call("GET", PAGE, session=caller.session).status)

    for _ in range(3):
        assert statuses(gone) == statuses(demoted) == statuses(viewer) == (200, 200)
    world.registry.revoke(gone.token)
    world.registry.revoke(gone.session)
    world.registry.connection.execute("DELETE FROM weir.grants WHERE principal_id = %s", (demoted.principal,))
    wait_for(lambda: statuses(gone) == (401, 303) and statuses(demoted) == (403, 403), 10, "the end of their rights")
    assert statuses(viewer) == (200, 200)


def test_a_suspended_organization_has_nothing_ready(world: World) -> None:
    # Of its own: the others go on with theirs.
    place = world.registry.organization("shut")
    owner = world.registry.member(place, ("owner", "*"))
    client = Client(world.house)
    for _ in range(3):
        assert client.call("GET", RUNS, token=owner.token).status == 200
    done = client.call("POST", "/api/v1/organizations/shut/suspend", token=owner.token, body={"because": "a test"})
    assert done.status == 200, done.body
    answer = client.call("GET", RUNS, token=owner.token)
    assert answer.status == 403 and "a test" in answer.json["detail"]


def test_terms_are_agreed_to_first_by_each(make_house: Callable[..., House]) -> None:
    house = make_house(WEIR_TERMS_URL="https://acme.example/terms", WEIR_TERMS_VERSION="1").start()
    with house.metadata() as connection:
        registry = Registry(connection)
        acme = registry.organization("acme")
        agreed, other = (registry.member(acme, ("viewer", "*")) for _ in range(2))
        client = Client(house)
        origin = {"Origin": f"http://{client.place}"}
        done = client.call("POST", "/consent", session=agreed.session, form={"version": "1", "agree": "yes"}, headers=origin)
        assert done.status == 303, done.body
        for _ in range(3):
            assert client.call("GET", PAGE, session=agreed.session).status == 200
            answer = client.call("GET", PAGE, session=other.session)
            assert answer.status == 303 and answer.headers["location"].startswith("/consent")
