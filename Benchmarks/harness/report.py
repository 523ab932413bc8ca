"""The page docs/benchmarks.md, from the results of one run."""

from __future__ import annotations

from statistics import median

SUBJECT, LIMIT = "weirhouse", "limit"
MEMORY_GOAL = 700e6


def markdown(document: dict) -> str:
    parts = [
        "# Benchmarks",
        f"Written by `make bench` on {document['date']}; do not edit. All figures come from one run on one machine, "
        f"medians of {document['rounds']} (smallest–largest).",
        *([f"**Not a whole run**: `{document['arguments']}`."] if document["arguments"] else []),
        "## Goals", goals(document),
        "## Machine and versions", facts(document["machine"] | document["versions"]),
        *(loading(dataset) for dataset in document["loading"].values()),
        "## Peak memory", memory(document["memory"]),
        "## First page", first_page(document["start"], document["home"]),
        "## How it was measured", METHOD,
        "### Command lines", command_lines(document["loading"]),
    ]
    return "\n\n".join(parts) + "\n"


METHOD = """\
- The source is PostgreSQL on the same machine, over TCP on the loopback, without flushing to disk. Destinations are
  files on the same disk.
- Every run is a fresh process with a fresh destination. The tools take turns, each round beginning with another one;
  before each run, what earlier ones wrote is flushed to disk. `weir up` keeps running meanwhile, as it does in use.
- After each run, rows and the sum of one column are compared with the source; a tool that differs is not measured.
- *Loading* is what the tool itself reports: for the limit the one SQL statement, for Weirhouse `load_seconds` (extract,
  validate and load; the result is encrypted, checked and committed), for dlt `pipeline.run`, for ingestr its last
  line; for sling the whole command. *Whole command* includes the program's start and, for Weirhouse, models, tests and
  the dashboard, which the others do not make.
- Peers run with their defaults, telemetry off; dlt's pages are 100,000 rows with pyarrow. sling drives the `duckdb`
  command of PyPI's `duckdb-cli`.
- Memory is the sum of the proportional set sizes (PSS) of a tool's processes, sampled every 50 ms, in runs apart from
  the timed ones. For Weirhouse that is everything below `weir up` (server, workers, engines, dbt, its own PostgreSQL)
  and the command, while the command runs. The source's PostgreSQL belongs to nobody, also where it keeps the catalogue
  of dlt's DuckLake."""


def goals(document: dict) -> str:
    rows = ["| goal | measured | met |", "|---|---|---|"]
    for dataset in document["loading"].values():
        tools = dataset["tools"]
        own = middle(tools, SUBJECT)
        limit = middle(tools, LIMIT)
        peers = {name: middle(tools, name) for name in tools if name != SUBJECT and not name.startswith(LIMIT)}
        known = {name: seconds for name, seconds in peers.items() if seconds}
        short = dataset["short"]
        rows.append(goal(f"{short}: within 1.3× of the limit", ratio(own, limit), lambda value: value <= 1.3))
        fastest = min(known, key=known.get, default=None)
        remarks = [f"fastest: {fastest}"] if fastest else []
        remarks += [f"{name} not measured" for name in peers if name not in known]
        rows.append(goal(f"{short}: 3× or more ahead of every peer" + (f" ({', '.join(remarks)})" if remarks else ""),
                         ratio(known.get(fastest), own), lambda value: value >= 3))
    peaks = [outcomes.get(SUBJECT, {}).get("peak_bytes") for outcomes in document["memory"].values()]
    if peaks and all(peaks):
        rows.append(f"| peak memory at most 700 MB | {max(peaks) / 1e6:.0f} MB | {yes(max(peaks) <= MEMORY_GOAL)} |")
        rows.append(goal("the same peak at ten times the rows (within 10 %)", peaks[-1] / peaks[0],
                         lambda value: value <= 1.1))
    else:
        rows.append("| peak memory at most 700 MB, the same at ten times the rows | not measured | – |")
    return "\n".join(rows)


def goal(name: str, value: float | None, met) -> str:
    if value is None:
        return f"| {name} | not measured | – |"
    return f"| {name} | {value:.2f}× | {yes(met(value))} |"


def yes(met: bool) -> str:
    return "yes" if met else "**no**"


def facts(values: dict[str, str]) -> str:
    return "\n".join(["| what | which |", "|---|---|", *(f"| {key} | {value} |" for key, value in values.items())])


