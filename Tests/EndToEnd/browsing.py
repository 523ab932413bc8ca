"""A browser that remembers what must not happen on the console's pages."""
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
# Says what the page's policy refused; the browser itself says it in the console too, but not for all directives.
REPORT_VIOLATIONS = """
    addEventListener("securitypolicyviolation", (event) =>
      console.error("policy violation: " + event.violatedDirective + " " + event.blockedURI));
"""


@contextmanager
def chromium(*arguments: str) -> Iterator[Browser]:
    """Debian's, headless."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", *arguments])
        yield browser
        browser.close()


@dataclass
class Browsing:
    """A browser's context that remembers what must not happen."""

    context: BrowserContext
    page: Page
    address: str
    artefacts: Path
    faults: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.address + path)
        return self.page

    def picture(self, name: str) -> None:
        self.page.screenshot(path=str(self.artefacts / f"{name}.png"), full_page=True)


def browse(browser: Browser, address: str, artefacts: Path, **options: object) -> Browsing:
    """Charts do not grow there: what is drawn is drawn at once."""
    context = browser.new_context(base_url=address, **{"reduced_motion": "reduce"} | options)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    context.add_init_script(REPORT_VIOLATIONS)
    here = Browsing(context, context.new_page(), address, artefacts)
    host = urlsplit(address).netloc

    def looked_at(page: Page) -> None:
        page.on("console", lambda said: here.faults.append(f"console {said.type}: {said.text} at {page.url}")
                if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: here.faults.append(f"error: {error} at {page.url}"))

    looked_at(here.page)
    context.on("page", looked_at)
    context.on("request", lambda request: here.faults.append(f"request to {request.url}")
               if urlsplit(request.url).netloc not in (host, "") else None)
    return here


def settled(page: Page) -> None:
    """Waits until no chart is busy, nothing moves but what never stops, and what was to be drawn is drawn."""
    expect(page.locator("[data-chart][aria-busy=true]")).to_have_count(0)
    page.evaluate("""async () => {
        const ending = document.getAnimations().filter((one) => Number.isFinite(one.effect.getComputedTiming().endTime));
        await Promise.all(ending.map((animation) => animation.finished.catch(() => null)));
        for (let frame = 0; frame < 3; frame += 1) await new Promise((drawn) => requestAnimationFrame(drawn));
    }""")


def no_faults(here: Browsing) -> None:
    found, here.faults = here.faults, []
    assert found == []


def forget_problems(here: Browsing) -> None:
    """The browser itself notes each answer that is a problem, and htmx does too."""
    noted = ("Failed to load resource", "Response Status Error")
    here.faults = [fault for fault in here.faults if not any(words in fault for words in noted)]


def inside(page: Page, selector: str) -> bool:
    """Whether all of each such element can be seen without scrolling sideways."""
    return page.evaluate("""(selector) => [...document.querySelectorAll(selector)].every((element) => {
        const { left, right } = element.getBoundingClientRect();
        const frame = element.closest(".scroll")?.getBoundingClientRect() ?? { left: 0, right: innerWidth };
        return left >= frame.left && right <= frame.right && right <= innerWidth;
    })""", selector)
