"""Signing in through OpenID providers: Canaille in headless Chromium, as a person would; and providers that lie, which
get nobody in and leave nothing behind."""
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from house import House
from processes import wait_for
from providers import Mock, Provider
from signing_in import add_issuer, add_rule, grants, made, rows
from visitor import Visitor, changed, value

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    return make_module_house(WEIR_ALLOW_PRIVATE_ADDRESSES="127.0.0.0/8").start()


@pytest.fixture(scope="module")
def canaille(house: House) -> Iterator[Provider]:
    provider = Provider.canaille(house)
    add_issuer(house, "canaille", provider.issuer, "--scopes", "openid,email,profile,groups", "--label", "Canaille",
               secret="s3cret of the client")
    yield provider
    provider.end()


@pytest.fixture(scope="module")
def odd(house: House) -> Iterator[Provider]:
    """A provider that lies when it is told to; who is of acme.example may see things, who is of the group eng more."""
    provider = Provider("provider.py")
    add_issuer(house, "odd", provider.issuer)
    add_rule(house, "odd", "--domain", "acme.example", "--role", "viewer")
    add_rule(house, "odd", "--group", "eng", "--role", "engineer", "--environment", "dev")
    yield provider
    provider.end()


# In a browser, at Canaille


@pytest.fixture
def page(browser: Browser, house: House) -> Iterator[Page]:
    context = browser.new_context(base_url=house.address, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()


def picture(page: Page, artefacts: Path, name: str) -> None:
    folder = artefacts.parent / "sign-in"
    folder.mkdir(exist_ok=True)
    page.screenshot(path=str(folder / f"{name}.png"), full_page=True)


def sign_in_at_canaille(house: House, page: Page, name: str) -> None:
    page.goto("/sign-in")
    page.get_by_role("link", name="Sign in with Canaille").click()
    page.locator("#login").fill(name)
    page.get_by_role("button", name="Continue").click()
    page.locator("#password").fill(f"{name}-password")
    page.get_by_role("button", name="Sign in").click()
    accept = page.locator("#accept")
    wait_for(lambda: page.url.startswith(house.address) or accept.count() > 0, 15, "the consent or the way back")
    if accept.count():
        accept.click()


def test_an_address_that_is_not_verified_lets_nobody_in(house: House, canaille: Provider, page: Page, artefacts: Path):
    add_rule(house, "canaille", "--domain", "acme.example", "--role", "viewer")
    before = made(house)
    page.goto("/sign-in")
    picture(page, artefacts, "sign-in")
    sign_in_at_canaille(house, page, "alice")
    expect(page.get_by_text("Your e-mail address is not verified by Canaille")).to_be_visible()
    expect(page.get_by_role("link", name="Sign in with Canaille")).to_be_visible()
    picture(page, artefacts, "unverified")
    assert made(house) == before


def test_somebody_signs_in_and_gets_what_the_rules_give(
        house: House, canaille: Provider, page: Page, artefacts: Path):
    add_issuer(house, "canaille", canaille.issuer, "--scopes", "openid,email,profile,groups", "--label", "Canaille",
               "--trusted-domains", "acme.example")
    add_rule(house, "canaille", "--group", "data", "--role", "engineer", "--environment", "dev")
    page.goto("/runs")
    sign_in_at_canaille(house, page, "alice")
    expect(page).to_have_url(f"{house.address}/runs")
    expect(page.get_by_text("Alice", exact=False).first).to_be_visible()
    picture(page, artefacts, "signed-in")
    assert grants(house, "alice@acme.example") == [("*", "viewer"), ("dev", "engineer")]


def test_roles_follow_the_groups_at_the_next_sign_in(house: House, canaille: Provider, page: Page):
    canaille.tell("groups", of="alice", are=["everybody"])
    sign_in_at_canaille(house, page, "alice")
    expect(page).to_have_url(f"{house.address}/")
    assert grants(house, "alice@acme.example") == [("*", "viewer")]
    canaille.tell("groups", of="alice", are=["everybody", "data"])


def test_keys_that_change_while_people_are_signed_in(house: House, canaille: Provider, page: Page, browser: Browser):
    sign_in_at_canaille(house, page, "alice")
    expect(page).to_have_url(f"{house.address}/")
    canaille.tell("rotate")
    page.goto("/runs")
    expect(page).to_have_url(f"{house.address}/runs")
    other = browser.new_context(base_url=house.address)
    try:
        second = other.new_page()
        sign_in_at_canaille(house, second, "bob")
        expect(second).to_have_url(f"{house.address}/")
    finally:
        other.close()


def test_signing_out_leads_to_the_provider_too(house: House, canaille: Provider, page: Page, artefacts: Path):
    sign_in_at_canaille(house, page, "alice")
    page.get_by_role("button", name="Sign out").click()
    link = page.get_by_role("link", name="Sign out at Canaille too")
    expect(link).to_be_visible()
    picture(page, artefacts, "signed-out")
    assert (link.get_attribute("href") or "").startswith(f"{canaille.issuer}/oauth/end_session?client_id=weirhouse")
    page.goto("/runs")
    expect(page).to_have_url(f"{house.address}/sign-in")


# What is refused


def now() -> int:
    return int(time.time())


ODD = {
    "unsigned": ({"key": "none"}, 401, "signed with 'none', which is not allowed"),
    "signed with what everybody knows": ({"key": "public:first"}, 401, "signed with 'HS256', which is not allowed"),
    "named as unsigned": ({"header": {"alg": "none"}, "key": "none"}, 401, "which is not allowed"),
    "of a foreign issuer": ({"claims": {"iss": "https://evil.example"}}, 401, "issued by somebody else"),
    "for another application": ({"claims": {"aud": "other"}}, 401, "for another application"),
    "for two applications": ({"claims": {"aud": ["weirhouse", "other"]}}, 401, "for another application"),
    "of another party": ({"claims": {"azp": "other"}}, 401, "for another application"),
    "expired": ({"claims": {"exp": now() - 120, "iat": now() - 600}}, 401, "has expired"),
    "not valid yet": ({"claims": {"nbf": now() + 3600}}, 401, "not valid yet"),
    "from the future": ({"claims": {"iat": now() + 3600, "exp": now() + 7200}}, 401, "not valid yet"),
    "without an end": ({"claims": {"exp": None}}, 401, "cannot be read"),
    "with another nonce": ({"claims": {"nonce": "other"}}, 401, "belongs to another sign-in"),
    "without a nonce": ({"claims": {"nonce": None}}, 401, "belongs to another sign-in"),
    "of nobody": ({"claims": {"sub": None}}, 401, "does not say who it is"),
    "with another access token's hash": ({"claims": {"at_hash": "AAAA"}}, 401, "do not belong together"),
    "critical": ({"header": {"crit": ["exp"]}}, 401, "an extension that is not known"),
    "of another kind": ({"header": {"typ": "at+jwt"}}, 401, "something else than signing in"),
    "of an unknown key": ({"header": {"kid": "nobody's"}}, 401, "a key that the provider does not publish"),
    "too long": ({"claims": {"padding": "x" * 40_000}}, 401, "longer than 32 KB"),
    "of an unverified address": ({"claims": {"email_verified": False}}, 403, "not verified by odd"),
    "of an address that is said to be verified in words": ({"claims": {"email_verified": "true"}}, 403, "not verified"),
    "of another domain": ({"claims": {"email": "alice@evil.example"}}, 403, "No organization here lets your account"),
    "of two addresses": ({"claims": {"email": "a@evil.example,b@acme.example"}}, 403, "not verified"),
    "from another's userinfo": (
        {"claims": {"email": None}, "userinfo": {"sub": "mallory", "email": "m@acme.example", "email_verified": True}},
        401, "does not say who it is"),
    "back with a foreign iss": ({"callback": {"iss": "https://evil.example"}}, 401, "issued by somebody else"),
    "back with an error": (
        {"callback": {"error": "access_denied", "code": None}}, 401, "was not allowed at the provider"),
    "back without a code": ({"callback": {"code": None}}, 401, "has sent no code"),
    "back with a wrong code": ({"callback": {"code": "wrong"}}, 401, "it was used, or is too old"),
    "back with a wrong state": ({"callback": {"state": "wrong"}}, 401, "belongs to another sign-in"),
    "back without a state": ({"callback": {"state": None}}, 401, "belongs to another sign-in"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_answer_is_refused(house: House, odd: Provider, name: str):
    settings, status, words = ODD[name]
    odd.tell("set", **settings)
    before = made(house)
    visitor = Visitor(house.address)
    answer = visitor.sign_in("odd")
    odd.tell("set")
    assert (answer.status, words in answer.words) == (status, True), f"{answer.status} {answer.words}"
    assert "Sign in with odd" in answer.words
    assert visitor.session is None
    assert made(house) == before


def test_what_was_refused_is_let_in_when_it_is_right(house: House, odd: Provider):
    visitor = Visitor(house.address)
    answer = visitor.sign_in("odd")
    assert (answer.status, answer.location) == (303, "/")
    assert visitor.is_signed_in
    assert grants(house, "otto@acme.example") == [("*", "viewer")]


def test_an_answer_counts_once_and_in_its_own_browser(house: House, odd: Provider):
    visitor = Visitor(house.address)
    back = visitor.come_back("odd")
    kept = dict(visitor.cookies)
    assert "This browser has not begun to sign in" in Visitor(house.address).get(back).words
    cookies = {host: dict(jar) for host, jar in kept.items()}
    assert visitor.get(back).status == 303
    visitor.cookies = cookies
    before = made(house)
    again = visitor.get(back)
    assert (again.status, "was finished already" in again.words) == (401, True), again.words
    # A code that was redeemed, in another sign-in that has only begun.
    code = value(back, "code")
    other = Visitor(house.address)
    replayed = other.get(changed(other.come_back("odd"), code=code))
    assert (replayed.status, "it was used, or is too old" in replayed.words) == (401, True), replayed.words
    assert made(house) == before


def test_a_sign_in_gets_a_session_of_its_own_and_ends_the_one_before(house: House, odd: Provider):
    visitor = Visitor(house.address)
    visitor.sign_in("odd")
    first = visitor.session
    visitor.sign_in("odd")
    assert visitor.session not in (None, first)
    thief = Visitor(house.address)
    thief.cookies = {house.address.removeprefix("http://"): {"weir_session": first or ""}}
    assert thief.get("/").status == 303


def test_a_way_back_cannot_lead_elsewhere(house: House, odd: Provider):
    visitor = Visitor(house.address)
    host = house.address.removeprefix("http://")
    visitor.cookies[host] = {"weir_next": "%2F%2Fevil.example"}
    assert visitor.sign_in("odd").location == "/"


def test_keys_that_are_taken_back(house: House, odd: Provider):
    odd.tell("make_key", name="second", kind="P-256")
    odd.tell("set", key="second")
    assert Visitor(house.address).sign_in("odd").status in (303, 401)
    # Unknown keys make them be read once in half a minute: the tests before may have used it up.
    wait_for(lambda: Visitor(house.address).sign_in("odd").status == 303, 60, "the new key")
    odd.tell("unpublish", name="first")
    odd.tell("make_key", name="third", kind="RSA")
    odd.tell("set", key="third")
    wait_for(lambda: Visitor(house.address).sign_in("odd").status == 303, 60, "the newest key")
    odd.tell("set", key="first")
    before = made(house)
    refused = Visitor(house.address).sign_in("odd")
    assert (refused.status, "does not publish" in refused.words) == (401, True), refused.words
    assert made(house) == before
    odd.tell("set", key="second")


def test_an_issuer_lets_nobody_into_an_organization_without_a_rule(house: House, odd: Provider):
    with house.metadata() as connection:
        connection.execute(
            "SELECT weir.ensure_organization_with_owner('other', 'owner', gen_random_uuid(), gen_random_uuid())")
        connection.execute("SET row_security = off")
        connection.execute(
            """INSERT INTO weir.principals (principal_id, organization_id, name, kind, email, state)
               SELECT gen_random_uuid(), organization_id, 'otto@acme.example', 'person', 'otto@acme.example', 'active'
               FROM weir.organizations WHERE slug = 'other'""")
    visitor = Visitor(house.address)
    visitor.sign_in("odd")
    assert visitor.is_signed_in
    member = rows(house, """SELECT person_id FROM weir.principals p JOIN weir.organizations o USING (organization_id)
                            WHERE o.slug = 'other' AND p.email = 'otto@acme.example'""")
    assert member == [(None,)]


def test_accounts_of_two_issuers_are_not_one_person_by_their_address(house: House, odd: Provider, canaille: Provider):
    """Bob of Canaille is a member already; somebody of the odd provider says that he has the same address."""
    before = made(house)
    visitor = Visitor(house.address)
    odd.tell("set", key="second", claims={"sub": "no-bob", "email": "bob@acme.example"})
    answer = visitor.sign_in("odd")
    odd.tell("set", key="second")
    assert (answer.status, "Somebody else of" in answer.words) == (403, True), answer.words
    assert visitor.session is None
    assert made(house) == before


# Leaving


def test_a_provider_signs_people_out(house: House, odd: Provider):
    odd.tell("set", key="second", claims={"sid": "session-1"})
    one, other = Visitor(house.address), Visitor(house.address)
    one.sign_in("odd")
    odd.tell("set", key="second", claims={"sid": "session-2"})
    other.sign_in("odd")
    claims = {
        "iss": odd.issuer, "aud": "weirhouse", "iat": now(), "exp": now() + 120, "jti": secrets.token_hex(8),
        "sid": "session-1", "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }

    def send(**changes: Any) -> int:
        token = odd.tell("sign", claims=claims | changes, header={"typ": "logout+jwt"}, key="second")["token"]
        return Visitor(house.address).ask(
            "POST", "/sign-in/backchannel/odd", {"logout_token": token}).status

    assert send(nonce="n", jti="2") == 400
    assert send(aud="other", jti="3") == 400
    assert Visitor(house.address).ask("POST", "/sign-in/backchannel/odd", {"logout_token": "x"}).status == 400
    assert one.is_signed_in and other.is_signed_in
    assert send() == 200
    assert not one.is_signed_in and other.is_signed_in
    assert send() == 400, "it came before"
    assert send(sid="nobody's", jti="4") == 200
    assert other.is_signed_in


def test_a_third_partys_provider_without_key_ids(house: House):
    mock = Mock()
    try:
        add_issuer(house, "mock", mock.issuer, secret="any")
        add_rule(house, "mock", "--domain", "mock.example", "--role", "analyst")
        visitor = Visitor(house.address)
        # It asks who one is, by a form that posts to the same address.
        at_provider = visitor.begin("mock")
        answer = visitor.ask("POST", at_provider, {"sub": "carol"})
        assert answer.status in (302, 303), answer.words
        back = visitor.get(answer.location)
        assert back.status == 303, back.words
        assert visitor.is_signed_in
        assert grants(house, "carol@mock.example") == [("*", "analyst")]
    finally:
        mock.end()


def test_secrets_are_shown_nowhere(house: House, canaille: Provider):
    listed = house.weir("issuers", "--json").out
    dump = "".join(str(row) for row in rows(house, "SELECT * FROM weir.issuers") + rows(house, "SELECT * FROM weir.sign_ins"))
    for text in (listed, dump, house.log.read_text(errors="replace")):
        assert "s3cret of the client" not in text
