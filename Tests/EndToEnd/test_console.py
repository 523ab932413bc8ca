"""The console in a real browser: headless Chromium against the real binary. The tests go on from each other, as a
person would: sign in, add a source, follow the run, look at tables and the dashboard, sign out."""
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from browsing import Browsing, browse, forget_problems, inside, no_faults, settled
from databases import Database
from house import House
from processes import wait_for
from samples import load_shop

pytestmark = pytest.mark.timeout(120)
TABLES = {"customers", "products", "orders", "order_lines", "payments", "refunds", "web_events"}


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House]) -> House:
    # Nobody listens there: of these tests no run fails, so nothing is sent.
    return make_module_house(WEIR_SMTP_URL="smtp://127.0.0.1:2525?from=weir@acme.example").start()


@pytest.fixture(scope="module")
def shop(make_module_database: Callable[..., Database]) -> Database:
    return load_shop(make_module_database("shop"))


@pytest.fixture(scope="module")
def here(house: House, browser: Browser, artefacts: Path) -> Iterator[Browsing]:
    """Signed in, in light colours on a wide screen."""
    folder = artefacts.parent / "console-e2e"
    folder.mkdir(exist_ok=True)
    address = house.weir("sign-in-link").out.strip()
    split = urlsplit(address)
    here = browse(browser, f"{split.scheme}://{split.netloc}", folder, viewport={"width": 1280, "height": 900},
                  color_scheme="light")
    here.page.goto(address)
    here.page.get_by_role("button", name="Sign in").click()
    expect(here.page.get_by_role("heading", level=1)).to_have_text("Home")
    yield here
    here.context.close()


# Signing in


def test_without_signing_in_every_page_leads_to_the_sign_in(house: House, browser: Browser, here: Browsing) -> None:
    stranger = browse(browser, here.address, here.artefacts)
    for path in ("/", "/sources/new", "/tables", "/dashboards", "/runs", "/query", "/schedules", "/workers",
                 "/notifications"):
        stranger.open(path)
        expect(stranger.page.get_by_role("heading", level=1)).to_have_text("Sign in to Weirhouse")
        assert "weir sign-in-link" in stranger.page.content()
    stranger.context.close()


def test_a_sign_in_link_works_once(house: House, browser: Browser, here: Browsing) -> None:
    link = house.weir("sign-in-link").out.strip()
    first, second = (browse(browser, here.address, here.artefacts) for _ in range(2))
    for one in (first, second):
        one.page.goto(link)
        one.page.get_by_role("button", name="Sign in").click()
    expect(first.page.get_by_role("heading", level=1)).to_have_text("Home")
    expect(second.page.get_by_role("alert")).to_contain_text("used already or is too old")
    second.open("/")
    expect(second.page.get_by_role("heading", level=1)).to_have_text("Sign in to Weirhouse")
    cookie = next(c for c in first.context.cookies() if c["name"] == "weir_session")
    assert cookie["httpOnly"] and cookie["sameSite"] in ("Lax", "Strict")
    first.context.close()
    second.context.close()


def test_the_page_that_was_wanted_comes_after_signing_in(house: House, browser: Browser, here: Browsing) -> None:
    stranger = browse(browser, here.address, here.artefacts)
    stranger.open("/runs?newest=first")
    expect(stranger.page.get_by_role("heading", level=1)).to_have_text("Sign in to Weirhouse")
    stranger.page.goto(house.weir("sign-in-link").out.strip())
    stranger.page.get_by_role("button", name="Sign in").click()
    stranger.page.wait_for_url(here.address + "/runs?newest=first")
    assert [cookie["name"] for cookie in stranger.context.cookies()] == ["weir_session"]
    no_faults(stranger)
    stranger.context.close()


def test_home_of_a_new_house_says_how_to_begin(here: Browsing) -> None:
    page = here.open("/")
    expect(page.get_by_role("link", name="Add your first source")).to_be_visible()
    expect(page.locator("ul.parts li")).not_to_have_count(0)
    assert page.locator("ul.parts .dot.bad").count() == 0, page.locator("ul.parts").inner_text()
    here.picture("1-home-new")
    no_faults(here)


# New source


@pytest.mark.parametrize(
    ("change", "sentence"), [
        ({"port": 1}, "cannot be reached"),
        ({"password": "wrong"}, "refused the user or password"),
    ])
