"""Tokens, sign-in of command lines, sessions and privacy through the real binary: `weir login` is approved in Chromium,
tokens are narrowed, rotated, revoked and over, sessions end at once, an account is exported and erased."""
import hashlib
import json
import re
import subprocess
import time
import urllib.error
import urllib.request
import uuid
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from browsing import Browsing, browse, no_faults
from house import House, Said
from processes import wait_for

pytestmark = pytest.mark.timeout(120)
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TERMS = "https://acme.example/terms"


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    house = make_module_house()
    return house.start(WEIR_SESSION_MINUTES="90")


@pytest.fixture(scope="module")
def address(house: House) -> str:
    return json.loads((house.folder / "server.json").read_text())["address"]


@pytest.fixture(scope="module")
def here(house: House, address: str, browser: Browser, artefacts: Path) -> Iterator[Browsing]:
    """The local admin, signed in."""
    folder = artefacts.parent / "tokens-e2e"
    folder.mkdir(exist_ok=True)
    here = browse(browser, address, folder, viewport={"width": 1280, "height": 900}, color_scheme="light")
    here.page.goto(house.weir("sign-in-link").out.strip())
    here.page.get_by_role("button", name="Sign in").click()
    yield here
    here.context.close()


@dataclass
class Answer:
    status: int
    body: Any


def ask(address: str, token: str, path: str, body: Any = None, method: str | None = None) -> Answer:
    request = urllib.request.Request(
        address + path, None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            text = response.read()
            return Answer(response.status, json.loads(text) if text else None)
    except urllib.error.HTTPError as error:
        return Answer(error.code, json.loads(error.read()))


def person(house: House, email: str, role: str) -> tuple[str, str]:
    """Somebody who can sign in, as an issuer would let them in; their token and their session."""
    principal, human = uuid.uuid4(), uuid.uuid4()
    secrets = {kind: f"weir_{kind}_{uuid.uuid4().hex}{uuid.uuid4().hex[:11]}" for kind in ("token", "session")}
    with house.metadata() as metadata:
        organization = metadata.execute("SELECT organization_id FROM weir.organizations").fetchone()[0]
        metadata.execute("INSERT INTO weir.people (person_id, email, name) VALUES (%s, %s, 'Ana Example')", (human, email))
        metadata.execute(
            "INSERT INTO weir.principals (principal_id, organization_id, name, kind, person_id, email, display) "
            "VALUES (%s, %s, %s, 'person', %s, %s, 'Ana Example')", (principal, organization, email, human, email))
        metadata.execute(
            "INSERT INTO weir.grants (organization_id, principal_id, role) VALUES (%s, %s, %s)",
            (organization, principal, role))
        for kind, secret in secrets.items():
            metadata.execute(
                "INSERT INTO weir.credentials (hash, kind, organization_id, principal_id, expires_at) "
                "VALUES (%s, %s, %s, %s, now() + interval '1 hour')",
                (hashlib.sha256(secret.encode()).digest(), kind, organization, principal))
    return secrets["token"], secrets["session"]


def dump(house: House) -> str:
    """All rows of all tables of the metadata but the audit's, which keeps who did what (docs/privacy.md)."""
    with house.metadata() as metadata:
        tables = metadata.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'weir' AND tablename <> 'audit_lines'"
        ).fetchall()
        return "\n".join(
            str(row) for (table,) in tables for row in metadata.execute(f"SELECT t::text FROM weir.{table} t").fetchall())


def as_remote(house: House, address: str, *arguments: str) -> Said:
    return house.weir(*arguments, WEIR_SERVER=address, XDG_CONFIG_HOME=str(house.home / "config"))


# Signing a command line in


