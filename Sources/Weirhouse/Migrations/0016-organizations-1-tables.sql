-- Organizations as people run them (docs/organizations.md): founded, suspended, deleted after a time of grace; invitations;
-- retention by environment.

ALTER TABLE weir.organizations
  ADD CHECK (length(name) BETWEEN 1 AND 100),
  ADD CHECK (length(state_reason) <= 500),
  -- Nobody wants to see the list of what is still to be set up.
  ADD COLUMN setup_dismissed_at timestamptz;
-- When somebody first looked at its settings and kept them.
ALTER TABLE weir.environments ADD COLUMN settled_at timestamptz;

-- CLOSED ORGANIZATIONS ------------------------------------------------------------------------------------------------
--
-- While an organization is suspended or being deleted none of its jobs starts: the two keys that all of its jobs count
-- under are paused. Whoever resumes one of them, or opens a window on it, meanwhile changes nothing.

CREATE FUNCTION weir.hold_closed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE closed record;
BEGIN
  SELECT o.state, o.state_reason INTO closed FROM weir.organizations o
    WHERE o.organization_id = NEW.organization_id AND o.state <> 'active';
  IF FOUND THEN
    NEW.paused_until := '9999-01-01 00:00:00+00';
    NEW.paused_because := CASE closed.state WHEN 'deleting' THEN 'the organization is being deleted'
      ELSE 'the organization is suspended' || coalesce(': ' || closed.state_reason, '') END;
    NEW.paused_window := NULL;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER hold_closed BEFORE INSERT OR UPDATE OF paused_until ON weir.limits FOR EACH ROW
  WHEN (NEW.key LIKE 'organization/%' OR NEW.key LIKE 'notices/%') EXECUTE FUNCTION weir.hold_closed();

-- What is written here is overwritten by the trigger above, unless the organization is active again.
CREATE FUNCTION weir.hold_or_release() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE keys text[] := ARRAY['notices/' || NEW.organization_id, 'organization/' || NEW.organization_id];
BEGIN
  INSERT INTO weir.limits (key, organization_id) SELECT k, NEW.organization_id FROM unnest(keys) k
    ON CONFLICT (key) DO UPDATE SET paused_until = NULL, paused_because = NULL, paused_window = NULL;
  IF NEW.state = 'active' THEN
    -- One whose row somebody holds is woken by the next tidying.
    UPDATE weir.jobs SET waits = 'worker', waits_for = NULL WHERE job_id IN (
      SELECT j.job_id FROM weir.jobs j WHERE j.state = 'PENDING' AND j.waits = 'pause' AND j.waits_for = ANY (keys)
      FOR NO KEY UPDATE SKIP LOCKED);
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER hold_or_release AFTER UPDATE OF state, state_reason ON weir.organizations FOR EACH ROW
  WHEN (OLD.state <> NEW.state OR OLD.state_reason IS DISTINCT FROM NEW.state_reason)
  EXECUTE FUNCTION weir.hold_or_release();

-- As before, but of active organizations only: the others' schedules do not fire. What they missed meanwhile is dealt
-- with by their catch-up policy.
CREATE OR REPLACE FUNCTION weir.due_schedules(most int)
RETURNS TABLE (kind text, id uuid, organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  (SELECT 'schedule', s.schedule_id, s.organization_id
   FROM weir.schedules s JOIN weir.organizations o ON o.organization_id = s.organization_id
   WHERE s.paused_at IS NULL AND s.look_at <= clock_timestamp() AND o.state = 'active' ORDER BY s.look_at LIMIT most)
  UNION ALL
  (SELECT 'window', w.window_id, w.organization_id FROM weir.maintenance_windows w
   WHERE w.next_at <= clock_timestamp() ORDER BY w.next_at LIMIT most)
$$;

CREATE OR REPLACE FUNCTION weir.schedules_late() RETURNS float8
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  RETURN (SELECT count(*) FROM weir.schedules s JOIN weir.organizations o ON o.organization_id = s.organization_id
    WHERE s.paused_at IS NULL AND s.look_at < now() - interval '1 minute' AND o.state = 'active');
END $$;

-- RETENTION -----------------------------------------------------------------------------------------------------------

DROP INDEX weir.runs_finished;
CREATE INDEX runs_finished ON weir.runs (organization_id, environment, finished_at) WHERE finished_at IS NOT NULL;
DROP FUNCTION weir.forget_runs, weir.forget_notices;

-- Forgets log lines and events of runs that ended longer ago than their environment keeps logs, and whole runs that
-- ended longer ago than it keeps runs; at most so many runs of either in each environment. Returns how many runs it has
-- touched: call it again until it is 0.
CREATE FUNCTION weir.forget_runs(most int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE place record; old uuid[]; quiet uuid[]; touched int := 0;
BEGIN
  FOR place IN SELECT * FROM weir.environments LOOP
    old := ARRAY(SELECT run_id FROM weir.runs WHERE organization_id = place.organization_id
        AND environment = place.environment AND finished_at < now() - make_interval(days => place.keep_runs_days)
        AND state NOT IN ('PENDING', 'RUNNING', 'RETRYABLE') ORDER BY finished_at LIMIT most FOR UPDATE SKIP LOCKED);
    DELETE FROM weir.log_lines WHERE run_id = ANY (old);
    DELETE FROM weir.job_events WHERE run_id = ANY (old);
    DELETE FROM weir.receipts WHERE run_id = ANY (old);
    DELETE FROM weir.job_predecessors WHERE job_id IN (SELECT job_id FROM weir.jobs WHERE run_id = ANY (old));
    DELETE FROM weir.jobs WHERE run_id = ANY (old);
    DELETE FROM weir.runs WHERE run_id = ANY (old);
    quiet := ARRAY(SELECT run_id FROM weir.runs r WHERE organization_id = place.organization_id
        AND environment = place.environment AND finished_at < now() - make_interval(days => place.keep_logs_days)
        AND state NOT IN ('PENDING', 'RUNNING')
        AND (EXISTS (SELECT FROM weir.log_lines l WHERE l.run_id = r.run_id)
          OR EXISTS (SELECT FROM weir.job_events e WHERE e.run_id = r.run_id))
      ORDER BY finished_at LIMIT most);
    DELETE FROM weir.log_lines WHERE run_id = ANY (quiet);
    DELETE FROM weir.job_events WHERE run_id = ANY (quiet);
    touched := touched + cardinality(old) + cardinality(quiet);
  END LOOP;
  RETURN touched;
END $$;

-- Notices go with the runs they tell of, their deliveries with them; those of no environment when all of the
-- organization's would.
CREATE FUNCTION weir.forget_notices() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
  WITH gone AS (
    DELETE FROM weir.notices n WHERE n.at < now() - make_interval(days => (
      SELECT max(e.keep_runs_days) FROM weir.environments e WHERE e.organization_id = n.organization_id
        AND e.environment = coalesce(n.environment, e.environment)))
    RETURNING 1)
  SELECT count(*)::int FROM gone
$$;
ALTER FUNCTION weir.hold_closed OWNER TO weir_dispatch;
ALTER FUNCTION weir.hold_or_release OWNER TO weir_dispatch;
ALTER FUNCTION weir.forget_runs OWNER TO weir_dispatch;
ALTER FUNCTION weir.forget_notices OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.hold_closed, weir.hold_or_release, weir.forget_runs, weir.forget_notices FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.forget_runs, weir.forget_notices TO weir_app;