def test_a_wrong_connection_gets_one_clear_sentence(
    here: Browsing, shop: Database, change: dict[str, object], sentence: str
) -> None:
    if "password" in change and not urlsplit(shop.url).password:
        pytest.skip("this server asks for no password")
    page = here.open("/sources/new")
    for button in ("Test connection", "Clone"):
        page.get_by_label("Connection address").fill(shop.address(**change))  # type: ignore[arg-type]
        page.get_by_role("button", name=button).click()
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text(sentence)
        expect(alert).to_have_count(1)
        assert len(alert.inner_text()) < 250 and "wrong" not in alert.inner_text()
        assert page.url.endswith("/sources/new")
        page.get_by_label("Connection address").fill("")
    forget_problems(here)
    no_faults(here)


def test_a_source_is_cloned_from_the_page_and_its_run_shown_live(here: Browsing, house: House, shop: Database) -> None:
    page = here.open("/sources/new")
    page.get_by_label("Connection address").fill(shop.url)
    page.get_by_role("button", name="Test connection").click()
    boxes = page.locator("input[name=table]")
    expect(boxes).to_have_count(len(TABLES))
    assert {box.get_attribute("value") for box in boxes.all()} == {f"public.{name}" for name in TABLES}
    page.get_by_role("button", name="None").click()
    assert page.locator("input[name=table]:checked").count() == 0
    page.get_by_role("button", name="All", exact=True).click()
    assert page.locator("input[name=table]:checked").count() == len(TABLES)
    page.get_by_label("Name").fill("shop")
    here.picture("2-new-source")
    page.get_by_role("button", name="Clone").click()
    page.wait_for_url("**/runs/*")
    # It must not load again: what stands in the window stays.
    page.evaluate("""() => {
        window.seen = new Set();
        const look = () => window.seen.add(document.querySelector("#run-steps").innerText);
        look();
        new MutationObserver(look).observe(document.querySelector("#live"), {subtree: true, childList: true, characterData: true});
    }""")
    expect(page.locator("#run-steps .step.running")).not_to_have_count(0)
    here.picture("3-run-running")
    expect(page.get_by_role("link", name="Open the dashboard")).to_be_visible(timeout=90_000)
    seen = page.evaluate("() => window.seen ? window.seen.size : 0")
    assert seen >= 4, "the page followed the run by itself"
    run = house.run(page.url.rsplit("/", 1)[1].split("?")[0])
    assert run["run"]["state"] == "SUCCESS"
    rows = page.locator("table.receipts tbody tr")
    expect(rows).to_have_count(len(TABLES))
    shown = rows.evaluate_all("(rows) => rows.map((row) => [...row.cells].map((cell) => cell.innerText.replaceAll(',', '')))")
    assert {row[0]: (row[2], row[3], row[4].lower()) for row in shown} == {
        stream["name"]: (str(stream["source_rows"]), str(stream["source_rows"]), "equal") for stream in run["streams"]}
    assert page.locator("#log li").count() > 3
    here.picture("4-run-done")
    no_faults(here)


def test_a_run_that_is_over_shows_the_same_when_it_is_opened_again(here: Browsing) -> None:
    receipts = here.page.locator("table.receipts").inner_text()
    here.page.reload()
    assert here.page.locator("table.receipts").inner_text() == receipts
    here.open("/")
    expect(here.page.get_by_role("link", name=re.compile("Clone of shop", re.I)).first).to_be_visible()
    here.picture("5-home")
    no_faults(here)


# Tables and SQL


