// What pages do beyond HTML: the theme, the menu, ages, a run's live events, small form comforts.
"use strict";
(function () {
  const one = (selector, within) => (within || document).querySelector(selector);
  const all = (selector, within) => Array.from((within || document).querySelectorAll(selector));

  // Theme: the button turns round what is shown now and keeps the choice.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (document.documentElement.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
  const announceTheme = () => document.dispatchEvent(new CustomEvent("weir:theme"));

  function setUpTheme() {
    const button = one(".theme");
    if (!button) return;
    const label = () => {
      one(".theme-label", button).textContent = isDark() ? "Light" : "Dark";
      button.setAttribute("aria-label", isDark() ? "Use the light theme" : "Use the dark theme");
    };
    button.hidden = false;
    label();
    button.addEventListener("click", () => {
      const next = isDark() ? "light" : "dark";
      document.documentElement.dataset.theme = next;
      try { localStorage.setItem("weir-theme", next); } catch (_) { /* it holds for this page only */ }
      label();
      announceTheme();
    });
    dark.addEventListener("change", () => { label(); announceTheme(); });
  }

  function setUpMenu() {
    const button = one(".menu");
    if (!button) return;
    const open = (isOpen) => {
      button.setAttribute("aria-expanded", String(isOpen));
      button.closest(".side").classList.toggle("is-open", isOpen);
    };
    button.addEventListener("click", () => open(button.getAttribute("aria-expanded") !== "true"));
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || button.getAttribute("aria-expanded") !== "true") return;
      open(false);
      button.focus();
    });
  }

  // Ages and elapsed times, as the server writes them.
  function age(seconds) {
    if (seconds < 5) return "just now";
    if (seconds < 60) return Math.floor(seconds) + " s ago";
    if (seconds < 3600) return Math.floor(seconds / 60) + " min ago";
    if (seconds < 86400) return Math.floor(seconds / 3600) + " h ago";
    return null;
  }

  function duration(seconds) {
    if (seconds < 9.95) return Math.max(seconds, 0).toFixed(1) + " s";
    const whole = Math.round(seconds);
    if (whole < 60) return whole + " s";
    if (whole < 3600) return Math.floor(whole / 60) + " min " + (whole % 60) + " s";
    return Math.floor(whole / 3600) + " h " + (Math.floor(whole / 60) % 60) + " min";
  }

  function tick() {
    const now = Date.now();
    for (const element of all("time[data-age]")) {
      const text = age((now - Date.parse(element.dateTime)) / 1000);
      if (text) element.textContent = text;
    }
    for (const element of all("[data-since]")) {
      element.textContent = duration((now - Date.parse(element.dataset.since)) / 1000);
    }
  }

  // A run: pieces that changed are put in place of the old ones, so that focus and scrolling stay where they are.
  function replaceChanged(live, html) {
    const parsed = document.createElement("template");
    parsed.innerHTML = html;
    for (const fresh of Array.from(parsed.content.children)) {
      const old = fresh.id && document.getElementById(fresh.id);
      if (!old || !live.contains(old)) { live.append(fresh); continue; }
      const steps = fresh.id === "run-steps" ? Array.from(fresh.children) : null;
      if (steps && steps.length === old.children.length) {
        for (const step of steps) swap(document.getElementById(step.id), step);
      } else {
        swap(old, fresh);
      }
    }
    tick();
  }

  function swap(old, fresh) {
    if (!old || old.dataset.html === fresh.outerHTML || old.outerHTML === fresh.outerHTML) return;
    const top = one(".scroll", old) && one(".scroll", old).scrollTop;
    const html = fresh.outerHTML;
    old.replaceWith(fresh);
    fresh.dataset.html = html;
    if (top) one(".scroll", fresh).scrollTop = top;
  }

  // A long log would make the page heavy: the oldest lines go, and are where the link leads. Not while someone reads up.
  function dropOldLines(log) {
    if (log.children.length <= 2000) return;
    while (log.children.length > 1500) log.firstElementChild.remove();
    const earlier = one("#log-earlier");
    earlier.href = location.pathname + "?before=" + log.firstElementChild.dataset.sequence + "#log-title";
    earlier.hidden = false;
  }

  function setUpRun() {
    const live = one("#live[data-events]");
    const log = one("#log");
    if (!live || !log) return;
    log.scrollTop = log.scrollHeight;
    let last = Number((one("li:last-child", log) || { dataset: {} }).dataset.sequence || 0);
    const connect = () => {
      const events = new EventSource(live.dataset.events.split("?")[0] + "?after=" + last);
      events.addEventListener("run", (event) => replaceChanged(live, event.data));
      events.addEventListener("log", (event) => {
        if (Number(event.lastEventId) <= last) return;
        last = Number(event.lastEventId);
        const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
        log.insertAdjacentHTML("beforeend", event.data);
        if (isAtEnd) { dropOldLines(log); log.scrollTop = log.scrollHeight; }
      });
      events.addEventListener("over", () => events.close());
      // The browser comes back by itself after a cut line, but gives up on an answer that is an error: a server that
      // is still starting gives one.
      events.addEventListener("error", () => {
        if (events.readyState === EventSource.CLOSED) setTimeout(connect, 3000);
      });
    };
    connect();
  }

  // The list of runs: choose all, say how many, and ask for the list again while runs of it go on.
  function setUpRunList() {
    const bulk = one("#bulk");
    if (!bulk) return;
    const boxes = () => all("#run-list input[name=run]");
    const show = () => {
      const chosen = boxes().filter((box) => box.checked).length;
      const every = one("#run-list [data-all]");
      if (every) {
        every.checked = chosen > 0 && chosen === boxes().length;
        every.indeterminate = chosen > 0 && !every.checked;
      }
      one("[data-count]", bulk).textContent = chosen === 1 ? "1 run chosen" : chosen + " runs chosen";
      bulk.classList.toggle("has-choice", chosen > 0);
    };
    document.addEventListener("change", (event) => {
      if (event.target.matches("#run-list [data-all]")) {
        for (const box of boxes()) box.checked = event.target.checked;
      }
      if (event.target.closest("#run-list")) show();
    });
    // A page that comes back from the browser's memory has its boxes as they were.
    addEventListener("pageshow", show);
    show();
    keepFresh(show);
  }

  function keepFresh(show) {
    const seconds = Number(one("#run-list").dataset.refresh);
    if (!seconds) return;
    setTimeout(async () => {
      try {
        if (!document.hidden) await refreshRunList();
        show();
      } catch (_) { /* the next time may go better */ }
      keepFresh(show);
    }, seconds * 1000);
  }

  // What is chosen, what has the focus and how far the table is scrolled stay.
  async function refreshRunList() {
    const address = location.pathname === "/runs" ? location.search : "?" + one("#bulk input[name=query]").value;
    const answer = await fetch("/runs" + address, { headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    const parsed = document.createElement("template");
    parsed.innerHTML = await answer.text();
    const fresh = one("#run-list", parsed.content);
    const old = one("#run-list");
    if (!fresh) return;
    const chosen = new Set(all("input[name=run]:checked", old).map((box) => box.value));
    for (const box of all("input[name=run]", fresh)) box.checked = chosen.has(box.value);
    const held = old.contains(document.activeElement) ? document.activeElement : null;
    const left = one(".scroll", old)?.scrollLeft || 0;
    old.replaceWith(fresh);
    if (left) one(".scroll", fresh)?.scrollTo(left, 0);
    const again = held && all("a, input", fresh).find((item) => item.tagName === held.tagName
      && (item.href || item.value) === (held.href || held.value) && item.dataset.all === held.dataset.all);
    if (again) again.focus({ preventScroll: true });
    tick();
  }

  function setUpFilter() {
    const box = one("[data-filter]");
    const tree = box && one(box.dataset.filter);
    if (!tree) return;
    const nothing = one("#no-match");
    box.addEventListener("input", () => {
      const wanted = box.value.trim().toLowerCase();
      let found = 0;
      for (const schema of all(".schema", tree)) {
        let here = 0;
        for (const item of all("li[data-name]", schema)) {
          item.hidden = !item.dataset.name.toLowerCase().includes(wanted);
          if (!item.hidden) here += 1;
        }
        schema.hidden = wanted !== "" && here === 0;
        if (here && wanted) schema.open = true;
        found += here;
      }
      nothing.hidden = wanted === "" || found > 0;
    });
    box.form.addEventListener("submit", (event) => { if (document.activeElement === box) event.preventDefault(); });
  }

  function setUpForms() {
    document.addEventListener("change", (event) => {
      if (event.target.matches("[data-submit]")) event.target.form.submit();
    });
    document.addEventListener("click", (event) => {
      const download = event.target.closest("[data-download]");
      if (download) {
        event.preventDefault();
        if (!download.form.reportValidity()) return;
        const action = download.form.getAttribute("action");
        download.form.setAttribute("action", download.getAttribute("formaction"));
        download.form.submit();
        download.form.setAttribute("action", action);
      }
      const pick = event.target.closest("[data-pick]");
      if (pick) {
        for (const box of all("input[name=table]:not(:disabled)", pick.form)) box.checked = pick.dataset.pick === "all";
      }
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea")) {
        event.preventDefault();
        event.target.form.requestSubmit();
      }
    });
  }

  // htmx: what was said before is over when a new request goes out, and a lost server is said in words.
  function setUpRequests() {
    const showPicks = () => { for (const pick of all(".pick[hidden]")) pick.hidden = false; };
    showPicks();
    document.addEventListener("htmx:afterSwap", showPicks);
    document.addEventListener("htmx:beforeRequest", () => {
      const outcome = one("#outcome");
      if (outcome) outcome.replaceChildren();
    });
    document.addEventListener("htmx:beforeSwap", (event) => {
      const outcome = one("#outcome");
      if (event.detail.xhr.status < 400 || !outcome) return;
      if (event.detail.target.id === "streams") event.detail.target.replaceChildren();
      event.detail.target = outcome;
    });
    // Streams belong to the address that listed them.
    const address = one("#address");
    if (address) address.addEventListener("input", () => one("#streams").replaceChildren());
    document.addEventListener("htmx:sendError", () => {
      const place = one("#outcome") || one("#result");
      if (!place) return;
      const note = document.createElement("div");
      note.className = "note bad";
      note.setAttribute("role", "alert");
      note.textContent = "Weirhouse does not answer. Check that it is running, then try again.";
      place.replaceChildren(note);
    });
  }

  setUpTheme();
  setUpMenu();
  setUpRun();
  setUpRunList();
  setUpFilter();
  setUpForms();
  setUpRequests();
  tick();
  setInterval(tick, 1000);
})();
