-- What Prometheus is told of the whole installation (docs/observability.md). Workers have no port: each process adds what
-- it has counted, any server reads the sums. Nothing here names an organization.

-- Sums that only grow, over all processes and their restarts. Buckets of histograms stand for themselves alone.
CREATE TABLE weir.metric_totals (
  metric text NOT NULL,
  labels jsonb NOT NULL,
  value float8 NOT NULL,
  PRIMARY KEY (metric, labels)
);

-- What transactions of the queue count. Each makes a row of its own, so that none waits for another; they are added to
-- the totals now and then.
CREATE TABLE weir.metric_marks (
  mark bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  metric text NOT NULL,
  labels jsonb NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON weir.metric_totals TO weir_dispatch;
GRANT SELECT, INSERT, UPDATE, DELETE ON weir.metric_marks TO weir_dispatch;

-- Adds [{"metric": …, "labels": {…}, "value": …}, …], and the marks. Rows are changed in the order of their keys, so that
-- two processes never wait for each other.
CREATE FUNCTION weir.add_metrics(deltas jsonb) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
  WITH marks AS (
    DELETE FROM weir.metric_marks WHERE mark IN
      (SELECT mark FROM weir.metric_marks ORDER BY mark LIMIT 10000 FOR UPDATE SKIP LOCKED)
    RETURNING metric, labels, 1::float8 AS value
  ), added AS (
    SELECT metric, labels, value FROM marks
    UNION ALL
    SELECT d.metric, d.labels, d.value FROM jsonb_to_recordset(deltas) AS d (metric text, labels jsonb, value float8)
  )
  INSERT INTO weir.metric_totals AS t (metric, labels, value)
    SELECT metric, labels, sum(value) FROM added GROUP BY metric, labels ORDER BY metric, labels
    ON CONFLICT (metric, labels) DO UPDATE SET value = t.value + excluded.value
$$;

CREATE FUNCTION weir.read_metrics() RETURNS TABLE (metric text, labels jsonb, value float8)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT a.metric, a.labels, sum(a.value) FROM (
    SELECT t.metric, t.labels, t.value FROM weir.metric_totals t
    UNION ALL
    SELECT m.metric, m.labels, 1 FROM weir.metric_marks m) a
  GROUP BY a.metric, a.labels
$$;

-- A worker that was killed cannot tell that it has lost a job: whoever takes the job back leaves a mark.
CREATE FUNCTION weir.mark_loss() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  INSERT INTO weir.metric_marks (metric, labels)
    VALUES ('weir_lease_losses_total', jsonb_build_object('kind', NEW.kind));
  RETURN NULL;
END $$;
CREATE TRIGGER mark_loss AFTER UPDATE OF losses ON weir.jobs FOR EACH ROW
  WHEN (NEW.losses > OLD.losses) EXECUTE FUNCTION weir.mark_loss();

-- The queue at this moment. Only indexes of jobs that are not over are read: the millions that are done cost nothing.
CREATE INDEX jobs_blocked ON weir.jobs (kind) WHERE state = 'PENDING' AND waits IN ('predecessors', 'failure');

-- How many schedules no server has looked at for a minute after their time (index schedules_due). The table is found when
-- this is called: without schedules none is late.
CREATE FUNCTION weir.schedules_late() RETURNS float8
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF to_regclass('weir.schedules') IS NULL THEN RETURN 0; END IF;
  RETURN (SELECT count(*) FROM weir.schedules WHERE paused_at IS NULL AND look_at < now() - interval '1 minute');
END $$;

CREATE FUNCTION weir.queue_gauges() RETURNS TABLE (metric text, labels jsonb, value float8)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  WITH pending AS (
    SELECT kind, waits, count(*) AS n, min(run_after) AS since FROM weir.jobs
      WHERE state = 'PENDING' AND waits = 'worker' GROUP BY 1, 2
    UNION ALL
    SELECT kind, waits, count(*), NULL FROM weir.jobs WHERE state = 'PENDING' AND waits = 'time' GROUP BY 1, 2
    UNION ALL
    SELECT kind, waits, count(*), NULL FROM weir.jobs
      WHERE state = 'PENDING' AND waits IN ('limit', 'pause') GROUP BY 1, 2
    UNION ALL
    SELECT kind, waits, count(*), NULL FROM weir.jobs
      WHERE state = 'PENDING' AND waits IN ('predecessors', 'failure') GROUP BY 1, 2
  ), counted AS (
    SELECT kind, 'PENDING' AS state, sum(n) AS n FROM pending GROUP BY 1
    UNION ALL
    SELECT kind, state, count(*) FROM weir.jobs WHERE state = 'RUNNING' GROUP BY 1, 2
    UNION ALL
    SELECT kind, state, count(*) FROM weir.jobs WHERE state = 'RETRYABLE' GROUP BY 1, 2
  ), alive AS (
    SELECT kinds, slots FROM weir.workers WHERE seen_at > now() - interval '15 seconds'
  ), kinds AS (
    SELECT unnest(kinds) AS kind FROM alive UNION SELECT kind FROM counted
  )
  SELECT 'weir_jobs', jsonb_build_object('kind', kind, 'state', state), coalesce(c.n, 0)::float8
    FROM kinds CROSS JOIN (VALUES ('PENDING'), ('RUNNING'), ('RETRYABLE')) s (state)
    LEFT JOIN counted c USING (kind, state)
  UNION ALL
  SELECT 'weir_jobs_waiting', jsonb_build_object('kind', kind, 'waits', waits), coalesce(p.n, 0)
    FROM kinds
    CROSS JOIN (VALUES ('worker'), ('predecessors'), ('time'), ('limit'), ('pause'), ('failure')) w (waits)
    LEFT JOIN pending p USING (kind, waits)
  UNION ALL
  SELECT 'weir_oldest_wait_seconds', jsonb_build_object('kind', kind),
      coalesce(greatest(extract(epoch FROM clock_timestamp() - p.since), 0), 0)
    FROM kinds LEFT JOIN (SELECT kind, since FROM pending WHERE waits = 'worker') p USING (kind)
  UNION ALL
  SELECT 'active_jobs', '{}', coalesce(sum(n), 0) FROM counted WHERE state = 'RUNNING'
  UNION ALL
  SELECT 'weir_workers', '{}', count(*) FROM alive
  UNION ALL
  SELECT 'weir_worker_slots', '{}', coalesce(sum(slots), 0) FROM alive
  UNION ALL
  SELECT 'weir_schedules_late', '{}', weir.schedules_late()
  UNION ALL
  SELECT 'weir_limits', jsonb_build_object('state', s.state), count(l.key)
    FROM (VALUES ('in_use'), ('full'), ('paused')) s (state) LEFT JOIN weir.limits l ON CASE s.state
      WHEN 'in_use' THEN l.used > 0 WHEN 'full' THEN l.used >= l.most ELSE l.paused_until > now() END
    GROUP BY s.state
$$;

GRANT SELECT ON weir.migrations TO weir_app;
ALTER FUNCTION weir.add_metrics OWNER TO weir_dispatch;
ALTER FUNCTION weir.read_metrics OWNER TO weir_dispatch;
ALTER FUNCTION weir.mark_loss OWNER TO weir_dispatch;
ALTER FUNCTION weir.schedules_late OWNER TO weir_dispatch;
ALTER FUNCTION weir.queue_gauges OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.add_metrics, weir.read_metrics, weir.mark_loss, weir.schedules_late,
  weir.queue_gauges FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.add_metrics, weir.read_metrics, weir.queue_gauges TO weir_app;