def test_tables_show_their_columns_and_first_rows(here: Browsing, shop: Database) -> None:
    page = here.open("/tables")
    for schema in ("RAW", "STAGING", "INTERMEDIATE", "MARTS"):
        expect(page.locator("details.schema summary h2", has_text=schema)).to_be_visible()
    expect(page.locator("li[data-name=shop__orders]")).to_be_visible()
    page.get_by_role("searchbox").fill("fct_ord")
    expect(page.locator("li[data-name=shop__orders]")).to_be_hidden()
    expect(page.locator("li[data-name=fct_orders]")).to_be_visible()
    page.get_by_role("searchbox").fill("")
    here.picture("6-tables")
    page.locator("li[data-name=shop__customers] a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("shop__customers")
    names = [name for (name,) in shop.rows(
        "SELECT column_name FROM information_schema.columns WHERE table_name = 'customers' ORDER BY ordinal_position")]
    assert page.locator("table.data thead th").all_inner_texts() == names
    assert 5 <= page.locator("table.data tbody tr").count() <= 1000
    key = page.locator("table.data tbody tr").first.locator("td").nth(0).inner_text().replace(",", "")
    name = page.locator("table.data tbody tr").first.locator("td").nth(1).inner_text()
    assert [str(v) for v in shop.rows(f"SELECT * FROM customers WHERE {names[0]} = {int(key)}")[0][1:2]] == [name]
    here.picture("7-table")
    no_faults(here)


def test_sql_is_answered_on_its_page(here: Browsing, shop: Database) -> None:
    page = here.open("/query")
    page.locator("textarea").fill("select count(*) as n from RAW.shop__orders")
    page.locator("textarea").press("Control+Enter")
    expect(page.locator("table.data tbody td")).to_have_text(str(shop.rows("SELECT count(*) FROM orders")[0][0]))
    no_faults(here)
    page.locator("textarea").fill("select * from nowhere")
    page.locator("textarea").press("Control+Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    forget_problems(here)
    no_faults(here)


# The dashboard


def inked(page: Page) -> list[int]:
    """How many colours each chart's canvas holds: 1 where nothing is drawn."""
    return page.evaluate("""() => [...document.querySelectorAll(".tile canvas")].map((canvas) => {
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
        copy.drawImage(canvas, 0, 0);
        const data = copy.getImageData(0, 0, canvas.width, canvas.height).data;
        const colours = new Set();
        for (let at = 0; at < data.length; at += 4) colours.add(data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]);
        return colours.size;
    })""")


def test_charts_are_drawn_and_say_until_when_they_are_verified(here: Browsing) -> None:
    page = here.open("/dashboards/shop")
    settled(page)
    tiles = page.locator("[data-chart]").count()
    assert tiles >= 4
    assert len(inked(page)) >= 4 and all(colours > 5 for colours in inked(page)), inked(page)
    verified = page.locator(".tile .verified").all_inner_texts()
    assert len(verified) == tiles and all(text.startswith("Verified through ") for text in verified), verified
    assert page.locator(".tile .bad-text").count() == 0
    here.picture("8-dashboard")
    no_faults(here)


def test_a_date_range_changes_the_data_without_loading_the_page(here: Browsing) -> None:
    page = here.page
    tile = page.locator("[data-chart][data-kind=line]").first
    page.evaluate("() => { window.stayed = true; }")
    tile.get_by_text("Show as a table").click()
    before = tile.locator("table tbody tr").count()
    whole = tile.locator("table").inner_text()
    presets = page.locator(".segments a")
    assert presets.count() >= 2
    for preset in presets.all():
        if not preset.get_attribute("aria-current"):
            preset.click()
            break
    settled(page)
    expect(tile.locator("table tbody tr")).not_to_have_count(before)
    assert 0 < tile.locator("table tbody tr").count() < before
    last = page.locator("input[name=to]").input_value()
    page.locator("input[name=from]").fill(last)
    page.get_by_role("button", name="Show").click()
    expect(tile.locator("table tbody tr")).to_have_count(1)
    assert "from=" + last in page.url
    page.go_back()
    page.go_back()
    settled(page)
    expect(tile.locator("table tbody tr")).to_have_count(before)
    assert tile.locator("table").inner_text() == whole
    assert page.evaluate("() => window.stayed")
    no_faults(here)


def test_the_csv_of_a_chart_is_the_apis(here: Browsing, house: House) -> None:
    page = here.page
    for tile in page.locator("[data-chart]").all()[:3]:
        with page.expect_download() as waiting:
            tile.locator("a.csv").click()
        name = tile.get_attribute("id").removeprefix("chart-")  # type: ignore[union-attr]
        content = Path(waiting.value.path()).read_bytes()
        assert waiting.value.suggested_filename.endswith(".csv")
        assert content == house.request(f"/api/v1/dashboards/shop/charts/{name}/data?format=csv")
        assert content.count(b"\n") > 1
    no_faults(here)


# Small screens, dark colours, the keyboard


@pytest.fixture(scope="module")
def furnished(house: House, here: Browsing) -> House:
    """Something on every page: schedules, limits, windows, people who are told. Nothing of it starts or holds a run in dev."""
    for name, trigger in {
        "nightly": {"kind": "cron", "expression": "30 2 1 1 *", "time_zone": "Europe/Berlin"},
        "often": {"kind": "every", "minutes": 360},
    }.items():
        house.call("PUT", f"/api/v1/schedules/{name}", {"source": "shop", "tables": ["orders"], "trigger": trigger})
    house.call("POST", "/api/v1/schedules/often/pause", {"because": "stocktaking until the end of the year"})
    house.call("PUT", "/api/v1/limits", {"key": "organization", "most": 8, "seconds_between_starts": 0.01})
    house.call("POST", "/api/v1/limits/pause", {"key": "source/prod/shop", "because": "the source is being upgraded"})
    house.call("PUT", "/api/v1/maintenance-windows/always", {
        "key": "warehouse/prod", "expression": "* * * * *", "minutes": 600, "because": "the yearly upgrade"})
    house.call("PUT", "/api/v1/maintenance-windows/weekend", {
        "key": "warehouse/stage", "expression": "0 2 1 1 *", "time_zone": "Europe/Berlin", "minutes": 240})
    house.call("POST", "/api/v1/subscriptions", {"channel": "email", "target": "ann.of.the.data.team@acme.example"})
    house.call("PUT", "/api/v1/expectations", {"source": "shop", "table": "orders", "fresh_within_minutes": 360})
    wait_for(lambda: any(window.get("open_until") for window in house.get("/api/v1/maintenance-windows")["windows"]),
             20, "the window to open")
    return house


PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
DESKTOP = {"viewport": {"width": 1280, "height": 900}}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("kind", "screen"), [("phone", PHONE), ("desktop", DESKTOP)])
def test_no_page_is_wider_than_the_screen(
    here: Browsing, furnished: House, browser: Browser, kind: str, screen: dict[str, Any], scheme: str
) -> None:
    visitor = browse(browser, here.address, here.artefacts, color_scheme=scheme,
                     storage_state=here.context.storage_state(), **screen)
    most = screen["viewport"]["width"]
    run_path = re.search(r'href="(/runs/[0-9a-f-]{36})"', here.page.request.get("/").text())
    assert run_path
    pages = {
        "home": "/", "new-source": "/sources/new", "run": run_path[1], "runs": "/runs",
        "runs-filtered": "/runs?state=success&search=shop", "tables": "/tables", "table": "/tables/RAW/shop__orders",
        "dashboards": "/dashboards", "dashboard": "/dashboards/shop", "query": "/query",
        "schedules": "/schedules", "schedule": "/schedules/nightly", "schedule-new": "/schedules/new",
        "schedule-edit": "/schedules/nightly/edit", "workers": "/workers", "window-new": "/workers/windows/new",
        "window-edit": "/workers/windows/weekend/edit", "window-delete": "/workers/windows/weekend/delete",
        "notifications": "/notifications", "subscription-new": "/notifications/subscriptions/new",
        "expectation-new": "/notifications/expectations/new"}
    wide = []
    for name, path in pages.items():
        answer = visitor.page.goto(here.address + path)
        assert answer is not None and answer.status == 200, name
        settled(visitor.page)
        width = visitor.page.evaluate("() => document.documentElement.scrollWidth")
        if width > most:
            wide.append(f"{name} is {width} wide")
        visitor.picture(f"{kind}-{scheme}-{name}")
        if name == "run":
            expect(visitor.page.locator(".verdict.equal")).to_have_count(len(TABLES))
            assert inside(visitor.page, ".receipts .verdict"), "a receipt's verdict is cut off"
            expect(visitor.page.locator("#run-graph .node.success")).to_have_count(6)
            expect(visitor.page.locator("#run-timings tbody tr")).to_have_count(6)
        background = visitor.page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")
        brightness = sum(int(part) for part in re.findall(r"\d+", background)[:3]) / 3
        assert brightness < 80 if scheme == "dark" else brightness > 180, f"{name}: {background}"
    assert not wide, wide
    no_faults(visitor)
    visitor.context.close()


def test_what_holds_jobs_back_is_told_and_lifted_on_its_page(here: Browsing, furnished: House) -> None:
    page = here.open("/workers")
    expect(page.locator("#windows li", has_text="always")).to_contain_text("Open now")
    held = page.locator("#limits li", has_text="the yearly upgrade")
    held.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("alert")).to_contain_text("A maintenance window holds it")
    forget_problems(here)
    page = here.open("/workers")
    paused = page.locator("#limits li", has_text="the source is being upgraded")
    paused.get_by_role("button", name="Resume").click()
    expect(page.locator("#limits li", has_text="the source is being upgraded")).to_have_count(0)
    no_faults(here)


