-- Runs and the jobs they are made of.

CREATE TABLE weir.runs (
  run_id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  kind text NOT NULL,
  environment text NOT NULL,
  source text NOT NULL,
  state text NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'RUNNING', 'SUCCESS', 'FAILED', 'CANCELLED')),
  problem jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  finished_at timestamptz
);
CREATE INDEX runs_newest ON weir.runs (organization_id, created_at DESC);

-- Grows with every claim; a claim's number is its fencing token.
CREATE SEQUENCE weir.fence AS bigint;

CREATE TABLE weir.jobs (
  job_id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  run_id uuid NOT NULL REFERENCES weir.runs,
  position int NOT NULL,
  kind text NOT NULL,
  payload jsonb NOT NULL,
  state text NOT NULL DEFAULT 'PENDING' CHECK (state IN ('PENDING', 'RUNNING', 'SUCCESS', 'FAILED', 'CANCELLED')),
  -- Jobs that share a key never run at once.
  exclusive_key text,
  attempt int NOT NULL DEFAULT 0,
  run_after timestamptz NOT NULL DEFAULT now(),
  fence bigint,
  worker text,
  lease_until timestamptz,
  progress jsonb,
  result jsonb,
  problem jsonb,
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  UNIQUE (run_id, position),
  CHECK ((state = 'RUNNING') = (lease_until IS NOT NULL))
);
CREATE INDEX jobs_due ON weir.jobs (run_after, created_at, position) WHERE state = 'PENDING';
CREATE INDEX jobs_leased ON weir.jobs (lease_until) WHERE state = 'RUNNING';
CREATE UNIQUE INDEX jobs_exclusive ON weir.jobs (exclusive_key) WHERE state = 'RUNNING';

CREATE TABLE weir.job_predecessors (
  job_id uuid NOT NULL REFERENCES weir.jobs,
  predecessor_id uuid NOT NULL REFERENCES weir.jobs,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  PRIMARY KEY (job_id, predecessor_id)
);

CREATE TABLE weir.log_lines (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  run_id uuid NOT NULL REFERENCES weir.runs,
  job_kind text NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  level text NOT NULL CHECK (level IN ('info', 'warning', 'error')),
  text text NOT NULL
);
CREATE INDEX log_lines_by_run ON weir.log_lines (run_id, sequence);

-- One receipt per stream of a run.
CREATE TABLE weir.receipts (
  run_id uuid NOT NULL REFERENCES weir.runs,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  stream text NOT NULL,
  raw_table text NOT NULL,
  source_rows bigint,
  loaded_rows bigint,
  verified boolean NOT NULL DEFAULT false,
  problem jsonb,
  PRIMARY KEY (run_id, stream)
);

ALTER TABLE weir.runs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.jobs ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.job_predecessors ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.log_lines ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.receipts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON weir.runs TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.jobs TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.job_predecessors TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.log_lines TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.receipts TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY dispatch ON weir.runs TO weir_dispatch USING (true);
CREATE POLICY dispatch ON weir.jobs TO weir_dispatch USING (true);
CREATE POLICY dispatch ON weir.job_predecessors TO weir_dispatch USING (true);
GRANT SELECT, INSERT, UPDATE ON weir.runs, weir.jobs, weir.receipts TO weir_app;
GRANT SELECT, INSERT ON weir.job_predecessors, weir.log_lines TO weir_app;
GRANT DELETE ON weir.receipts TO weir_app;
GRANT SELECT, UPDATE ON weir.runs, weir.jobs TO weir_dispatch;
GRANT SELECT ON weir.job_predecessors TO weir_dispatch;
GRANT USAGE ON SEQUENCE weir.fence TO weir_dispatch;

-- Whoever waits for work or watches a run hears of every change.
CREATE FUNCTION weir.announce_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state IN ('PENDING', 'SUCCESS') THEN PERFORM pg_notify('weir_jobs', NEW.kind); END IF;
  PERFORM pg_notify('weir_runs', NEW.run_id::text);
  RETURN NULL;