def loading(dataset: dict) -> str:
    tools = dataset["tools"]
    own, limit = middle(tools, SUBJECT), middle(tools, LIMIT)
    whole = middle(tools, SUBJECT, "command_seconds")
    lines = [f"## Loading {dataset['title']} ({dataset['bytes'] / 1e6:.0f} MB in PostgreSQL)", "",
             "| tool | loading, s | × limit | × Weirhouse | whole command, s | × Weirhouse |",
             "|---|--:|--:|--:|--:|--:|"]
    problems = []
    for name in sorted(tools, key=lambda name: middle(tools, name) or float("inf")):
        outcome = tools[name]
        if "error" in outcome:
            problems.append(f"- {outcome['title']}: not measured: {outcome['error']}")
            continue
        load, command = series(outcome, "load_seconds"), series(outcome, "command_seconds")
        lines.append(f"| {outcome['title']} | {spread(load)} | {times(ratio(median(load), limit))} | "
                     f"{times(ratio(median(load), own))} | {spread(command)} | "
                     f"{times(ratio(median(command), whole))} |")
    return "\n".join(lines + ([""] + problems if problems else []))


def memory(sizes: dict) -> str:
    if not sizes:
        return "not measured"
    names = list(dict.fromkeys(name for outcomes in sizes.values() for name in outcomes))
    lines = ["| tool | " + " | ".join(f"{title}, MB" for title in sizes) + " |", "|---|" + "--:|" * len(sizes)]
    problems, notes = [], []
    for name in names:
        cells = []
        title = next(outcomes[name]["title"] for outcomes in sizes.values() if name in outcomes)
        for size, outcomes in sizes.items():
            outcome = outcomes.get(name, {"error": "not run"})
            cells.append(f"{outcome['peak_bytes'] / 1e6:.0f}" if "peak_bytes" in outcome else "–")
            if "error" in outcome:
                problems.append(f"- {title}, {size}: not measured: {outcome['error']}")
            elif name == SUBJECT:
                parts = sorted(outcome["by_name"].items(), key=lambda part: -part[1])
                notes.append(f"- Weirhouse at its peak, {size}: "
                             + ", ".join(f"{part} {used / 1e6:.0f} MB" for part, used in parts)
                             + f"; idle before: {outcome['idle_bytes'] / 1e6:.0f} MB together.")
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *notes, *problems]).rstrip()


def first_page(start: dict, home: dict) -> str:
    lines = ["| what | measured |", "|---|--:|"]
    problems = []
    if "seconds" in start:
        lines += [f"| `weir up`, {what} answers 200 | {spread(seconds)} s |"
                  for what, seconds in start["seconds"].items()]
    else:
        problems.append(f"- first page: not measured: {start.get('error', 'not asked for')}")
    if "visits" in home:
        visits = home["visits"]
        lines.append(f"| home page, transferred, empty cache | {median(v['bytes'] for v in visits) / 1e3:.1f} kB in "
                     f"{median(v['requests'] for v in visits):.0f} requests |")
        lines.append(f"| home page, until the load event | {spread([v['load_ms'] for v in visits], 0)} ms |")
        foreign = sorted({host for visit in visits for host in visit["foreign_hosts"]})
        lines.append(f"| other hosts asked | {', '.join(foreign) or 'none'} |")
    else:
        problems.append(f"- home page: not measured: {home.get('error', 'not asked for')}")
    table = lines if len(lines) > 2 else []
    return "\n".join([*table, *([""] if table and problems else []), *problems])


def command_lines(datasets: dict) -> str:
    """One per tool, as called for the first dataset's last round; `$SOURCE` is the server's address."""
    lines = ["`$SOURCE` is the address of the source's server, `$WORK` a fresh folder. The scripts are in "
             "`Benchmarks/jobs`.", "", "```sh", "weir up --data $WORK/data --port N"]
    first = next(iter(datasets.values()), {"tools": {}})
    for outcome in first["tools"].values():
        if outcome["runs"]:
            lines.append(outcome["runs"][-1]["command"])
    return "\n".join([*lines, "```"])


def series(outcome: dict, key: str) -> list[float]:
    return [run[key] for run in outcome["runs"]]


def middle(tools: dict, name: str, key: str = "load_seconds") -> float | None:
    outcome = tools.get(name)
    if outcome is None or "error" in outcome or not outcome["runs"]:
        return None
    return median(series(outcome, key))


def ratio(value: float | None, base: float | None) -> float | None:
    return value / base if value and base else None


def times(value: float | None) -> str:
    return f"{value:.2f}" if value else "–"


def spread(values: list[float], digits: int = 2) -> str:
    return f"{median(values):.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"