def test_a_source_can_be_added_by_the_keyboard_alone(here: Browsing, shop: Database) -> None:
    page = here.open("/sources/new")
    keys = page.keyboard

    def focused(what: str) -> str:
        return page.evaluate(f"() => document.activeElement.{what} || ''")

    def tab_to(name: str, most: int = 40) -> None:
        for _ in range(most):
            if name in (focused("name"), focused("textContent").strip(), focused("value")):
                ring = page.evaluate("""() => {
                    const style = getComputedStyle(document.activeElement);
                    const label = document.activeElement.closest("label");
                    return style.outlineStyle !== "none" || style.boxShadow !== "none"
                      || (label && getComputedStyle(label).outlineStyle !== "none");
                }""")
                assert ring, f"{name} does not show that it has the focus"
                return
            keys.press("Tab")
        raise AssertionError(f"Tab does not reach {name}")

    assert focused("name") == "address", "the first field has the focus"
    keys.type(shop.url)
    tab_to("source")
    keys.type("keyed")
    tab_to("environment")
    keys.press("s")
    assert focused("value") == "stage"
    tab_to("Test connection")
    keys.press("Enter")
    expect(page.locator("input[name=table]")).to_have_count(len(TABLES))
    for name in sorted(TABLES - {"products"}):
        for _ in range(60):
            keys.press("Shift+Tab")
            if focused("value") == f"public.{name}":
                break
            if focused("name") == "address":
                for _ in range(60):
                    keys.press("Tab")
                    if focused("value") == f"public.{name}":
                        break
                break
        assert focused("value") == f"public.{name}", f"the keyboard does not reach {name}"
        keys.press("Space")
    assert page.locator("input[name=table]:checked").count() == 1
    here.picture("9-keyboard")
    tab_to("Clone", 60)
    keys.press("Enter")
    page.wait_for_url("**/runs/*")
    expect(page.get_by_role("link", name="Open the dashboard")).to_be_visible(timeout=60_000)
    expect(page.locator("table.receipts tbody tr")).to_have_count(1)
    no_faults(here)


