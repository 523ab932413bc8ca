-- Schedules make runs by themselves (docs/schedules.md). Any number of servers look at them: a schedule's row is locked
-- while it fires, and a time that has had its run is never due again, because `next_at` only grows.

CREATE TABLE weir.schedules (
  schedule_id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  name text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]{0,39}$'),
  environment text NOT NULL CHECK (environment IN ('dev', 'stage', 'prod')),
  -- The pipeline: a source that has been cloned into that environment.
  source text NOT NULL,
  -- Sources/Base/Jobs/Schedules/ScheduleTrigger.swift
  trigger jsonb NOT NULL,
  tables text[] NOT NULL DEFAULT '{}',
  views boolean NOT NULL DEFAULT false,
  catch_up text NOT NULL DEFAULT 'latest' CHECK (catch_up IN ('latest', 'all', 'none')),
  -- The grid of `every` begins here.
  anchor timestamptz NOT NULL,
  -- The first of its times that has had no run; null for triggers that are no times.
  next_at timestamptz,
  -- When a server looks at it next: at `next_at`; again soon, if the run before goes on; null until something wakes it.
  look_at timestamptz,
  -- `after`: the run that it follows, until it has fired.
  woken_by uuid,
  -- Why it has not fired although it is due.
  waiting text,
  problem jsonb,
  paused_at timestamptz,
  paused_by text,
  paused_because text,
  last_run_id uuid,
  last_fired_at timestamptz,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organization_id, name)
);
CREATE INDEX schedules_due ON weir.schedules (look_at) WHERE paused_at IS NULL;
CREATE INDEX schedules_after ON weir.schedules (organization_id, environment, (trigger ->> 'source'))
  WHERE trigger ->> 'kind' = 'after';

-- `file`: markers that have had their run, or were there before the schedule was. `mark` is the object's key and when it
-- was written.
CREATE TABLE weir.schedule_marks (
  schedule_id uuid NOT NULL REFERENCES weir.schedules ON DELETE CASCADE,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  mark text NOT NULL,
  seen_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (schedule_id, mark)
);

-- Times in which no job of a key starts: the key is paused when a window opens.
CREATE TABLE weir.maintenance_windows (
  window_id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  name text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]{0,39}$'),
  -- Of weir.limits.
  key text NOT NULL,
  expression text NOT NULL,
  time_zone text NOT NULL,
  minutes int NOT NULL CHECK (minutes BETWEEN 1 AND 10080),
  because text,
  next_at timestamptz NOT NULL,
  UNIQUE (organization_id, name)
);
CREATE INDEX maintenance_windows_due ON weir.maintenance_windows (next_at);
ALTER TABLE weir.limits ADD COLUMN paused_window uuid;

-- Runs of one transaction have an order too.
ALTER TABLE weir.runs ALTER COLUMN created_at SET DEFAULT clock_timestamp();
ALTER TABLE weir.runs
  ADD COLUMN schedule_id uuid,
  -- The time of the schedule that it stands for.
  ADD COLUMN scheduled_for timestamptz,
  -- Who or what asked for it, in words.
  ADD COLUMN cause text;
CREATE INDEX runs_of_schedule ON weir.runs (schedule_id, created_at DESC) WHERE schedule_id IS NOT NULL;

ALTER TABLE weir.schedules ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.schedule_marks ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.maintenance_windows ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON weir.schedules TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.schedule_marks TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.maintenance_windows TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY dispatch ON weir.schedules TO weir_dispatch USING (true);
CREATE POLICY dispatch ON weir.maintenance_windows TO weir_dispatch USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON weir.schedules, weir.schedule_marks, weir.maintenance_windows TO weir_app;
GRANT SELECT, UPDATE ON weir.schedules TO weir_dispatch;
GRANT SELECT ON weir.maintenance_windows TO weir_dispatch;

-- What a server has to look at now, of all organizations. `database_now` is the one clock that all servers go by.
CREATE FUNCTION weir.due_schedules(most int)
RETURNS TABLE (kind text, id uuid, organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  (SELECT 'schedule', s.schedule_id, s.organization_id FROM weir.schedules s
   WHERE s.paused_at IS NULL AND s.look_at <= clock_timestamp() ORDER BY s.look_at LIMIT most)
  UNION ALL
  (SELECT 'window', w.window_id, w.organization_id FROM weir.maintenance_windows w
   WHERE w.next_at <= clock_timestamp() ORDER BY w.next_at LIMIT most)
$$;
ALTER FUNCTION weir.due_schedules OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.due_schedules FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.due_schedules TO weir_app;

-- RETENTION -----------------------------------------------------------------------------------------------------------

-- Forgets log lines and events of runs that ended longer ago than `logs`, and whole runs that ended longer ago than
-- `whole_runs`; at most so many runs of either. Returns how many runs it has touched: call it again until it is 0.
CREATE FUNCTION weir.forget_runs(logs interval, whole_runs interval, most int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE old uuid[]; quiet uuid[];
BEGIN
  SELECT coalesce(array_agg(run_id), '{}') INTO old FROM (
    SELECT run_id FROM weir.runs WHERE finished_at < now() - whole_runs
      AND state NOT IN ('PENDING', 'RUNNING', 'RETRYABLE') ORDER BY finished_at LIMIT most FOR UPDATE SKIP LOCKED) r;
  DELETE FROM weir.log_lines WHERE run_id = ANY (old);
  DELETE FROM weir.job_events WHERE run_id = ANY (old);
  DELETE FROM weir.receipts WHERE run_id = ANY (old);
  DELETE FROM weir.job_predecessors WHERE job_id IN (SELECT job_id FROM weir.jobs WHERE run_id = ANY (old));
  DELETE FROM weir.jobs WHERE run_id = ANY (old);
  DELETE FROM weir.runs WHERE run_id = ANY (old);
  SELECT coalesce(array_agg(run_id), '{}') INTO quiet FROM (
    SELECT run_id FROM weir.runs r WHERE finished_at < now() - logs AND state NOT IN ('PENDING', 'RUNNING')
      AND (EXISTS (SELECT FROM weir.log_lines l WHERE l.run_id = r.run_id)
        OR EXISTS (SELECT FROM weir.job_events e WHERE e.run_id = r.run_id))
    ORDER BY finished_at LIMIT most) r;
  DELETE FROM weir.log_lines WHERE run_id = ANY (quiet);
  DELETE FROM weir.job_events WHERE run_id = ANY (quiet);
  RETURN cardinality(old) + cardinality(quiet);
END $$;
CREATE INDEX runs_finished ON weir.runs (finished_at) WHERE finished_at IS NOT NULL;
GRANT SELECT, DELETE ON weir.log_lines, weir.job_events, weir.receipts, weir.job_predecessors, weir.jobs, weir.runs
  TO weir_dispatch;
ALTER FUNCTION weir.forget_runs OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.forget_runs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.forget_runs TO weir_app;
