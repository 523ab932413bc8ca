// A dashboard's tiles: each fetches its data and draws it; colours come from the page's own variables.
"use strict";
(function () {
  const tiles = Array.from(document.querySelectorAll("[data-chart]"));
  const loaded = new Map();
  const drawn = new Map();
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const number = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
  const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

  const make = (name, text, className) => {
    const element = document.createElement(name);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };

  const isNumeric = (type) => /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL)/.test(type);

  // Decimals come as text, so that none is rounded on the way.
  function shown(cell, type, isMeasure) {
    if (cell === null) return "null";
    if (!isNumeric(type) || !isMeasure) return String(cell);
    const text = String(cell);
    const [whole, fraction] = text.split(".");
    if (!/^-?\d+$/.test(whole) || (fraction !== undefined && !/^\d+$/.test(fraction))) return text;
    const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
    return fraction ? grouped + "." + fraction : grouped;
  }

  // Only what a chart draws is grouped by thousands: ids and years are no amounts.
  function tableOf(data, measures) {
    const table = make("table", undefined, "data");
    const head = table.createTHead().insertRow();
    for (const column of data.columns) {
      const cell = make("th", column.name, isNumeric(column.type) ? "num" : "");
      cell.scope = "col";
      head.append(cell);
    }
    const body = table.createTBody();
    for (const row of data.rows) {
      const line = body.insertRow();
      row.forEach((cell, index) => {
        const { name, type } = data.columns[index];
        const field = make("td", shown(cell, type, measures.includes(name)), isNumeric(type) ? "num" : "");
        if (cell === null) field.className += " null";
        line.append(field);
      });
    }
    return table;
  }

  function scrolling(table, label) {
    const box = make("div", undefined, "scroll tall");
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", label);
    box.append(table);
    return box;
  }

  function colours() {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return {
      series: [1, 2, 3, 4, 5, 6].map((index) => of("--chart-" + index)),
      text: of("--text"), muted: of("--muted"), line: of("--line"), surface: of("--surface"), font: style.fontFamily,
    };
  }

  const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  function day(text) {
    const date = new Date(text.length === 10 ? text + "T00:00:00Z" : text);
    if (isNaN(date)) return text;
    return date.getUTCDate() + " " + months[date.getUTCMonth()] + " " + date.getUTCFullYear();
  }

  const isDay = (type) => type === "DATE" || type.startsWith("TIMESTAMP");

  function parts(tile, table) {
    const index = (name) => table.columns.findIndex((column) => column.name === name);
    const x = index(tile.dataset.x);
    const named = JSON.parse(tile.dataset.y).map(index).filter((at) => at >= 0);
    const ys = named.length ? named : table.columns.map((_, at) => at).filter((at) => at !== x);
    return { x, ys };
  }

  const value = (cell) => (cell === null ? null : Number(cell));
  const withUnit = (text, unit) => (unit ? text + " " + unit : text);

  // Tooltips are drawn on the canvas: ECharts' HTML ones carry inline styles, which the page's policy refuses.
  function common(tile, names) {
    const colour = colours();
    const unit = tile.dataset.unit;
    const axis = { axisLine: { lineStyle: { color: colour.line } }, axisTick: { show: false },
      axisLabel: { color: colour.muted, fontSize: 11 }, splitLine: { lineStyle: { color: colour.line } } };
    return { colour, unit, axis, option: {
      color: colour.series, animation: !still.matches, animationDuration: 300,
      textStyle: { fontFamily: colour.font, color: colour.text },
      grid: { left: 8, right: 16, top: names.length > 1 ? 34 : 12, bottom: 4, containLabel: true },
      legend: names.length > 1
        ? { type: "scroll", top: 0, left: 0, itemWidth: 12, itemHeight: 8, textStyle: { color: colour.muted },
          pageTextStyle: { color: colour.muted } }
        : { show: false },
      tooltip: { trigger: "axis", renderMode: "richText", confine: true, backgroundColor: colour.surface,
        borderColor: colour.line, textStyle: { color: colour.text, fontSize: 12 },
        axisPointer: { lineStyle: { color: colour.muted }, shadowStyle: { opacity: 0.08 } },
        valueFormatter: (shownValue) => withUnit(number.format(shownValue), unit) },
      aria: { enabled: true },
    } };
  }

  function line(tile, table) {
    const { x, ys } = parts(tile, table);
    const names = ys.map((at) => table.columns[at].name);
    const { colour, axis, option } = common(tile, names);
    const dated = isDay(table.columns[x] ? table.columns[x].type : "");
    const xAxis = Object.assign({}, axis, {
      type: "category", boundaryGap: false, splitLine: { show: false }, 
      data: table.rows.map((row) => (dated ? day(String(row[x])) : String(row[x]))),
      axisLabel: Object.assign({}, axis.axisLabel, { hideOverlap: true,
        formatter: (text) => (dated ? text.replace(/ \d{4}$/, "") : text) }),
    });
    const drawOne = (at, order) => ({
      type: "line", name: names[order], data: table.rows.map((row) => value(row[at])),
      showSymbol: table.rows.length < 3, symbolSize: 5, lineStyle: { width: 2 }, smooth: false,
      areaStyle: ys.length === 1 ? { opacity: 0.1, color: colour.series[0] } : undefined,
    });
    return Object.assign(option, { xAxis,
      yAxis: Object.assign({}, axis, { type: "value", axisLine: { show: false }, splitNumber: 4,
        axisLabel: Object.assign({}, axis.axisLabel, { formatter: (shownValue) => short.format(shownValue) }) }),
      series: ys.map(drawOne) });
  }

  function bar(tile, table) {
    const { x, ys } = parts(tile, table);
    const names = ys.map((at) => table.columns[at].name);
    const { axis, option } = common(tile, names);
    const rows = table.rows.slice().reverse();
    option.tooltip.axisPointer.type = "shadow";
    const labels = Object.assign({}, axis.axisLabel, { width: 120, overflow: "truncate" });
    return Object.assign(option, {
      yAxis: Object.assign({}, axis, { type: "category", splitLine: { show: false }, axisLine: { show: false },
        axisLabel: labels, data: rows.map((row) => (row[x] === null ? "null" : String(row[x]))) }),
      xAxis: Object.assign({}, axis, { type: "value", splitNumber: 4,
        axisLabel: Object.assign({}, axis.axisLabel, { hideOverlap: true,
          formatter: (shownValue) => short.format(shownValue) }) }),
      series: ys.map((at, order) => ({ type: "bar", name: names[order], barMaxWidth: 18,
        itemStyle: { borderRadius: [0, 3, 3, 0] }, data: rows.map((row) => value(row[at])) })),
    });
  }

  function drawNumber(tile, table) {
    const { x, ys } = parts(tile, table);
    const at = ys.length ? ys[0] : x;
    const cell = table.rows[0][at];
    const text = cell === null ? "–" : shown(cell, table.columns[at].type, true);
    const line = make("p", text, text.length > 9 ? "big-number long" : "big-number");
    if (tile.dataset.unit) line.append(make("span", " " + tile.dataset.unit, "unit"));
    return line;
  }

  function drawChart(tile, table) {
    const body = tile.querySelector(".tile-body");
    const old = drawn.get(tile);
    if (old) old.dispose();
    const box = make("div", undefined, "plot");
    body.replaceChildren(box);
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", tile.querySelector("h2").textContent + ", " + table.rows.length +
      " points; the table below holds the figures");
    const chart = echarts.init(box, null, { renderer: "canvas" });
    chart.setOption(tile.dataset.kind === "bar" ? bar(tile, table) : line(tile, table));
    drawn.set(tile, chart);
    const place = tile.querySelector(".as-table .scroll");
    if (place) place.replaceChildren(tableOf(table, JSON.parse(tile.dataset.y)));
  }

  function draw(tile) {
    const data = loaded.get(tile);
    const body = tile.querySelector(".tile-body");
    const table = data.table;
    tile.classList.toggle("is-empty", table.rows.length === 0);
    if (table.rows.length === 0) return say(tile, "No data in this range.");
    if (tile.dataset.kind === "number") body.replaceChildren(drawNumber(tile, table));
    else if (tile.dataset.kind === "table") {
      body.replaceChildren(scrolling(tableOf(table, JSON.parse(tile.dataset.y)), tile.querySelector("h2").textContent));
    } else drawChart(tile, table);
  }

  function say(tile, text, isBad) {
    const old = drawn.get(tile);
    if (old) { old.dispose(); drawn.delete(tile); }
    const note = make("p", text, "tile-note " + (isBad ? "bad-text" : "muted"));
    if (isBad) note.setAttribute("role", "alert");
    tile.querySelector(".tile-body").replaceChildren(note);
  }

  function foot(tile, data) {
    const footer = tile.querySelector(".verified");
    footer.replaceChildren();
    const moment = data.verified_through;
    if (moment) {
      const date = new Date(moment);
      const time = make("time", day(moment) + ", " + date.toISOString().slice(11, 16) + " UTC");
      time.dateTime = moment;
      time.title = moment;
      footer.append("Verified through ", time);
    } else footer.append("Not verified yet");
    if (data.table.truncated && tile.dataset.kind !== "number") {
      const cut = "Only the first " + number.format(data.table.rows.length) + " rows are drawn; the CSV holds all.";
      footer.append(make("p", cut, "warn-text"));
    }
  }

  async function load(tile) {
    const source = tile.dataset.source;
    tile.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(source, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      const data = await answer.json();
      if (tile.dataset.source !== source) return;
      if (answer.status === 401) { location.assign("/sign-in"); return; }
      if (!answer.ok) {
        say(tile, [data.detail, data.hint].filter(Boolean).join(" "), true);
      } else {
        loaded.set(tile, data);
        draw(tile);
        foot(tile, data);
      }
    } catch (_) {
      say(tile, "The data did not arrive. Check that Weirhouse is running, then load the page again.", true);
    }
    tile.setAttribute("aria-busy", "false");
  }

  // The range: the address changes with it, so that it can be kept and shared; tiles load again in place.
  function go(query) {
    for (const tile of tiles) {
      const fields = query ? "?" + query : "";
      tile.dataset.source = tile.dataset.source.split("?")[0] + fields;
      const csv = tile.querySelector(".csv");
      csv.setAttribute("href", csv.getAttribute("href").split("?")[0] + fields);
      load(tile);
    }
    const form = document.querySelector("[data-range]");
    const wanted = new URLSearchParams(query);
    for (const link of form.querySelectorAll(".segments a")) {
      const own = new URL(link.href).searchParams;
      const isSame = ["from", "to"].every((name) => own.get(name) === wanted.get(name));
      if (isSame) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    for (const name of ["from", "to"]) {
      const input = form.elements[name];
      input.value = wanted.get(name) || (name === "from" ? input.min : input.max);
    }
  }

  function setUpRange() {
    const form = document.querySelector("[data-range]");
    if (!form) return;
    const visit = (query) => {
      history.pushState(null, "", location.pathname + (query ? "?" + query : ""));
      go(query);
    };
    form.addEventListener("click", (event) => {
      const link = event.target.closest(".segments a");
      if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      visit(new URL(link.href).search.slice(1));
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      visit(new URLSearchParams(new FormData(form)).toString());
    });
    addEventListener("popstate", () => go(location.search.slice(1)));
  }

  document.addEventListener("weir:theme", () => { for (const tile of drawn.keys()) draw(tile); });
  const sizes = new ResizeObserver((entries) => {
    for (const entry of entries) { const chart = drawn.get(entry.target); if (chart) chart.resize(); }
  });
  for (const tile of tiles) { sizes.observe(tile); load(tile); }
  setUpRange();
})();
