"""Ways to become somebody else, by signing in or by what decides who may: none of them leads anywhere."""
import uuid
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

from callers import Caller, Registry, call
from house import House
from providers import Provider
from signing_in import add_issuer, add_rule, rows
from visitor import Visitor, value

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    return make_module_house(WEIR_ALLOW_PRIVATE_ADDRESSES="127.0.0.0/8").start()


@pytest.fixture(scope="module")
def odd(house: House) -> Iterator[Provider]:
    """An issuer that all organizations share."""
    provider = Provider("provider.py")
    add_issuer(house, "odd", provider.issuer)
    add_rule(house, "odd", "--domain", "acme.example", "--role", "viewer")
    yield provider
    provider.end()


@pytest.fixture
def evil(house: House) -> tuple[str, Caller]:
    """Another organization, with its admin."""
    with house.metadata() as connection:
        registry = Registry(connection)
        slug = f"evil{uuid.uuid4().hex[:8]}"
        return slug, registry.caller(registry.organization(slug), ("admin", "*"))


def invite(house: House, admin: Caller, address: str) -> str:
    """The path of the link."""
    made = call(house, admin, "POST", "/api/v1/members", {"email": address, "role": "viewer"}, 201)
    return urlsplit(made["join_url"]).path


def claim_domain(house: House, admin: Caller) -> None:
    rule = {"issuer": "odd", "kind": "domain", "value": "acme.example", "role": "viewer"}
    call(house, admin, "POST", "/api/v1/sign-in-rules", rule, 201)


@pytest.mark.parametrize("is_opened_before", [False, True])
def test_an_invitation_never_becomes_a_way_into_the_organizations_of_whom_it_names(
    house: House, odd: Provider, evil: tuple[str, Caller], is_opened_before: bool
) -> None:
    slug, admin = evil
    name = f"victor{is_opened_before}".lower()
    odd.tell("set", claims={"sub": name, "email": f"{name}@acme.example", "name": "Victor"})
    victor, eve = Visitor(house.address), Visitor(house.address)
    assert victor.sign_in("odd").status == 303
    link = invite(house, admin, f"{name}@acme.example")
    if is_opened_before:
        assert eve.ask("POST", link, {"display": "Victor"}).status == 303
        assert eve.is_signed_in
    claim_domain(house, admin)
    # He signs in as every day, and belongs to both organizations now.
    assert victor.sign_in("odd").status == 303
    odd.tell("set")
    assert slug in victor.get("/organizations").words
    # Whatever the link was or has given is worth nothing.
    assert not eve.is_signed_in
    assert eve.get(link).status == 401
    assert eve.ask("POST", link, {"display": "Victor"}).status == 401
    code = link.rsplit("/", 1)[1]
    assert eve.ask("POST", f"/sign-in/{code}", {}).status == 401
    assert not eve.is_signed_in and victor.is_signed_in


def test_an_answer_of_one_provider_is_not_taken_to_another(house: House, odd: Provider) -> None:
    other = Provider("provider.py")
    try:
        add_issuer(house, "other", other.issuer)
        visitor = Visitor(house.address)
        way = visitor.begin("odd")
        assert value(way, "redirect_uri") == f"{house.address}/sign-in/callback/odd"
        back = visitor.get(way).location
        assert urlsplit(back).path == "/sign-in/callback/odd"
        answer = visitor.get(back.replace("/callback/odd", "/callback/other"))
        assert (answer.status, "another provider" in answer.words) == (401, True), answer.words
        assert not visitor.is_signed_in
        # It is over: the code cannot be brought to the right place either.
        assert visitor.get(back).status == 401
        assert visitor.get("/sign-in/callback?state=x&code=y").status in (401, 404)
    finally:
        other.end()