def begin_login(house: House, address: str) -> tuple[subprocess.Popen[str], str, str]:
    """`weir login`, and the address and code that it shows."""
    login = subprocess.Popen(
        [house.binary, "login", address], env=house.variables(XDG_CONFIG_HOME=str(house.home / "config"), USER="ana"),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/")
    said = ""
    while "Waiting" not in said:
        line = login.stderr.readline()
        assert line, f"weir login ended: {said}"
        said += line
    page = re.search(r"(http\S+/device\?code=\S+)", said)
    code = re.search(r"this code: (\S+)", said)
    assert page and code, said
    return login, page[1], code[1]


def test_login_is_approved_in_a_browser(house: House, address: str, here: Browsing) -> None:
    login, link, code = begin_login(house, address)
    here.page.goto(link)
    expect(here.page.get_by_role("heading", level=1)).to_have_text("Let this command line in?")
    expect(here.page.locator("main")).to_contain_text(code)
    expect(here.page.locator("main")).to_contain_text("ana at ")
    expect(here.page.locator("main")).to_contain_text("Only go on if you ran weir login yourself")
    here.picture("device-confirm")
    here.page.get_by_label("It may").select_option("read")
    here.page.get_by_label("For", exact=True).select_option("7")
    here.page.get_by_role("button", name="Let it in").click()
    expect(here.page.get_by_role("heading", level=1)).to_have_text("It is let in")
    out, _ = login.communicate(timeout=30)
    assert login.returncode == 0 and "Signed in to acme" in out
    kept = house.home / "config" / "weir" / "credentials.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    token = json.loads(kept.read_text())["servers"][address]["token"]
    assert re.fullmatch(r"weir_token_[0-9A-Za-z]{49}", token)
    no_faults(here)

    who = as_remote(house, address, "whoami", "--json")
    assert who.status == 0 and who.json["name"] == "admin" and "runs.read" in who.json["permissions"]
    assert as_remote(house, address, "runs").status == 0
    # It is narrowed to reading.
    refused = as_remote(house, address, "limits", "set", "source/dev/shop", "--most", "1")
    assert refused.status == 1 and "scopes leave it out" in refused.err
    assert as_remote(house, address, "sign-in-link").status == 1
    # The code is used up.
    here.page.goto(link)
    expect(here.page.get_by_role("alert")).to_contain_text("No sign-in waits with this code.")
    here.faults.clear()

    assert as_remote(house, address, "logout").status == 0
    assert ask(address, token, "/api/v1/account").status == 401
    gone = as_remote(house, address, "whoami")
    assert gone.status == 1 and gone.lines == [
        f"weir: You are not signed in to {address}. Sign in with: weir login {address}"]


def test_login_is_denied_in_a_browser_after_the_code_was_typed(house: House, address: str, here: Browsing) -> None:
    login, _, code = begin_login(house, address)
    here.open("/device").get_by_label("Code").fill(code.lower().replace("-", ""))
    here.page.get_by_role("button", name="Go on").click()
    here.page.get_by_role("button", name="Deny").click()
    expect(here.page.get_by_role("heading", level=1)).to_have_text("It is denied")
    _, said = login.communicate(timeout=30)
    assert login.returncode == 1 and "denied in the browser" in said
    no_faults(here)


def test_another_site_cannot_approve(address: str, house: House, here: Browsing) -> None:
    started = ask(address, "", "/api/v1/device", {"machine": "evil"}).body
    cookies = "; ".join(f"{cookie['name']}={cookie['value']}" for cookie in here.context.cookies())
    request = urllib.request.Request(
        f"{address}/device", f"code={started['user_code']}&answer=approve&scopes=all&days=1".encode(),
        {"Cookie": cookies, "Origin": "https://evil.example", "Content-Type": "application/x-www-form-urlencoded"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    assert refused.value.code == 403
    answer = ask(address, "", "/api/v1/device/token", {"device_code": started["device_code"]})
    assert answer.status == 400 and answer.body["error"] == "authorization_pending"
    answer = ask(address, "", "/api/v1/device/token", {"device_code": started["device_code"]})
    assert answer.body["error"] == "slow_down"


@pytest.mark.parametrize("address, sentence", [
    ("http://127.0.0.1:1", "There is no server at http://127.0.0.1:1."),
    ("http://weir.acme.example", "http://weir.acme.example is not encrypted"),
    ("ftp://a", "ftp://a is no address of a server."),
])
def test_login_where_there_is_no_server_says_so_in_one_line(house: House, address: str, sentence: str) -> None:
    said = house.weir("login", address, XDG_CONFIG_HOME=str(house.home / "config"))
    assert said.status == 1 and len(said.lines) == 1 and sentence in said.lines[0]


# Tokens


def checksum(random: str) -> str:
    """As docs/tokens.md has it."""
    number, text = zlib.crc32(random.encode()), ""
    for _ in range(6):
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    return text


def test_a_token_is_shown_once_narrowed_and_revoked(house: House, address: str) -> None:
    made = house.weir("tokens", "create", "nightly export", "--scopes", "read", "--days", "30", "--json").json
    secret = made["secret"]
    assert secret[-6:] == checksum(secret[len("weir_token_"):-6])
    assert ask(address, secret, "/api/v1/runs").status == 200
    refused = ask(address, secret, "/api/v1/tokens", {"name": "wider", "scopes": ["all"]})
    assert refused.status == 403 and refused.body["code"] == "forbidden"
    assert ask(address, secret, "/api/v1/sign-in-codes", method="POST").status == 403
    listed = {token["token_id"]: token for token in house.weir("tokens", "--json").json["tokens"]}
    entry = listed[made["token"]["token_id"]]
    assert entry["prefix"] == secret[:15] and entry["scopes"] == ["read"] and entry["last_used_from"] == "127.0.0.1"
    assert secret not in json.dumps(listed) and secret not in dump(house) and secret not in house.log_tail(2000)
    assert house.weir("tokens", "revoke", entry["token_id"]).status == 0
    assert ask(address, secret, "/api/v1/runs").status == 401


def test_a_narrowed_token_cannot_widen_itself(house: House, address: str) -> None:
    narrow = house.weir("tokens", "create", "n", "--scopes", "account.manage,runs.read", "--json").json["secret"]
    assert ask(address, narrow, "/api/v1/tokens", {"name": "same", "scopes": ["runs.read"]}).status == 201
    for scopes in (["all"], ["read"], ["runs.manage"]):
        assert ask(address, narrow, "/api/v1/tokens", {"name": "wider", "scopes": scopes}).status == 403
    assert ask(address, narrow, "/api/v1/sign-in-codes", method="POST").status == 403
    assert ask(address, narrow, "/api/v1/account/erase", {"confirm": "admin"}).status == 403
    whole = next(t for t in house.weir("tokens", "--json").json["tokens"] if t["scopes"] == ["all"])
    assert ask(address, narrow, f"/api/v1/tokens/{whole['token_id']}/rotate", {}).status == 403
    # Nor give to others what it has not.
    scopes = "tokens.manage,signin.manage,members.manage,account.manage"
    giver = house.weir("tokens", "create", "g", "--scopes", scopes, "--json").json["secret"]
    rule = {"issuer": "okta", "kind": "domain", "value": "acme.example", "role": "viewer"}
    for path, body in (
        ("services", {"name": "wide", "roles": [{"role": "admin"}]}), ("sign-in-rules", rule),
        ("members", {"email": "eva@acme.example", "role": "viewer"}),
    ):
        refused = ask(address, giver, f"/api/v1/{path}", body)
        assert refused.status == 403 and "more than this token's scopes" in refused.body["detail"], refused


def test_a_typo_is_told_from_a_token_that_is_over(house: House, address: str) -> None:
    secret = house.weir("tokens", "create", "x", "--json").json["secret"]
    typo = secret[:20] + ("a" if secret[20] != "a" else "b") + secret[21:]
    answer = ask(address, typo, "/api/v1/runs")
    assert answer.status == 401 and answer.body["detail"] == "This is not a token of Weirhouse (checksum)."
    with house.metadata() as metadata:
        metadata.execute(
            "UPDATE weir.credentials SET expires_at = now() WHERE hash = %s", (hashlib.sha256(secret.encode()).digest(),))
    answer = ask(address, secret, "/api/v1/runs")
    assert answer.status == 401 and "is over" in answer.body["detail"]


def test_a_rotated_token_goes_on_for_its_grace_time(house: House, address: str) -> None:
    old = house.weir("tokens", "create", "etl", "--scopes", "read", "--json").json
    new = house.weir("tokens", "rotate", old["token"]["token_id"], "--grace", "2h", "--json").json
    assert new["token"]["name"] == "etl" and new["token"]["scopes"] == ["read"]
    assert [ask(address, secret, "/api/v1/runs").status for secret in (old["secret"], new["secret"])] == [200, 200]
    newest = house.weir("tokens", "rotate", new["token"]["token_id"], "--grace", "0", "--json").json
    assert ask(address, new["secret"], "/api/v1/runs").status == 401
    assert ask(address, newest["secret"], "/api/v1/runs").status == 200
    assert house.weir("tokens", "rotate", newest["token"]["token_id"], "--grace", "8d").status == 2


def test_tokens_shrink_with_roles_and_services_end_with_their_tokens(house: House, address: str) -> None:
    token, _ = person(house, "ben@acme.example", "engineer")
    scoped = ask(address, token, "/api/v1/tokens", {"name": "b", "scopes": ["workforce.manage", "runs.read"]})
    assert scoped.status == 201
    assert ask(address, token, "/api/v1/tokens", {"name": "b", "scopes": ["secrets.manage"]}).status == 403
    assert ask(address, token, "/api/v1/tokens?whose=all").status == 403
    assert ask(address, token, "/api/v1/services").status == 403
    other = house.weir("tokens", "create", "mine", "--json").json["token"]["token_id"]
    assert ask(address, token, f"/api/v1/tokens/{other}", method="DELETE").status == 404
    limit = {"key": "source/dev/shop", "most": 2}
    assert ask(address, scoped.body["secret"], "/api/v1/limits", limit, "PUT").status == 200
    with house.metadata() as metadata:
        metadata.execute(
            "UPDATE weir.grants SET role = 'viewer' WHERE principal_id = (SELECT principal_id FROM weir.principals "
            "WHERE name = 'ben@acme.example')")
    wait_for(lambda: ask(address, scoped.body["secret"], "/api/v1/limits", limit, "PUT").status == 403, 10)
    assert ask(address, scoped.body["secret"], "/api/v1/runs").status == 200

    assert house.weir("services", "create", "etl", "--role", "engineer:dev").status == 0
    secret = house.weir("tokens", "create", "e", "--service", "etl", "--scopes", "all", "--json").json["secret"]
    assert ask(address, secret, "/api/v1/account").body["roles"] == [{"role": "engineer", "environment": "dev"}]
    assert house.weir("services", "create", "boss", "--role", "owner").status == 1
    assert house.weir("services", "remove", "etl").status == 0
    assert ask(address, secret, "/api/v1/account").status == 401


def test_whoever_follows_a_run_is_told_no_more_of_it_when_the_token_is_over(house: House, address: str) -> None:
    token, _ = person(house, "fay@acme.example", "viewer")
    run = str(uuid.uuid4())
    line = "INSERT INTO weir.log_lines (organization_id, run_id, job_kind, level, text) " \
        "SELECT organization_id, run_id, 'load', 'info', %s FROM weir.runs WHERE run_id = %s"
    with house.metadata() as metadata:
        metadata.execute(
            "INSERT INTO weir.runs (run_id, organization_id, kind, environment, source, state) "
            "SELECT %s, organization_id, 'clone', 'dev', 'long', 'RUNNING' FROM weir.organizations", [run])
        request = urllib.request.Request(
            f"{address}/api/v1/runs/{run}/events", headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=30) as feed:
            metadata.execute(line, ["before", run])
            while b'"text":"before"' not in (read := feed.readline()):
                assert read, "the feed has ended"
            ended = time.monotonic()
            metadata.execute("DELETE FROM weir.credentials WHERE principal_id = "
                             "(SELECT principal_id FROM weir.principals WHERE name = 'fay@acme.example')")
            # A right is asked for again after five seconds; until then lines may come.
            wait_for(lambda: time.monotonic() - ended > 5.1, 10)
            metadata.execute(line, ["after", run])
            rest = feed.read().decode()
    assert "event: problem" in rest and "You may not follow this run any more." in rest
    assert '"text":"after"' not in rest


# Pages


def test_a_token_is_made_and_revoked_on_its_page(house: House, address: str, here: Browsing) -> None:
    here.open("/tokens/new")
    here.page.get_by_label("What it is for").fill("from the console")
    here.page.get_by_label("Only these").check()
    here.page.get_by_label("see runs and their logs").check()
    here.picture("token-form")
    here.page.get_by_role("button", name="Make the token").click()
    secret = here.page.locator("pre code").inner_text()
    here.picture("token-made")
    assert ask(address, secret, "/api/v1/runs").status == 200
    assert ask(address, secret, "/api/v1/limits").status == 403
    here.page.get_by_role("link", name="I have it").click()
    expect(here.page.get_by_text("from the console")).to_be_visible()
    assert secret not in here.page.content()
    here.picture("tokens")
    here.page.get_by_role("link", name="Revoke from the console").click()
    here.page.get_by_role("button", name="Revoke the token").click()
    expect(here.page.get_by_text("from the console")).to_have_count(0)
    assert ask(address, secret, "/api/v1/runs").status == 401
    no_faults(here)


def session_page(browser: Browser, address: str, session: str, artefacts: Path) -> Browsing:
    there = browse(browser, address, artefacts.parent / "tokens-e2e", viewport={"width": 390, "height": 800})
    there.context.add_cookies([{"name": "weir_session", "value": session, "url": address}])
    return there


def test_sessions_are_listed_and_end_at_once(house: House, address: str, browser: Browser, artefacts: Path,
                                            here: Browsing) -> None:
    cookie = next(cookie for cookie in here.context.cookies() if cookie["name"] == "weir_session")
    with house.metadata() as metadata:
        left = metadata.execute(
            "SELECT extract(epoch FROM expires_at)::float8 FROM weir.credentials WHERE hash = %s",
            (hashlib.sha256(cookie["value"].encode()).digest(),)).fetchone()[0]
    # 90 minutes, as WEIR_SESSION_MINUTES says, for the cookie and the session alike.
    assert abs(cookie["expires"] - left) < 30
    _, session = person(house, "cid@acme.example", "analyst")
    there = session_page(browser, address, session, artefacts)
    there.open("/account")
    expect(there.page.get_by_text("this one")).to_be_visible()
    there.picture("account-phone")
    ended = house.weir("sessions", "revoke", "--member", "cid@acme.example", "--json").json
    assert ended == {"ended": 1}
    there.open("/account")
    expect(there.page).to_have_url(re.compile("/sign-in$"))
    there.context.close()
    mine = house.weir("sessions", "--json").json["sessions"]
    assert any("Chrom" in (session.get("browser") or "") for session in mine)
    assert house.weir("sessions", "revoke", str(uuid.uuid4())).status == 1


# Privacy


def test_an_account_is_exported_and_erased(house: House, address: str, browser: Browser, artefacts: Path) -> None:
    email = "dora.e2e@acme.example"
    token, session = person(house, email, "engineer")
    assert ask(address, token, "/api/v1/schedules").status == 200
    with house.metadata() as metadata:
        metadata.execute(
            "INSERT INTO weir.subscriptions (subscription_id, organization_id, principal_id, channel, target, events) "
            "SELECT gen_random_uuid(), organization_id, principal_id, 'email', %s, '{failure}' FROM weir.principals "
            "WHERE name = %s", (email.upper(), email))
    # Its reason names who did it.
    assert ask(address, token, "/api/v1/limits/pause", {"key": "source/dev/dora", "minutes": 5}).status == 200
    assert f"paused by {email}" in dump(house)
    export = ask(address, token, "/api/v1/account/export").body
    assert export["person"]["email"] == email and export["memberships"][0]["organization"] == "acme"
    assert len(export["sessions"]) == 1 and len(export["tokens"]) == 1
    assert token not in json.dumps(export)

    there = session_page(browser, address, session, artefacts)
    there.open("/account").get_by_label("To say that you mean it").fill("somebody else")
    there.page.get_by_role("button", name="Erase my account").click()
    expect(there.page.get_by_role("alert")).to_contain_text("The name does not match.")
    there.page.get_by_label("To say that you mean it").fill(email)
    there.page.get_by_role("button", name="Erase my account").click()
    expect(there.page.get_by_role("heading", level=1)).to_have_text("Your account is erased")
    there.context.close()
    assert ask(address, token, "/api/v1/account").status == 401
    left = dump(house)
    assert email not in left.lower()
    assert "paused by erased person" in left


def test_the_last_owner_and_the_local_admin_stay(house: House, address: str) -> None:
    refused = house.weir("account", "erase", "--confirm", "admin")
    assert refused.status == 1 and "no person's account" in refused.err
    token, _ = person(house, "eve@acme.example", "owner")
    with house.metadata() as metadata:
        metadata.execute(
            "DELETE FROM weir.grants WHERE principal_id = (SELECT principal_id FROM weir.principals WHERE name = 'admin')")
    answer = ask(address, token, "/api/v1/account/erase", {"confirm": "eve@acme.example"})
    assert answer.status == 409 and answer.body["detail"] == "You are the only owner of acme."
    assert ask(address, token, "/api/v1/account").status == 200


def test_terms_are_agreed_to_once_for_each_version(make_house: Callable[..., House], browser: Browser,
                                                   artefacts: Path) -> None:
    house = make_house()

    def agree_to(version: str, expected: bool) -> None:
        house.start(WEIR_TERMS_URL=TERMS, WEIR_TERMS_VERSION=version)
        address = json.loads((house.folder / "server.json").read_text())["address"]
        there = browse(browser, address, artefacts.parent / "tokens-e2e")
        there.page.goto(house.weir("sign-in-link").out.strip())
        there.page.get_by_role("button", name="Sign in").click()
        there.open("/runs")
        if expected:
            expect(there.page.get_by_role("heading", level=1)).to_have_text("Before you go on")
            expect(there.page.locator("main")).to_contain_text(f"version {version}")
            there.picture(f"consent-{version}")
            # Whoever does not agree may still take their data; everything else leads back here.
            there.page.get_by_role("link", name="take your data").click()
            expect(there.page.get_by_role("heading", level=1)).to_have_text("Account")
            there.open("/runs?state=failed")
            expect(there.page).to_have_url(re.compile(r"/consent\?next=%2Fruns%3Fstate%3Dfailed$"))
            there.page.get_by_label("I have read them").check()
            there.page.get_by_role("button", name="Go on").click()
            expect(there.page).to_have_url(re.compile(r"/runs\?state=failed$"))
        expect(there.page.get_by_role("heading", level=1)).to_have_text("Runs")
        there.context.close()
        house.stop()

    agree_to("1", True)
    agree_to("1", False)
    agree_to("2", True)
    with_both = house.start(WEIR_TERMS_URL=TERMS, WEIR_TERMS_VERSION="2").get("/api/v1/account/export")["consents"]
    assert [consent["version"] for consent in with_both] == ["1", "2"]
    assert all(consent["came_from"] == "127.0.0.1" for consent in with_both)


def test_the_data_folders_token_stays_revoked_and_the_next_start_makes_another(make_house: Callable[..., House]) -> None:
    house = make_house().start()
    old = (house.folder / "token").read_text().strip()
    house.call("DELETE", f"/api/v1/tokens/{house.get('/api/v1/account')['credential_id']}")
    assert house.weir("status").status == 1
    assert house.stop() == 0
    house.start()
    new = (house.folder / "token").read_text().strip()
    assert new != old and house.get("/api/v1/account")["name"] == "admin"
    request = urllib.request.Request(f"{house.address}/api/v1/account", headers={"Authorization": f"Bearer {old}"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=10)
    assert refused.value.code == 401
    # One that whoever holds the folder writes there counts from the next start on, and stays.
    for _ in range(2):
        assert house.stop() == 0
        (house.folder / "token").write_text("an operator's own text\n")
        house.start()
        assert (house.folder / "token").read_text() == "an operator's own text\n"
        assert house.get("/api/v1/account")["name"] == "admin"
