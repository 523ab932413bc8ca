"""Metrics that Debian's Prometheus reads, traces that an OTLP receiver takes, log lines that parse."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import observing
import processes
from databases import SHOP, Database
from gates import GATED, Gate
from house import House
from observing import Prometheus, Receiver
from processes import wait_for

KINDS = ["provision", "extract", "validate", "load", "model", "publish"]
DASHBOARD = json.loads((observing.DOCS / "observability" / "grafana-dashboard.json").read_text())


@pytest.fixture(scope="module")
def cloned(make_module_house: Callable[..., House], make_module_database: Callable[..., Database]) -> House:
    """A house in which one clone was made."""
    house = make_module_house().start()
    house.clone(make_module_database("shop", SHOP).url)
    done = 'weir_jobs_finished_total{kind="publish",outcome="success"}'
    wait_for(lambda: observing.value(observing.scrape(house), done) == 1, 20, "the last job's count")
    return house


def expressions() -> list[str]:
    """All of the dashboard and of the rules."""
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    groups = yaml.safe_load(observing.RULES.read_text())["groups"]
    return panels + [rule["expr"] for group in groups for rule in group["rules"]]


# Metrics ---------------------------------------------------------------------------------------------------------------


def test_prometheus_reads_what_a_clone_has_done(cloned: House, tmp_path: Path) -> None:
    with Prometheus(cloned, tmp_path) as prometheus:
        wait_for(lambda: prometheus.values('up{job="weirhouse"}') == [1], 30, "the first scrape")
        for kind in KINDS:
            assert prometheus.values(f'weir_jobs_finished_total{{kind="{kind}",outcome="success"}}') == [1]
            assert prometheus.values(f'weir_jobs{{kind="{kind}"}}') == [0, 0, 0]
        assert prometheus.values("provisioning_time_seconds_count") == [1]
        assert 0 < prometheus.values("provisioning_time_seconds_sum")[0] < 60
        assert prometheus.values("provisioning_failure_rate") == [0]
        assert prometheus.values("weir_workers") == [1] and prometheus.values("weir_worker_slots") == [2]
        requests = prometheus.ask("query", query='weir_http_requests_total{route="/api/v1/clones"}')["result"]
        assert [(one["metric"]["method"], one["metric"]["status"]) for one in requests] == [("POST", "202")]
        # Prometheus understands every expression that we ship.
        for expression in expressions():
            plain = expression.replace("$__rate_interval", "1m").replace('job=~"$job"', 'job=~".*"')
            prometheus.ask("query", query=plain)
        loaded = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
        assert len(loaded) == sum(len(g["rules"]) for g in yaml.safe_load(observing.RULES.read_text())["groups"])
        wait_for(lambda: all(
            rule["health"] == "ok" for group in prometheus.ask("rules")["groups"] for rule in group["rules"]),
            20, "the evaluation of all rules")
        assert prometheus.ask("alerts")["alerts"] == []


def test_the_scrape_is_as_prometheus_wants_it(cloned: House) -> None:
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=observing.scrape(cloned).encode(), capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_dashboard_rules_and_documentation_name_the_metrics_that_there_are(cloned: House) -> None:
    text = observing.scrape(cloned)
    there = observing.families(text)
    used = {observing.without_suffix(name, there) for expression in expressions() for name in observing.names_in(expression)}
    assert used - {"up"} - set(there) == set()
    table = dict(re.findall(r"^\| `(\w+)` \| (counter|gauge|histogram) \|", (observing.DOCS / "observability.md").read_text(), re.MULTILINE))
    # Nobody has sent a thousand values of a label yet; all else is there from the beginning.
    assert table == there
    # The dashboard leaves none of our own out.
    shown = {observing.without_suffix(name, there) for panel in DASHBOARD["panels"] for target in panel.get("targets", [])
             for name in observing.names_in(target["expr"])}
    assert set(there) - shown == set()


def test_labels_are_bounded_and_name_no_tenant(cloned: House) -> None:
    for path in ("/no/such/page", "/api/v1/nothing", "/runs/0b7f2f5e-0d6c-4c5e-9a55-3d6f5f2f8a01"):
        observing.get(observing.address(cloned) + path)
    urllib.request.urlopen(urllib.request.Request(observing.address(cloned) + "/health/live", method="HEAD"))
    text = observing.scrape(cloned)
    assert "acme" not in text and "no/such" not in text and "0b7f2f5e" not in text
    assert 'route="/runs/{id}"' in text


def test_the_rules_fire_when_they_should(tmp_path: Path) -> None:
    shutil.copy(observing.RULES, tmp_path / "rules.yml")
    shutil.copy(Path(__file__).with_name("prometheus-rules.test.yml"), tmp_path / "tests.yml")
    for command in (["check", "rules", "rules.yml"], ["test", "rules", "tests.yml"]):
        done = subprocess.run(["promtool", *command], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_sums_outlive_a_restart_and_the_last_seconds_are_in_them(
    make_house: Callable[..., House], make_database: Callable[..., Database]
) -> None:
    house = make_house().start()
    house.clone(make_database("shop", SHOP).url)
    # At once: what the worker has not sent yet it sends at its end.
    house.stop()
    house.start()
    text = observing.scrape(house)
    for kind in KINDS:
        assert observing.value(text, f'weir_jobs_finished_total{{kind="{kind}",outcome="success"}}') == 1
        assert observing.value(text, f'weir_job_duration_seconds_count{{kind="{kind}",outcome="success"}}') == 1


@pytest.mark.timeout(120)
def test_the_lease_of_a_killed_worker_is_counted_as_lost(
    make_house: Callable[..., House], make_database: Callable[..., Database]
) -> None:
    source = make_database("gated", GATED)
    house = make_house().start()
    with Gate(source) as gate:
        run = house.clone_detached(source.url, "--tables", "gated")
        gate.wait_for_readers()
        text = observing.scrape(house)
        assert observing.value(text, "active_jobs") == 1
        assert observing.value(text, 'weir_jobs{kind="extract",state="RUNNING"}') == 1
        assert observing.value(text, 'weir_jobs_waiting{kind="publish",waits="predecessors"}') == 1
        os.kill(house.pid_of("work"), signal.SIGKILL)
        losses = 'weir_lease_losses_total{kind="extract"}'
        wait_for(lambda: observing.value(observing.scrape(house), losses) == 1, 40, "the lost lease")
    assert house.wait_for_run(run)["run"]["state"] == "SUCCESS"
    assert observing.value(observing.scrape(house), losses) == 1


def test_metrics_are_for_those_who_may_read_them(cloned: House, make_house: Callable[..., House]) -> None:
    metrics = f"{observing.address(cloned)}/metrics"
    assert observing.get(metrics)[0] == 200
    assert observing.get(metrics, X_Forwarded_For="10.0.0.7")[0] == 403
    closed = make_house(WEIR_METRICS_TOKEN="sesame").start()
    metrics = f"{observing.address(closed)}/metrics"
    status, headers, _ = observing.get(metrics)
    assert status == 401 and headers["www-authenticate"] == "Bearer"
    assert observing.get(metrics, Authorization="Bearer sesam")[0] == 401
    assert observing.get(metrics, Authorization="Bearer sesame", X_Forwarded_For="10.0.0.7")[0] == 200
    assert "sesame" not in closed.log.read_text()


def test_a_database_that_stands_still_is_told_of_and_holds_nobody_up(make_house: Callable[..., House]) -> None:
    house = make_house().start()
    base = observing.address(house)
    status, headers, body = observing.get(f"{base}/health/ready")
    assert (status, json.loads(body)) == (200, {"ready": True}) and len(headers["x-correlation-id"]) == 36
    assert observing.value(observing.scrape(house), "weir_metadata_up") == 1
    postgres = {pid for pid, line in house.pids().items() if "/bin/postgres " in line or line.startswith("postgres:")}
    assert len(postgres) > 5
    processes.send(postgres, signal.SIGSTOP)
    try:
        for _ in range(3):
            seconds = observing.elapsed(lambda: observing.get(f"{base}/health/ready"))
            assert seconds < 3
        status, headers, body = observing.get(f"{base}/health/ready")
        assert status == 503 and json.loads(body)["code"] == "metadata_unavailable"
        assert observing.get(f"{base}/health/live")[0] == 200
        text = observing.scrape(house)
        assert observing.value(text, "weir_metadata_up") == 0
        assert observing.value(text, "process_open_fds") and observing.value(text, "weir_workers") is None
    finally:
        processes.send(postgres, signal.SIGCONT)
    wait_for(lambda: observing.get(f"{base}/health/ready")[0] == 200, 30, "readiness")
    wait_for(lambda: observing.value(observing.scrape(house), "weir_workers") == 1, 30, "the installation's metrics")


# Logs ------------------------------------------------------------------------------------------------------------------


def test_every_line_of_every_process_is_json_and_names_its_request(
    make_house: Callable[..., House], make_database: Callable[..., Database]
) -> None:
    source = make_database("shop", SHOP)
    house = make_house(WEIR_LOG="json").start()
    run, correlation = clone(house, source)
    assert house.wait_for_run(run)["run"]["state"] == "SUCCESS"
    house.stop()
    lines = observing.log_objects(house)
    assert {"server", "worker", "engine", "postgres"} <= {line["part"] for line in lines}
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]) and line["level"] and line["message"]
    claims = [line for line in lines if line["part"] == "worker" and "attempt" in line]
    assert [line["kind"] for line in claims] == KINDS
    assert all(isinstance(line["attempt"], int) and line["job_id"] in line["message"] for line in claims)
    # From the request down to the last job.
    jobs = [line for line in lines if "job_id" in line]
    assert {line.get("correlation_id") for line in jobs} == {correlation}
    assert all(re.fullmatch(r"[0-9a-f]{16}", line["span_id"]) for line in jobs)
    assert source.url not in house.log.read_text()


def test_settings_of_logs_and_traces_that_cannot_be_are_refused(binary: str) -> None:
    for variables, word in (
        ({"WEIR_LOG": "xml"}, "WEIR_LOG is xml"), ({"WEIR_LOG_LEVEL": "loud"}, "WEIR_LOG_LEVEL is loud"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"}, "OTEL_EXPORTER_OTLP_ENDPOINT"),
        ({"WEIR_METRICS_TOKEN": ""}, "WEIR_METRICS_TOKEN is empty"),
    ):
        house = House(binary)
        said = house.weir("up", "--port", "0", seconds=20, **variables)
        assert said.status != 0 and word in said.err and len(said.lines) <= 2, said
        house.remove()


# Traces ----------------------------------------------------------------------------------------------------------------


def clone(house: House, source: Database, **headers: str) -> tuple[str, str]:
    """Starts one over the API; the run's id and the request's correlation id."""
    token = (house.folder / "token").read_text().strip()
    request = urllib.request.Request(
        f"{observing.address(house)}/api/v1/clones", json.dumps({"url": source.url}).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"} | headers)
    with urllib.request.urlopen(request) as response:
        return json.loads(response.read())["run_id"], response.headers["X-Correlation-Id"]


def test_one_clone_is_one_trace_from_the_request_to_dbt(
    make_house: Callable[..., House], make_database: Callable[..., Database]
) -> None:
    caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with Receiver() as receiver:
        house = make_house(OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint).start()
        run, correlation = clone(house, make_database("shop", SHOP), traceparent=caller)
        # The caller's trace goes on.
        assert correlation == "0af76519-16cd-43dd-8448-eb211c80319c"
        assert house.wait_for_run(run)["run"]["state"] == "SUCCESS"
        wait_for(lambda: "job publish" in {one.span.name for one in receiver.of_trace(correlation)}, 20, "the last span")
        trace = receiver.of_trace(correlation)
        by_name = {one.span.name: one for one in trace}
        request = by_name["POST /api/v1/clones"]
        assert request.part == "server" and request.span.kind == request.span.SPAN_KIND_SERVER
        assert request.span.parent_span_id.hex() == "b7ad6b7169203331"
        assert request.attributes["http.response.status_code"] == 202
        assert request.attributes["http.route"] == "/api/v1/clones"
        for kind in KINDS:
            job = by_name[f"job {kind}"]
            assert job.part == "worker" and job.span.kind == job.span.SPAN_KIND_CONSUMER
            assert job.span.parent_span_id == request.span.span_id
            assert request.span.start_time_unix_nano <= job.span.start_time_unix_nano < job.span.end_time_unix_nano
        dbt = by_name["dbt build"]
        assert dbt.span.kind == dbt.span.SPAN_KIND_CLIENT
        assert dbt.span.parent_span_id == by_name["job model"].span.span_id
        assert {one.resource["service.name"] for one in trace} == {"weirhouse"}
        assert all(one.resource[key] for one in trace for key in (
            "service.version", "service.instance.id", "host.name", "process.pid"))
        assert len({one.span.span_id for one in trace}) == len(trace)
        # Neither scrapes nor health checks are worth a span.
        observing.scrape(house)
        observing.get(f"{observing.address(house)}/health/ready")
        house.stop()
        assert not [one for one in receiver.spans if "/metrics" in one.span.name or "/health" in one.span.name]


def test_a_query_is_one_trace_through_the_engine(
    make_house: Callable[..., House], make_database: Callable[..., Database]
) -> None:
    with Receiver() as receiver:
        house = make_house(OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint).start()
        house.clone(make_database("shop", SHOP).url)
        with pytest.raises(Exception, match="query_failed"):
            house.query("SELECT no_such_column FROM RAW.orders")
        house.stop()
        failed = [one for one in receiver.spans if one.span.name == "query" and one.span.status.code == 2]
        assert len(failed) == 1 and failed[0].part == "engine" and failed[0].attributes["error.type"] == "query_failed"
        names = {one.span.span_id: one.span.name for one in receiver.spans}
        asked = next(one for one in receiver.spans if one.span.span_id == failed[0].span.parent_span_id)
        assert asked.span.name == "ask query engine" and asked.part == "server"
        assert names[asked.span.parent_span_id] == "POST /api/v1/query"


def test_an_answer_that_is_ready_is_told_of_like_any_other(make_house: Callable[..., House]) -> None:
    trace = "0af7651916cd43dd8448eb211c80319"
    with Receiver() as receiver:
        house = make_house(OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint).start()
        token = (house.folder / "token").read_text().strip()
        answers = []
        for number in range(3):
            fields = {"Authorization": f"Bearer {token}", "traceparent": f"00-{trace}{number}-b7ad6b7169203331-01"}
            status, headers, body = observing.get(f"{observing.address(house)}/api/v1/dashboards", **fields)
            assert status == 200 and headers.pop("x-correlation-id").replace("-", "") == f"{trace}{number}"
            answers.append(({k: v for k, v in headers.items() if k != "date"}, body))
        assert answers[0] == answers[1] == answers[2]
        series = 'weir_http_requests_total{method="GET",route="/api/v1/dashboards",status="200"}'
        assert observing.value(observing.scrape(house), series) == 3
        house.stop()
    spans = [one for one in receiver.spans if one.span.name == "GET /api/v1/dashboards"]
    assert [one.span.trace_id.hex() for one in spans] == [f"{trace}{number}" for number in range(3)]
    assert {one.span.parent_span_id.hex() for one in spans} == {"b7ad6b7169203331"}


def test_a_receiver_that_is_away_or_slow_changes_nothing(
    make_house: Callable[..., House], make_database: Callable[..., Database]
) -> None:
    source = make_database("shop", SHOP)
    # The first clone of a machine fills caches; none of the three is that one.
    usual = make_house().start()
    usual.clone(source.url)
    seconds = observing.elapsed(lambda: usual.clone(source.url))
    usual.stop()
    with Receiver() as receiver:
        receiver.delay = 60
        for endpoint in ("http://127.0.0.1:1", receiver.endpoint):
            house = make_house(OTEL_EXPORTER_OTLP_ENDPOINT=endpoint).start()
            house.clone(source.url)
            with_receiver = observing.elapsed(lambda: house.clone(source.url))
            # As fast, within what a busy machine makes of it; nowhere near the receiver's minute.
            assert with_receiver < seconds * 1.5 + 2
            assert observing.elapsed(house.stop) < 20
            assert "error" not in house.log.read_text()
        assert receiver.requests > 0


def test_spans_that_a_receiver_does_not_take_are_counted(make_house: Callable[..., House]) -> None:
    with Receiver() as receiver:
        receiver.status = 400
        house = make_house(OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint).start()
        refused = 'weir_spans_dropped_total{reason="refused"}'

        def counted() -> Any:
            return observing.value(observing.scrape(house), refused)

        wait_for(lambda: counted(), 20, "a refused span")
        receiver.status = 200
        house.get("/api/v1/status")
        wait_for(lambda: observing.value(observing.scrape(house), "weir_spans_exported_total"), 20, "a span")