def test_the_skip_link_and_menu_work_by_keyboard(here: Browsing) -> None:
    page = here.open("/")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    expect(page.locator("a.skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"


def test_the_theme_button_turns_dark_and_keeps_it(here: Browsing) -> None:
    page = here.open("/dashboards/shop")
    settled(page)
    page.locator("button.theme").click()
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    page.reload()
    settled(page)
    assert page.evaluate("() => document.documentElement.dataset.theme") == "dark"
    here.picture("10-dashboard-dark")
    page.locator("button.theme").click()
    no_faults(here)


def test_signing_out_ends_the_session_everywhere(here: Browsing) -> None:
    kept = here.context.cookies()
    here.open("/")
    here.page.get_by_role("button", name="Sign out").click()
    expect(here.page.get_by_role("heading", level=1)).to_have_text("Sign in to Weirhouse")
    here.context.add_cookies(kept)  # type: ignore[arg-type]
    here.open("/tables")
    expect(here.page.get_by_role("heading", level=1)).to_have_text("Sign in to Weirhouse")
    no_faults(here)


def test_pages_carry_a_strict_policy(here: Browsing) -> None:
    headers = here.page.request.get("/sign-in").headers
    policy = {part.split()[0]: part.split()[1:] for part in headers["content-security-policy"].split(";") if part.strip()}
    assert policy["default-src"] in (["'none'"], ["'self'"])
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "https:", "data:"} & set(policy.get("script-src", policy["default-src"]))
    assert "'unsafe-inline'" not in policy.get("style-src", [])
    assert policy["frame-ancestors"] == ["'none'"]
    assert headers["x-content-type-options"] == "nosniff"
