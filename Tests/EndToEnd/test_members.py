"""Who belongs to an organization: invited, joined in a real browser, given roles, shut out; organizations suspended and
deleted. Through the real binary."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from databases import SHOP, Database
from house import House, Refused
from peers import Peer
from processes import wait_for

pytestmark = pytest.mark.timeout(180)
ANA = "ana@acme.example"


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House], make_module_database: Callable[..., Database]) -> House:
    house = make_module_house().start()
    house.clone(make_module_database("shop", SHOP).url, "--source", "shop", "--tables", "notes")
    return house


def said(house: House, *arguments: str) -> Any:
    """What a command that must go well prints with `--json`."""
    done = house.weir(*arguments, "--json")
    assert done.status == 0, f"{arguments}: {done.err}"
    return done.json


def invite(house: House, email: str, *arguments: str) -> str:
    """The link."""
    return said(house, "members", "invite", email, *arguments)["join_url"]


def join(browser: Browser, link: str, name: str, **options: Any) -> BrowserContext:
    context = browser.new_context(**options)
    context.set_default_timeout(15_000)
    page = context.new_page()
    page.goto(link)
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Home")
    return context


def status(context: BrowserContext, address: str) -> int:
    return context.request.get(address, max_redirects=0).status


def origin(link: str) -> str:
    split = urlsplit(link)
    return f"{split.scheme}://{split.netloc}"


def ask(house: House, path: str, token: str) -> int:
    address = json.loads((house.folder / "server.json").read_text())["address"]
    request = urllib.request.Request(address + path, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


def token_of(house: House, email: str, organization: str = "acme") -> str:
    """An API token of a member, put where the server looks for one."""
    secret = f"member_{email}_{organization}"
    with house.metadata() as connection:
        connection.execute(
            """INSERT INTO weir.credentials (hash, kind, organization_id, principal_id)
               SELECT sha256(%s::bytea), 'token', o.organization_id, p.principal_id FROM weir.principals p
               JOIN weir.organizations o USING (organization_id) WHERE p.name = %s AND o.slug = %s
               ON CONFLICT DO NOTHING""", (secret, email, organization))
    return secret


def test_an_invited_person_joins_does_what_the_role_says_and_is_shut_out(house: House, browser: Browser) -> None:
    link = invite(house, ANA, "--role", "viewer")
    assert re.search(r"/join/weir_code_[\w-]{43}$", link)
    assert [m["state"] for m in said(house, "members")["members"] if m["name"] == ANA] == ["invited"]
    ana = join(browser, link, "Ana", viewport={"width": 1280, "height": 900})
    here = origin(link)
    # Once.
    stranger = browser.new_context()
    assert status(stranger, link) == 401

    # A viewer sees runs; tables, people and the name of the organization are not theirs.
    page = ana.pages[0]
    expect(page.get_by_role("link", name="Runs", exact=True)).to_be_visible()
    assert page.get_by_role("link", name="Tables").count() == 0
    assert page.get_by_role("link", name="People").count() == 0
    for path, wanted in {"/runs": 200, "/organization": 200, "/tables": 403, "/people": 403, "/roles": 403}.items():
        assert status(ana, here + path) == wanted, path
    assert ana.request.post(here + "/organization", headers={"Origin": here}, form={"name": "Mine"}).status == 403
    assert ana.request.post(here + "/people", headers={"Origin": here}, form={"email": "x@acme.example", "role": "owner"}).status == 403
    no = house.weir("access", "explain", ANA, "data.read", "--environment", "dev")
    assert no.status == 1 and "takes one of the roles analyst, engineer, admin, owner. There is only viewer" in no.out

    # More, in one environment, at once.
    said(house, "members", "grant", ANA, "--role", "analyst", "--environment", "dev")
    wait_for(lambda: status(ana, here + "/tables") == 200, 5, "the new role")
    assert status(ana, here + "/tables?environment=prod") == 403
    assert house.weir("access", "explain", ANA, "data.read", "--environment", "dev").status == 0

    # Nothing any more, within seconds, tokens included.
    token = token_of(house, ANA)
    assert ask(house, "/api/v1/runs", token) == 200
    said(house, "members", "deactivate", ANA)
    wait_for(lambda: ask(house, "/api/v1/runs", token) == 401, 5, "the end of the token")
    wait_for(lambda: status(ana, here + "/runs") == 303, 5, "the end of the session")
    page.goto(here + "/runs")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in to Weirhouse")

    # Back, but not with what they had.
    said(house, "members", "activate", ANA)
    assert ask(house, "/api/v1/runs", token) == 401
    assert status(ana, here + "/runs") == 303
    house.weir("members", "remove", ANA)
    assert [m["name"] for m in said(house, "members")["members"]] == ["admin"]
    ana.close()
    stranger.close()


def test_nobody_gives_more_than_they_have_and_an_owner_stays(house: House, browser: Browser) -> None:
    link = invite(house, "boss@acme.example", "--role", "admin")
    boss = join(browser, link, "Boss")
    here = origin(link)
    page = boss.pages[0]
    page.goto(here + "/people")
    assert page.get_by_label("Role").locator("option[value=owner]").count() == 0
    # What the form does not offer is refused too.
    assert boss.request.post(here + "/people", headers={"Origin": here}, form={"email": "x@acme.example", "role": "owner"}).status == 403
    admin = next(m for m in said(house, "members")["members"] if m["name"] == "admin")
    for path, form in (("grant", {"role": "owner"}), ("revoke", {"role": "owner"}), ("deactivate", {}), ("remove", {})):
        assert boss.request.post(f"{here}/people/{admin['member_id']}/{path}", headers={"Origin": here}, form=form).status == 403, path
    assert status(boss, here + "/organization/delete") == 403
    # A new link for an owner would let its maker in as one.
    invite(house, "olga@acme.example", "--role", "owner")
    for email in ("olga@acme.example", " Olga@Acme.example "):
        again = boss.request.post(here + "/people", headers={"Origin": here}, form={"email": email, "role": "viewer"})
        assert again.status == 403 and "/join/" not in again.text()
    last = house.weir("members", "revoke", "admin", "--role", "owner")
    assert last.status == 1 and "would have no owner" in last.err

    # They invite in the console; the link is shown once.
    page.goto(here + "/people")
    page.get_by_label("E-mail address").fill("eve@acme.example")
    page.get_by_role("button", name="Invite").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Invited")
    assert "/join/weir_code_" in page.locator("pre").inner_text()
    for name in ("boss@acme.example", "eve@acme.example", "olga@acme.example"):
        house.weir("members", "remove", name)
    boss.close()


def test_a_suspended_organization_starts_nothing_and_says_why(house: House, browser: Browser) -> None:
    link = invite(house, "eng@acme.example", "--role", "engineer")
    engineer = join(browser, link, "Eng")
    here = origin(link)
    said(house, "schedules", "set", "often", "--source", "shop", "--every", "6h")
    said(house, "limits", "pause", "organization", "--because", "lunch")
    run = house.call("POST", "/api/v1/clones", {"source": "shop", "tables": ["notes"]})["run_id"]
    # Lengths are of code points, as the database counts them.
    with pytest.raises(Refused) as refused:
        house.call("POST", "/api/v1/organizations/acme/suspend", {"because": "e\u0301" * 300})
    assert refused.value.status == 400
    said(house, "organizations", "suspend", "acme", "--because", "the invoice is open")
    with house.metadata() as connection:
        connection.execute(
            "UPDATE weir.schedules SET anchor = date_trunc('second', now()) - interval '1 minute', look_at = now(),"
            " next_at = date_trunc('second', now()) - interval '1 minute'")
    words = "waiting because the organization is suspended: the invoice is open"

    def reason() -> str | None:
        with house.metadata() as connection:
            row = connection.execute(
                "SELECT l.paused_because FROM weir.jobs j JOIN weir.limits l ON l.key = j.waits_for"
                " WHERE j.run_id = %s AND j.waits = 'pause'", (run,)).fetchone()
            return row and row[0]

    wait_for(lambda: reason() == words.removeprefix("waiting because "), 30, "the job to be held")
    # Its people are told why, and can do nothing.
    assert "suspended: the invoice is open" in engineer.request.get(here + "/").text()
    refused = engineer.request.get(here + "/runs")
    assert refused.status == 403 and "The organization acme is suspended: the invoice is open." in refused.text()
    assert engineer.request.post(here + "/organization/resume", headers={"Origin": here}).status == 403
    clone = house.weir("clone", "--source", "shop", "--detach")
    assert clone.status == 1 and "suspended: the invoice is open" in clone.err
    with house.metadata() as connection:
        assert connection.execute("SELECT last_run_id FROM weir.schedules").fetchone() == (None,)

    said(house, "organizations", "resume", "acme")
    assert house.wait_for_run(run)["run"]["state"] == "SUCCESS"
    wait_for(lambda: said(house, "schedules", "show", "often").get("last_run_id"), 30, "the schedule to fire")
    said(house, "schedules", "pause", "often")
    house.weir("members", "remove", "eng@acme.example")
    engineer.close()


def waits_for(house: House, run: str) -> str | None:
    """The key of the limit that holds back a job of the run."""
    with house.metadata() as connection:
        row = connection.execute(
            "SELECT waits_for FROM weir.jobs WHERE run_id = %s AND waits = 'limit'", (run,)).fetchone()
    return row and row[0]


def traces(house: House, slug: str) -> dict[str, int]:
    """What is left of an organization: rows by table, roles, schemas, folders."""
    with house.metadata() as connection:
        tables = [row[0] for row in connection.execute(
            "SELECT DISTINCT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f'"
            " AND confrelid = 'weir.organizations'::regclass")]
        found = {table: connection.execute(
            f"SELECT count(*) FROM {table} t WHERE organization_id IN (SELECT organization_id FROM gone_organizations"
            " WHERE slug = %s)", (slug,)).fetchone()[0] for table in tables}
        found["organizations"] = connection.execute(
            "SELECT count(*) FROM weir.organizations WHERE slug = %s", (slug,)).fetchone()[0]
        found["roles"] = connection.execute(
            "SELECT count(*) FROM pg_roles WHERE rolname LIKE %s", (f"lake\\_{slug}\\_%",)).fetchone()[0]
        found["schemas"] = connection.execute(
            "SELECT count(*) FROM pg_namespace WHERE nspname LIKE %s", (f"lake\\_{slug}\\_%",)).fetchone()[0]
    found["folders"] = sum(1 for path in house.folder.rglob("*") if slug in path.name)
    return found


def test_a_deleted_organization_can_be_restored_and_is_gone_after_its_time(
    house: House, browser: Browser, make_module_database: Callable[..., Database]
) -> None:
    said(house, "organizations", "create", "globex", "--name", "Globex Ltd")
    assert [o["slug"] for o in said(house, "organizations")["organizations"]] == ["acme", "globex"]
    assert house.weir("organizations", "create", "globex").status == 1
    # The owner there clones with a token of their own.
    token = token_of(house, "admin", "globex")
    url = make_module_database("globex", SHOP).url
    done = house.weir("clone", url, "--source", "gshop", "--tables", "notes", "--json", WEIR_TOKEN=token)
    assert done.status == 0, done.err
    invite(house, "gina@globex.example", "--role", "analyst", "--organization", "globex")
    # As if globex had cloned first, and some job held the place that all share: one of acme's waits for it.
    with house.metadata() as connection:
        connection.execute(
            "UPDATE weir.limits SET used = 1, organization_id ="
            " (SELECT organization_id FROM weir.organizations WHERE slug = 'globex') WHERE key = 'one/provision'")
    run = house.call("POST", "/api/v1/clones", {"source": "shop", "tables": ["notes"]})["run_id"]
    wait_for(lambda: waits_for(house, run) == "one/provision", 30, "the job to wait for the place")
    with house.metadata() as connection:
        connection.execute("CREATE TABLE gone_organizations AS SELECT organization_id, slug FROM weir.organizations")
    before = traces(house, "globex")
    assert before["weir.runs"] == 1 and before["roles"] == 1 and before["schemas"] == 1 and before["folders"] >= 4
    acme, notes = traces(house, "acme"), house.query("SELECT count(*) FROM RAW.shop__notes")

    assert house.weir("organizations", "delete", "globex", "--confirm", "acme").status == 2
    deleted = said(house, "organizations", "delete", "globex", "--confirm", "globex")
    assert deleted["state"] == "deleting" and deleted["delete_after"]
    wait_for(lambda: ask(house, "/api/v1/runs", token) == 403, 5, "the organization to be closed")
    assert said(house, "organizations", "restore", "globex")["state"] == "active"
    wait_for(lambda: ask(house, "/api/v1/runs", token) == 200, 5, "the organization to be open")

    said(house, "organizations", "delete", "globex", "--confirm", "globex")
    with house.metadata() as connection:
        connection.execute("UPDATE weir.organizations SET delete_after = now() WHERE slug = 'globex'")
    # In the middle of it all processes end: it goes on.
    wait_for(lambda: traces(house, "globex")["schemas"] == 0, 30, "the warehouse to go")
    house.kill()
    house.start()
    wait_for(lambda: not any(traces(house, "globex").values()), 60, "all of it to go")
    assert ask(house, "/api/v1/runs", token) == 401
    # Nothing of others.
    after = traces(house, "acme")
    assert {name: after[name] for name in acme if name != "weir.limits"} == {
        name: acme[name] for name in acme if name != "weir.limits"}
    assert house.query("SELECT count(*) FROM RAW.shop__notes") == notes
    assert [o["slug"] for o in said(house, "organizations")["organizations"]] == ["acme"]
    # The place that all share is nobody's now, and whoever waits for it comes on.
    with house.metadata() as connection:
        place = connection.execute("SELECT organization_id, most, used FROM weir.limits WHERE key = 'one/provision'")
        assert place.fetchone() == (None, 1, 1)
        connection.execute("UPDATE weir.limits SET used = 0 WHERE key = 'one/provision'")
    assert house.wait_for_run(run)["run"]["state"] == "SUCCESS"


def test_whoever_belongs_to_several_switches_between_them(house: House, browser: Browser) -> None:
    said(house, "organizations", "create", "initech")
    context = browser.new_context()
    page: Page = context.new_page()
    page.goto(house.weir("sign-in-link").out.strip())
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Switch organization").click()
    page.get_by_role("button", name="Switch to initech").click()
    expect(page.locator(".who strong")).to_have_text("initech")
    # A new organization says what to do first.
    expect(page.get_by_role("heading", name="Set up")).to_be_visible()
    page.get_by_role("link", name="Name the organization").click()
    page.get_by_label("What people call it").fill("Initech Ltd")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_label("What people call it")).to_have_value("Initech Ltd")
    context.close()


def test_an_invitation_goes_out_by_mail_and_whoever_may_founds_an_organization(
    make_house: Callable[..., House], browser: Browser
) -> None:
    mail = Peer("mail.py")
    try:
        house = make_house(
            WEIR_SMTP_URL=f"smtp://127.0.0.1:{mail.port}?from=weir@acme.example", WEIR_WHO_MAY_FOUND="anyone",
            WEIR_KEEP_RUNS_DAYS="77", WEIR_KEEP_DATA_DAYS="88").start()
        made = said(house, "members", "invite", "Zoe@acme.example", "--role", "viewer")
        assert made["is_mailed"] and made["member"]["name"] == "zoe@acme.example"
        letter = json.dumps(mail.wait_for(1)[0])
        assert "zoe@acme.example" in letter and "/join/weir_code_" in letter
    finally:
        mail.end()
    zoe = join(browser, made["join_url"], "Zoe")
    page = zoe.pages[0]
    here = origin(made["join_url"])
    page.goto(here + "/organizations")
    page.get_by_label("Short name, for ever").fill("zoos")
    page.get_by_label("What people call it").fill("Zoë's")
    page.get_by_role("button", name="Make it").click()
    expect(page.locator(".who strong")).to_have_text("zoos")
    page.goto(here + "/organization")
    # New environments keep what the setting says; she may change it here, and not where she is a viewer.
    expect(page.get_by_text("77 days").first).to_be_visible()
    expect(page.get_by_text("88 days").first).to_be_visible()
    changed = zoe.request.post(here + "/organization/environments/dev", headers={"Origin": here}, form={
        "size": "large", "keepRunsDays": "5", "keepLogsDays": "5"})
    assert changed.ok and "5 days" in changed.text()
    page.get_by_role("link", name="Switch organization").click()
    page.get_by_role("button", name="Switch to acme").click()
    expect(page.locator(".who strong")).to_have_text("acme")
    assert zoe.request.post(here + "/organization", headers={"Origin": here}, form={"name": "Mine"}).status == 403
    # Her organization is not the local admin's.
    assert [o["slug"] for o in said(house, "organizations")["organizations"]] == ["acme"]
    assert house.weir("organizations", "delete", "zoos", "--confirm", "zoos").status == 1
    zoe.close()


def test_who_may_make_organizations_is_a_setting(house: House, browser: Browser) -> None:
    link = invite(house, "dan@acme.example", "--role", "owner")
    dan = join(browser, link, "Dan")
    here = origin(link)
    refused = dan.request.post(here + "/organizations", headers={"Origin": here}, form={"slug": "dans"})
    assert refused.status == 403 and "WEIR_WHO_MAY_FOUND=anyone" in refused.text()
    assert "New organization" not in dan.request.get(here + "/organizations").text()
    dan.close()