def test_another_sites_link_signs_nobody_in(house: House, odd: Provider) -> None:
    visitor = Visitor(house.address)
    answer = visitor.get("/sign-in/with/odd", **{"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 200 and 'href="/sign-in/with/odd"' in answer.body
    assert not visitor.cookies.get(urlsplit(house.address).netloc)


def test_sign_ins_that_nobody_finishes_are_bounded(house: House, odd: Provider) -> None:
    visitor = Visitor(house.address)
    for _ in range(505):
        visitor.begin("odd")
    assert rows(house, "SELECT count(*) FROM weir.sign_ins") == [(500,)]
    # The newest one is among them.
    assert visitor.sign_in("odd").status in (303, 403)


def test_a_one_time_link_ends_the_session_that_the_browser_had(house: House) -> None:
    visitor = Visitor(house.address)
    for _ in range(2):
        link = urlsplit(house.weir("sign-in-link").out.strip()).path
        old = visitor.session
        assert visitor.ask("POST", link, {}).status == 303
    assert old and visitor.is_signed_in
    visitor.cookies[urlsplit(house.address).netloc]["weir_session"] = old
    assert not visitor.is_signed_in


def test_what_begins_nothing_leaves_no_line_in_the_audit(house: House) -> None:
    def lines() -> int:
        return rows(house, "SELECT count(*) FROM weir.audit_lines")[0][0]

    before = lines()
    for _ in range(5):
        assert Visitor(house.address).get("/sign-in/callback/odd?state=x&code=y").status == 401
    assert lines() == before


def test_a_session_of_another_organization_ends_with_the_one_it_comes_from(
    house: House, odd: Provider, evil: tuple[str, Caller]
) -> None:
    slug, admin = evil
    claim_domain(house, admin)
    odd.tell("set", claims={"sub": "wanda", "email": "wanda@acme.example", "name": "Wanda"})
    visitor = Visitor(house.address)
    assert visitor.sign_in("odd").status == 303
    odd.tell("set")
    sessions = """
        SELECT c.expires_at, s.subject, o.slug FROM weir.credentials c JOIN weir.principals p USING (principal_id)
          JOIN weir.organizations o ON o.organization_id = c.organization_id
          LEFT JOIN weir.session_origins s USING (credential_id)
        WHERE c.kind = 'session' AND p.email = 'wanda@acme.example'"""
    with house.metadata() as metadata:
        # It began a while ago.
        metadata.execute(
            """UPDATE weir.credentials SET expires_at = expires_at - interval '1 hour' WHERE kind = 'session'
               AND principal_id IN (SELECT principal_id FROM weir.principals WHERE email = 'wanda@acme.example')""")
    before = rows(house, sessions)
    here = before[0][2]
    there = slug if here == "acme" else "acme"
    again = visitor.ask("POST", "/organizations/switch", {"slug": here})
    assert again.status == 303 and rows(house, sessions) == before
    assert visitor.ask("POST", "/organizations/switch", {"slug": there}).status == 303
    assert rows(house, sessions) == [(before[0][0], "wanda", there)]


def test_an_admin_does_not_remove_what_an_owner_comes_in_by(house: House, odd: Provider) -> None:
    with house.metadata() as connection:
        registry = Registry(connection)
        seventh = registry.organization("seventh")
        admin, owner = registry.caller(seventh, ("admin", "*")), registry.caller(seventh, ("owner", "*"))
    rule = {"issuer": "odd", "kind": "domain", "value": "seventh.example", "role": "viewer"}
    first = call(house, admin, "POST", "/api/v1/sign-in-rules", rule, 201)["rule_id"]
    odd.tell("set", claims={"sub": "olga", "email": "olga@seventh.example", "name": "Olga"})
    olga = Visitor(house.address)
    assert olga.sign_in("odd").status == 303
    call(house, owner, "POST", "/api/v1/members/olga@seventh.example/grant", {"role": "owner"})
    refused = call(house, admin, "DELETE", f"/api/v1/sign-in-rules/{first}", status=403)
    assert "olga@seventh.example, an owner of seventh, comes in by this alone." == refused["detail"]
    # Another one lets her in too, from her next sign-in on.
    second = call(house, admin, "POST", "/api/v1/sign-in-rules", rule | {"role": "analyst"}, 201)["rule_id"]
    call(house, admin, "DELETE", f"/api/v1/sign-in-rules/{first}", status=403)
    assert olga.sign_in("odd").status == 303
    odd.tell("set")
    call(house, admin, "DELETE", f"/api/v1/sign-in-rules/{first}", status=204)
    call(house, owner, "DELETE", f"/api/v1/sign-in-rules/{second}", status=204)


def test_a_token_of_few_scopes_changes_nothing_that_decides_who_is_let_in(house: House) -> None:
    with house.metadata() as connection:
        registry = Registry(connection)
        sixth = registry.organization("sixth")
        admin, owner = registry.caller(sixth, ("admin", "*")), registry.caller(sixth, ("owner", "*"))
        narrow = registry.caller(sixth, ("owner", "*"), scopes=["signin.manage"])
    provider = Provider("provider.py")
    try:
        issuer = {"issuer": provider.issuer, "client_id": "weirhouse"}
        call(house, narrow, "PUT", "/api/v1/issuers/sixths", issuer)
        rule = {"issuer": "sixths", "kind": "group", "value": "data-admins", "role": "admin"}
        call(house, narrow, "POST", "/api/v1/sign-in-rules", rule, 403)
        rule_id = call(house, admin, "POST", "/api/v1/sign-in-rules", rule, 201)["rule_id"]
        # What a group is decides who is an admin now.
        call(house, narrow, "PUT", "/api/v1/issuers/sixths", issuer | {"groups_claim": "nickname"}, 403)
        call(house, narrow, "DELETE", "/api/v1/issuers/sixths", status=403)
        call(house, narrow, "DELETE", f"/api/v1/sign-in-rules/{rule_id}", status=403)
        call(house, admin, "PUT", "/api/v1/issuers/sixths", issuer | {"label": "Sixth"})

        # A directory makes and renames people who may do nothing yet, and gives nobody the address of an admin to be.
        call(house, owner, "POST", "/api/v1/members", {"email": "bob@sixth.example", "role": "admin"}, 201)
        erna = call(house, narrow, "POST", "/scim/v2/Users", {"userName": "erna@sixth.example"}, 201)["id"]
        users = call(house, narrow, "GET", "/scim/v2/Users")["Resources"]
        bob = next(user["id"] for user in users if user["userName"].startswith("bob"))

        def rename(who: Caller, user: str, status: int) -> None:
            change = {"Operations": [{"op": "replace", "path": "userName", "value": f"{user[:8]}@sixth.example"}]}
            call(house, who, "PATCH", f"/scim/v2/Users/{user}", change, status)

        rename(narrow, erna, 200)
        rename(narrow, bob, 403)
        rename(admin, bob, 200)

        # An owner is not shut out by an admin, nor found in another's place.
        boss = call(house, owner, "GET", "/api/v1/account")["name"]
        call(house, admin, "POST", "/api/v1/sessions/end", {"member": boss}, 403)
        named = call(house, admin, "POST", "/api/v1/services", {
            "name": "b" + str(uuid.uuid4())[1:], "roles": [{"role": "viewer"}]}, 400)
        assert "cannot name a service" in named["detail"]
    finally:
        provider.end()
