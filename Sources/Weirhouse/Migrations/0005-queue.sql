-- The queue in its final shape. What a job waits for is a column, so that a claim reads only jobs that may run, however
-- many wait or are done. docs/jobs.md has the states, the order of claims and the locks.

ALTER TABLE weir.jobs DROP CONSTRAINT jobs_state_check;
ALTER TABLE weir.runs DROP CONSTRAINT runs_state_check;
ALTER TABLE weir.runs
  ADD CONSTRAINT runs_state_check CHECK
    (state IN ('PENDING', 'RUNNING', 'SUCCESS', 'FAILED', 'RETRYABLE', 'RESOLVED', 'CANCELLED')),
  ADD COLUMN idempotency_key text,
  -- What a person said who resolved or cancelled it.
  ADD COLUMN note text;
CREATE UNIQUE INDEX runs_idempotent ON weir.runs (organization_id, kind, idempotency_key)
  WHERE idempotency_key IS NOT NULL;

ALTER TABLE weir.jobs
  ADD CONSTRAINT jobs_state_check CHECK
    (state IN ('PENDING', 'RUNNING', 'SUCCESS', 'FAILED', 'RETRYABLE', 'RESOLVED', 'CANCELLED')),
  -- What a PENDING job waits for: a worker; jobs before it; a moment; a limit or pause (waits_for is its key); a job
  -- before it that failed (waits_for is its id).
  ADD COLUMN waits text NOT NULL DEFAULT 'worker'
    CHECK (waits IN ('worker', 'predecessors', 'time', 'limit', 'pause', 'failure')),
  ADD COLUMN waits_for text,
  -- Predecessors that have not succeeded.
  ADD COLUMN blocked_by int NOT NULL DEFAULT 0 CHECK (blocked_by >= 0),
  -- Higher first.
  ADD COLUMN priority smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN -100 AND 100),
  ADD COLUMN sequence bigint GENERATED ALWAYS AS IDENTITY,
  -- Keys of weir.limits that it is held to.
  ADD COLUMN limits text[] NOT NULL DEFAULT '{}',
  -- `attempt` counts claims, these the ends of claims that were not the job's success.
  ADD COLUMN failures int NOT NULL DEFAULT 0,
  ADD COLUMN losses int NOT NULL DEFAULT 0,
  ADD COLUMN cancel_requested boolean NOT NULL DEFAULT false,
  -- Until when a person can rescue a RETRYABLE job.
  ADD COLUMN rescue_until timestamptz;

UPDATE weir.jobs j SET
  blocked_by = (SELECT count(*) FROM weir.job_predecessors p JOIN weir.jobs b ON b.job_id = p.predecessor_id
                WHERE p.job_id = j.job_id AND b.state <> 'SUCCESS'),
  limits = CASE WHEN exclusive_key IS NULL THEN '{}' ELSE ARRAY['one/' || exclusive_key] END;
UPDATE weir.jobs SET waits = 'predecessors' WHERE state = 'PENDING' AND blocked_by > 0;

DROP INDEX weir.jobs_due;
CREATE INDEX jobs_ready ON weir.jobs (organization_id, kind, priority DESC, sequence)
  WHERE state = 'PENDING' AND waits = 'worker';
CREATE INDEX jobs_timed ON weir.jobs (run_after) WHERE state = 'PENDING' AND waits = 'time';
CREATE INDEX jobs_parked ON weir.jobs (waits_for, priority DESC, sequence)
  WHERE state = 'PENDING' AND waits IN ('limit', 'pause');
CREATE INDEX jobs_rescuable ON weir.jobs (rescue_until) WHERE state = 'RETRYABLE';
CREATE INDEX successors ON weir.job_predecessors (predecessor_id);

-- Limits by key. A key without a row limits nothing.
CREATE TABLE weir.limits (
  key text PRIMARY KEY,
  organization_id uuid REFERENCES weir.organizations,
  -- At most so many at once; null: as many as may be.
  most int CHECK (most >= 0),
  used int NOT NULL DEFAULT 0 CHECK (used >= 0),
  -- Seconds between two starts; null: none.
  spacing float8 CHECK (spacing > 0),
  next_start timestamptz NOT NULL DEFAULT '-infinity',
  paused_until timestamptz,
  paused_because text
);
INSERT INTO weir.limits (key, organization_id, most, used)
  SELECT 'one/' || exclusive_key, (array_agg(organization_id))[1], 1, count(*) FILTER (WHERE state = 'RUNNING')
  FROM weir.jobs WHERE exclusive_key IS NOT NULL GROUP BY 1;

