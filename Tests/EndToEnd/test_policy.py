"""Every page of the console in Chromium under its strict policy, over TLS as people use it; and what pages of other sites
can do to it, which is nothing."""
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, expect

from browsing import Browsing, browse, chromium, forget_problems, no_faults, settled
from databases import SHOP
from edge import Authority
from house import House

pytestmark = pytest.mark.timeout(180)
NAME = "weir.acme.example"


@pytest.fixture(scope="module")
def house(make_module_house: Callable[..., House], make_module_database: Callable, tmp_path_factory) -> House:
    authority = Authority(tmp_path_factory.mktemp("authority"))
    certificate, key = authority.issue("server", NAME, "localhost")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(authority.file))
        house = make_module_house(
            WEIR_TLS_CERTIFICATE=str(certificate), WEIR_TLS_KEY=str(key), WEIR_CA_FILE=str(authority.file),
            WEIR_ALLOWED_HOSTS=NAME).start()
        house.clone(make_module_database("shop", SHOP).url, "--source", "shop")
        said = house.weir("schedules", "set", "nightly", "--source", "shop", "--every", "6h")
        assert said.status == 0, said
    return house


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium(
        f"--host-resolver-rules=MAP {NAME} 127.0.0.1, MAP evil.test 127.0.0.1",
        # Its self-signed authority is none that Chromium knows; all else of TLS stays as it is.
        "--ignore-certificate-errors",
    ) as browser:
        yield browser


@pytest.fixture(scope="module")
def here(house: House, browser: Browser, artefacts: Path) -> Iterator[Browsing]:
    link = urlsplit(house.weir("sign-in-link").out.strip())
    # With all that moves: that too has to keep to the policy.
    here = browse(browser, f"https://{NAME}:{link.port}", artefacts, viewport={"width": 1280, "height": 900},
                  reduced_motion="no-preference")
    here.page.goto(here.address + link.path)
    here.page.get_by_role("button", name="Sign in").click()
    expect(here.page.get_by_role("heading", level=1)).to_have_text("Home")
    yield here
    here.context.close()


def kind(path: str) -> str:
    """Pages that differ only in what they show count once."""
    path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", urlsplit(path).path)
    return re.sub(r"^/tables/[^/]+/[^/]+$", "/tables/S/T", path)


def test_every_page_loads_without_a_violation(here: Browsing) -> None:
    waiting, seen = ["/", "/sign-in", "/nope"], {}
    while waiting:
        path = waiting.pop(0)
        if kind(path) in seen or len(seen) > 80:
            continue
        answer = here.page.goto(urljoin(here.address, path))
        assert answer is not None
        expected = 404 if path == "/nope" else 200
        assert answer.status == expected, f"{path}: {answer.status}"
        policy = answer.headers.get("content-security-policy", "")
        assert "default-src 'none'" in policy and "unsafe" not in policy, path
        seen[kind(path)] = path
        settled(here.page)
        styled = here.page.evaluate("() => getComputedStyle(document.body).margin")
        assert styled == "0px", f"{path} has no styles"
        if expected == 404:
            forget_problems(here)
        no_faults(here)
        for link in here.page.locator("a[href]").evaluate_all("(links) => links.map((link) => link.getAttribute('href'))"):
            target = urlsplit(urljoin(here.address + path, link))
            is_download = target.path.endswith(("/csv", "/data", "/export")) or "format=" in target.query
            if target.netloc == urlsplit(here.address).netloc and not is_download:
                waiting.append(target.path + (f"?{target.query}" if target.query else ""))
    assert {"/", "/runs", "/runs/ID", "/tables", "/tables/S/T", "/query", "/dashboards", "/dashboards/shop",
            "/schedules", "/workers", "/notifications", "/sources/new"} <= set(seen), sorted(seen)


def test_scripts_that_are_not_files_of_ours_do_not_run(here: Browsing) -> None:
    here.open("/")
    ran = here.page.evaluate("""() => new Promise((done) => {
        window.ran = [];
        const inline = document.createElement("script");
        inline.textContent = "window.ran.push('inline')";
        document.body.append(inline);
        document.body.insertAdjacentHTML("beforeend", "<img src='/nope' onerror='window.ran.push(1)'>");
        const style = document.createElement("style");
        style.textContent = "body { margin: 7px }";
        document.head.append(style);
        const frame = document.createElement("iframe");
        frame.src = "/sign-in";
        document.body.append(frame);
        setTimeout(() => done([window.ran, getComputedStyle(document.body).margin]), 500);
    })""")
    assert ran == [[], "0px"]
    assert any("policy violation: script-src" in fault for fault in here.faults)
    here.faults.clear()


def test_cookies_are_safe_in_a_real_browser(here: Browsing) -> None:
    cookie = next(one for one in here.context.cookies() if one["name"].endswith("weir_session"))
    assert cookie["name"] == "__Host-weir_session"
    assert cookie["secure"] and cookie["httpOnly"] and cookie["sameSite"] == "Lax" and cookie["domain"] == NAME


# Other sites


@pytest.fixture(scope="module")
def evil() -> Iterator[int]:
    """Serves, under any name, the page that tests give it."""
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>evil</title><body>")

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


def test_another_site_can_send_no_form_read_nothing_and_show_no_frame(here: Browsing, evil: int) -> None:
    page = here.context.new_page()
    page.goto(f"http://evil.test:{evil}/")
    # A form, as a person would send it: with all that the browser adds by itself.
    with page.expect_navigation():
        page.evaluate(f"""() => {{
            const form = document.createElement("form");
            form.method = "post";
            form.action = "{here.address}/sign-out";
            document.body.append(form);
            form.submit();
        }}""")
    assert "This form was sent from another site" in page.content()
    page.goto(f"http://evil.test:{evil}/")
    read = page.evaluate(f"""async () => {{
        const outcomes = [];
        for (const path of ["/", "/api/v1/status", "/api/v1/openapi.json", "/health/live"]) {{
            try {{
                const answer = await fetch("{here.address}" + path, {{ credentials: "include" }});
                outcomes.push(await answer.text());
            }} catch (error) {{ outcomes.push("refused"); }}
        }}
        return outcomes;
    }}""")
    assert read == ["refused"] * 4
    # A frame that was refused has loaded too: the browser's own page, which says so.
    page.evaluate(f"""() => new Promise((loaded) => {{
        const frame = document.createElement("iframe");
        frame.addEventListener("load", loaded);
        frame.src = "{here.address}/";
        document.body.append(frame);
    }})""")
    shown = [frame.url for frame in page.frames if frame != page.main_frame]
    assert all(NAME not in url for url in shown), shown
    page.close()
    here.faults.clear()
    here.open("/")
    expect(here.page.get_by_role("heading", level=1)).to_have_text("Home")
    no_faults(here)


def test_a_name_that_comes_to_lead_here_is_not_answered(here: Browsing, house: House) -> None:
    port = urlsplit(here.address).port
    page = here.context.new_page()
    answer = page.goto(f"https://evil.test:{port}/")
    assert answer is not None and answer.status == 421
    assert "does not answer to that name" in page.content()
    page.close()
    here.faults.clear()