END $$;
CREATE TRIGGER announce AFTER INSERT OR UPDATE ON weir.jobs FOR EACH ROW EXECUTE FUNCTION weir.announce_job();
CREATE FUNCTION weir.announce_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('weir_runs', NEW.run_id::text); RETURN NULL; END $$;
CREATE TRIGGER announce AFTER INSERT OR UPDATE ON weir.runs FOR EACH ROW EXECUTE FUNCTION weir.announce_run();
CREATE TRIGGER announce AFTER INSERT ON weir.log_lines FOR EACH ROW EXECUTE FUNCTION weir.announce_run();

-- Gives the next job that may run to a worker: due, all predecessors done, no other of its exclusive key running.
CREATE FUNCTION weir.claim_job(wanted_kinds text[], claiming_worker text, lease interval)
RETURNS SETOF weir.jobs LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE found weir.jobs;
BEGIN
  FOR found IN
    SELECT j.* FROM weir.jobs j
    WHERE j.state = 'PENDING' AND j.run_after <= now() AND j.kind = ANY (wanted_kinds)
      AND NOT EXISTS (SELECT FROM weir.job_predecessors p JOIN weir.jobs b ON b.job_id = p.predecessor_id
                      WHERE p.job_id = j.job_id AND b.state <> 'SUCCESS')
      AND (j.exclusive_key IS NULL OR NOT EXISTS
           (SELECT FROM weir.jobs r WHERE r.exclusive_key = j.exclusive_key AND r.state = 'RUNNING'))
    ORDER BY j.run_after, j.created_at, j.position
    FOR UPDATE OF j SKIP LOCKED LIMIT 5
  LOOP
    BEGIN
      RETURN QUERY UPDATE weir.jobs j SET state = 'RUNNING', attempt = j.attempt + 1, fence = nextval('weir.fence'),
          worker = claiming_worker, lease_until = now() + lease, started_at = coalesce(j.started_at, now()), problem = NULL
        WHERE j.job_id = found.job_id RETURNING j.*;
      UPDATE weir.runs r SET state = 'RUNNING' WHERE r.run_id = found.run_id AND r.state = 'PENDING';
      RETURN;
    EXCEPTION WHEN unique_violation THEN
      CONTINUE; -- another worker took a job of the same exclusive key at this moment
    END;
  END LOOP;
END $$;

-- Takes jobs back from workers that are gone. A job that was lost so often that it seems to kill its worker fails.
CREATE FUNCTION weir.expire_leases(most_attempts int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE freed int;
BEGIN
  WITH lost AS (
    SELECT job_id FROM weir.jobs WHERE state = 'RUNNING' AND lease_until < now() FOR UPDATE SKIP LOCKED
  ), back AS (
    UPDATE weir.jobs j SET
        state = CASE WHEN j.attempt >= most_attempts THEN 'FAILED' ELSE 'PENDING' END,
        finished_at = CASE WHEN j.attempt >= most_attempts THEN now() END,
        problem = CASE WHEN j.attempt >= most_attempts THEN jsonb_build_object('code', 'internal',
          'detail', 'The worker was lost ' || j.attempt || ' times during this job.',
          'hint', 'See the logs of the worker; something in this job may end it.') END,
        lease_until = NULL, worker = NULL, run_after = now()
      FROM lost WHERE j.job_id = lost.job_id RETURNING j.job_id, j.run_id, j.state, j.problem
  ), ended AS (
    UPDATE weir.runs r SET state = 'FAILED', problem = b.problem, finished_at = now()
      FROM back b WHERE b.run_id = r.run_id AND b.state = 'FAILED'
  )
  SELECT count(*) INTO freed FROM back;
  UPDATE weir.jobs j SET state = 'CANCELLED', finished_at = now() FROM weir.runs r
    WHERE r.run_id = j.run_id AND r.state = 'FAILED' AND j.state = 'PENDING';
  RETURN freed;
END $$;

ALTER FUNCTION weir.claim_job OWNER TO weir_dispatch;
ALTER FUNCTION weir.expire_leases OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.claim_job, weir.expire_leases FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.claim_job, weir.expire_leases TO weir_app;