-- Workers that are alive say so here every few seconds.
CREATE TABLE weir.workers (
  name text PRIMARY KEY,
  version text NOT NULL,
  kinds text[] NOT NULL,
  -- Null: all.
  organizations uuid[],
  slots int NOT NULL,
  started_at timestamptz NOT NULL DEFAULT now(),
  seen_at timestamptz NOT NULL DEFAULT now()
);

-- What happened to a job beside being claimed and succeeding.
CREATE TABLE weir.job_events (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  run_id uuid NOT NULL REFERENCES weir.runs,
  job_id uuid NOT NULL REFERENCES weir.jobs,
  at timestamptz NOT NULL DEFAULT now(),
  from_state text NOT NULL,
  to_state text NOT NULL,
  attempt int NOT NULL,
  worker text,
  -- The person, or null.
  actor text,
  problem jsonb
);
CREATE INDEX job_events_by_run ON weir.job_events (run_id, sequence);

ALTER TABLE weir.limits ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.workers ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.job_events ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON weir.limits TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY everybody ON weir.workers TO weir_app USING (true);
CREATE POLICY tenant ON weir.job_events TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY dispatch ON weir.limits TO weir_dispatch USING (true);
CREATE POLICY dispatch ON weir.workers TO weir_dispatch USING (true);
CREATE POLICY dispatch ON weir.job_events TO weir_dispatch USING (true);
GRANT SELECT, INSERT, UPDATE ON weir.limits TO weir_app, weir_dispatch;
GRANT SELECT, INSERT, UPDATE, DELETE ON weir.workers TO weir_app;
GRANT SELECT ON weir.workers TO weir_dispatch;
GRANT SELECT, INSERT ON weir.job_events TO weir_app, weir_dispatch;

-- The state machine's transitions (Sources/Base/Jobs/JobMachine.swift; a test compares the two). No other can be written.
CREATE TABLE weir.job_transitions (from_state text, to_state text, PRIMARY KEY (from_state, to_state));
INSERT INTO weir.job_transitions VALUES
  ('PENDING', 'RUNNING'), ('PENDING', 'CANCELLED'),
  ('RUNNING', 'SUCCESS'), ('RUNNING', 'PENDING'), ('RUNNING', 'FAILED'), ('RUNNING', 'CANCELLED'),
  ('FAILED', 'RETRYABLE'), ('RETRYABLE', 'FAILED'),
  ('RETRYABLE', 'PENDING'), ('RETRYABLE', 'RESOLVED'), ('RETRYABLE', 'CANCELLED'),
  ('SUCCESS', 'PENDING'), ('CANCELLED', 'PENDING');
GRANT SELECT ON weir.job_transitions TO weir_app, weir_dispatch;

CREATE FUNCTION weir.check_transition() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM weir.job_transitions t WHERE t.from_state = OLD.state AND t.to_state = NEW.state) THEN
    RAISE EXCEPTION 'a job cannot go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.state NOT IN ('RUNNING', 'SUCCESS') THEN
    INSERT INTO weir.job_events (organization_id, run_id, job_id, from_state, to_state, attempt, worker, actor, problem)
    VALUES (NEW.organization_id, NEW.run_id, NEW.job_id, OLD.state, NEW.state, OLD.attempt, OLD.worker,
      nullif(current_setting('app.actor', true), ''), NEW.problem);
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER transition BEFORE UPDATE OF state ON weir.jobs FOR EACH ROW
  WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION weir.check_transition();
CREATE FUNCTION weir.check_first_state() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF NEW.state <> 'PENDING' THEN
    RAISE EXCEPTION 'a job begins as PENDING' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER first_state BEFORE INSERT ON weir.jobs FOR EACH ROW EXECUTE FUNCTION weir.check_first_state();

-- Workers hear of jobs that may run, watchers of every change.
CREATE OR REPLACE FUNCTION weir.announce_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state = 'PENDING' AND NEW.waits IN ('worker', 'time') THEN PERFORM pg_notify('weir_jobs', NEW.kind); END IF;
  IF NEW.cancel_requested AND NEW.state = 'RUNNING' THEN PERFORM pg_notify('weir_cancel', NEW.job_id::text); END IF;
  PERFORM pg_notify('weir_runs', NEW.run_id::text);
  RETURN NULL;
END $$;
