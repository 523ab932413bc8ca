"""Signs in with a one-time link in headless Chromium, then opens the home page with an empty cache, a number of times.
Prints {"chromium": …, "visits": [{"bytes", "requests", "load_ms", "foreign_hosts"}]}."""

import json
import sys
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

link, visits = sys.argv[1], int(sys.argv[2])
place = urlsplit(link)
origin = f"{place.scheme}://{place.netloc}"


def visit(page) -> dict:
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.clearBrowserCache")
    # Bytes by request, headers included; what the page before still had under way is not among them.
    received: dict[str, int] = {}
    hosts: set[str] = set()

    def sent(event: dict) -> None:
        received[event["requestId"]] = 0
        address = urlsplit(event["request"]["url"])
        if address.netloc not in ("", place.netloc):
            hosts.add(address.netloc)

    def finished(event: dict) -> None:
        if event["requestId"] in received:
            received[event["requestId"]] = int(event["encodedDataLength"])

    session.on("Network.requestWillBeSent", sent)
    session.on("Network.loadingFinished", finished)
    answer = page.goto(origin + "/", wait_until="load")
    if answer is None or answer.status != 200 or "sign-in" in page.url:
        raise SystemExit(f"The home page did not open after sign-in: {answer and answer.status} {page.url}")
    page.wait_for_function("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
    load = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    session.detach()
    return {"bytes": sum(received.values()), "requests": len(received), "load_ms": load,
            "foreign_hosts": sorted(hosts)}


with sync_playwright() as driver:
    # Chromium's sandbox does not work for root.
    browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
    page = browser.new_page()
    page.goto(link, wait_until="load")
    # The link itself changes nothing; its button signs in and leads home.
    page.locator("form[method=post] button[type=submit]").first.click()
    page.wait_for_url(origin + "/")
    measured = [visit(page) for _ in range(visits)]
    print(json.dumps({"chromium": browser.version, "visits": measured}))
    browser.close()
