-- The queue in one round trip per job: a worker's turn ends what it has done and takes what it can do next
-- (0007-queue-2-turns.sql). Workers that find nothing stand in line and are called one by one, so that nobody is woken in
-- vain. Jobs carry the trace of whoever made them, the version of their payload and a deadline. docs/jobs.md has the
-- states, the order of claims and the locks.
--
-- Workers of the version before go on: weir.claim_jobs, weir.end_claim and weir.expire_leases keep their forms.

-- WHAT A JOB CARRIES --------------------------------------------------------------------------------------------------

ALTER TABLE weir.jobs
  -- Of its payload: workers that know only older ones leave it.
  ADD COLUMN version int NOT NULL DEFAULT 1,
  -- `traceparent` of whoever made it (W3C Trace Context).
  ADD COLUMN trace text,
  -- Since when it waits for nothing but a worker.
  ADD COLUMN ready_at timestamptz,
  -- In so many seconds from when it was made, or taken up again by a person, it must be done; and when that is.
  ADD COLUMN deadline float8,
  ADD COLUMN deadline_at timestamptz,
  -- Looked at when a job is made, not with each change. PostgreSQL writes a blank after each comma and colon of JSON,
  -- so a payload of 1 MB, the queue's limit, can take half as much again.
  ADD CONSTRAINT jobs_as_made CHECK (state <> 'PENDING' OR attempt > 0 OR
    (kind ~ '^[a-z][a-z0-9_./-]{0,63}$' AND position BETWEEN 0 AND 999 AND version >= 1 AND coalesce(deadline, 1) > 0
     AND octet_length(payload::text) <= 1572864))
    NOT VALID;
-- For new rows only: a default that changes from row to row would have all of the table written anew.
ALTER TABLE weir.jobs ALTER COLUMN ready_at SET DEFAULT clock_timestamp();
ALTER TABLE weir.workers ADD COLUMN versions int[];
INSERT INTO weir.job_transitions VALUES ('PENDING', 'FAILED');

-- Room in the pages: a heartbeat, or a run's change of state, is then written beside the row, and in no index.
ALTER TABLE weir.jobs SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE weir.runs SET (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05);
DROP INDEX weir.jobs_leased;
CREATE INDEX jobs_running ON weir.jobs (organization_id) WHERE state = 'RUNNING';
DROP INDEX weir.jobs_ready;
CREATE INDEX jobs_ready ON weir.jobs (organization_id, kind, version, (-priority), sequence)
  WHERE state = 'PENDING' AND waits = 'worker';
CREATE INDEX jobs_due_to_begin ON weir.jobs (deadline_at)
  WHERE state = 'PENDING' AND waits <> 'failure' AND deadline_at IS NOT NULL;

-- A lane is what is ready of one organization, kind and version: it is read in the order of its index. Lanes are found
-- from their ends: at the beginning stand the entries of jobs that were just taken, until a vacuum takes them away.
CREATE VIEW weir.ready_lanes WITH (security_invoker) AS
  WITH RECURSIVE lanes AS (
    (SELECT organization_id, kind, version FROM weir.jobs WHERE state = 'PENDING' AND waits = 'worker'
     ORDER BY organization_id DESC, kind DESC, version DESC LIMIT 1)
    UNION ALL
    SELECT n.* FROM lanes l CROSS JOIN LATERAL (
      SELECT j.organization_id, j.kind, j.version FROM weir.jobs j WHERE j.state = 'PENDING' AND j.waits = 'worker'
        AND (j.organization_id, j.kind, j.version) < (l.organization_id, l.kind, l.version)
      ORDER BY j.organization_id DESC, j.kind DESC, j.version DESC LIMIT 1) n)
  SELECT * FROM lanes;

-- Where the ready jobs of a lane begin, from a claim that has read it from its beginning a moment ago: after a hundred
-- thousand jobs that were taken, a claim would read all their entries to find the next. A job that comes before it
-- meanwhile, such as one that is tried again, is found a second later; one of higher priority at once.
CREATE UNLOGGED TABLE weir.lane_fronts (
  owner uuid,
  kind text,
  version int,
  -- As in the index: the negative priority, and the sequence.
  rank int NOT NULL,
  sequence bigint NOT NULL,
  since timestamptz NOT NULL,
  PRIMARY KEY (owner, kind, version)
) WITH (fillfactor = 50);

-- WHO HEARS OF WHAT ---------------------------------------------------------------------------------------------------

-- Workers that found nothing to do. Lost in a crash: their connections are then lost too, and they look again.
CREATE UNLOGGED TABLE weir.idle_workers (
  worker text PRIMARY KEY,
  -- Where to call it.
  channel text NOT NULL,
  kinds text[] NOT NULL,
  versions int[] NOT NULL,
  organizations uuid[],
  -- False when it has been called.
  is_idle boolean NOT NULL,
  since timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Runs that somebody watches: only their changes are told. A notification wakes every session that listens to anything.
CREATE UNLOGGED TABLE weir.watched_runs (run_id uuid PRIMARY KEY, until timestamptz NOT NULL) WITH (fillfactor = 50);
-- Servers of the version before do not say what they watch. While they may still be there all changes are told.
INSERT INTO weir.watched_runs SELECT '00000000-0000-0000-0000-000000000000', now() + interval '1 day'
  WHERE EXISTS (SELECT FROM weir.runs);

CREATE FUNCTION weir.watch_runs(wanted uuid[], hold interval) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
  INSERT INTO weir.watched_runs SELECT DISTINCT w.id, clock_timestamp() + hold FROM unnest(wanted) w(id) ORDER BY 1
  ON CONFLICT (run_id) DO UPDATE SET until = greatest(watched_runs.until, excluded.until)
$$;

CREATE FUNCTION weir.tell_watchers(changed uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('weir_runs', c.run_id::text) FROM unnest(changed) c(run_id)
    WHERE EXISTS (SELECT FROM weir.watched_runs w
      WHERE w.run_id IN (c.run_id, '00000000-0000-0000-0000-000000000000') AND w.until > clock_timestamp());
END $$;

CREATE FUNCTION weir.announce_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN PERFORM weir.tell_watchers(ARRAY[NEW.run_id]); RETURN NULL; END $$;
DROP TRIGGER announce ON weir.jobs;
DROP TRIGGER announce ON weir.runs;
DROP TRIGGER announce ON weir.log_lines;
-- Changes of state tell it themselves: claims and successes once for all jobs of a turn, others in check_transition.
CREATE TRIGGER announce AFTER UPDATE OF waits, progress ON weir.jobs FOR EACH ROW
  EXECUTE FUNCTION weir.announce_change();
CREATE TRIGGER announce AFTER INSERT ON weir.log_lines FOR EACH ROW EXECUTE FUNCTION weir.announce_change();
DROP FUNCTION weir.announce_run, weir.announce_job;

CREATE FUNCTION weir.announce_cancel() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_notify('weir_cancel', NEW.job_id::text); RETURN NULL; END $$;
CREATE TRIGGER cancel AFTER UPDATE OF cancel_requested ON weir.jobs FOR EACH ROW
  WHEN (NEW.cancel_requested AND NEW.state = 'RUNNING') EXECUTE FUNCTION weir.announce_cancel();

-- Calls one idle worker that can take such a job; whoever is called and has no place left passes the call on.
--
-- No call is lost between looking and standing in line: who makes a job ready holds this lock, shared, to the end of
-- the transaction; a worker is sure that nothing is ready only if it could have it alone (weir.stand_in_line).
CREATE FUNCTION weir.call_worker(for_organization uuid, for_kind text, for_version int) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE called record;
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtextextended('weir.ready', 0));
  SELECT i.worker, i.channel INTO called FROM weir.idle_workers i
    WHERE i.is_idle AND i.versions[array_position(i.kinds, for_kind)] >= for_version
      AND (i.organizations IS NULL OR for_organization = ANY (i.organizations))
    ORDER BY i.since DESC LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED;
  IF FOUND THEN
    UPDATE weir.idle_workers SET is_idle = false WHERE worker = called.worker;
  ELSE
    -- One whom a transaction calls that has not ended yet, and may end much later.
    SELECT i.worker, i.channel INTO called FROM weir.idle_workers i
      WHERE i.is_idle AND i.versions[array_position(i.kinds, for_kind)] >= for_version
        AND (i.organizations IS NULL OR for_organization = ANY (i.organizations)) LIMIT 1;
  END IF;
  IF FOUND THEN PERFORM pg_notify(called.channel, ''); END IF;
END $$;

-- Calls a worker for each lane whose first job has been ready for so long.
CREATE FUNCTION weir.call_workers(for_so_long interval) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM weir.idle_workers WHERE is_idle) THEN RETURN; END IF;
  PERFORM weir.call_worker(l.organization_id, l.kind, l.version) FROM weir.ready_lanes l CROSS JOIN LATERAL (
      SELECT j.ready_at FROM weir.jobs j WHERE j.state = 'PENDING' AND j.waits = 'worker'
        AND j.organization_id = l.organization_id AND j.kind = l.kind AND j.version = l.version
      ORDER BY -j.priority, j.sequence LIMIT 1) head
    WHERE coalesce(head.ready_at, '-infinity') <= clock_timestamp() - for_so_long;
END $$;

-- For a worker that stops: nobody calls it any more, and if somebody has, others come.
CREATE FUNCTION weir.leave_line(leaving text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  DELETE FROM weir.idle_workers WHERE worker IN
    (SELECT i.worker FROM weir.idle_workers i WHERE i.worker = leaving FOR UPDATE SKIP LOCKED);
  PERFORM weir.call_workers('0 s');
END $$;

CREATE FUNCTION weir.announce_ready() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = '' SET plan_cache_mode = force_generic_plan SET jit = off AS $$
BEGIN PERFORM weir.call_worker(NEW.organization_id, NEW.kind, NEW.version); RETURN NULL; END $$;
CREATE TRIGGER ready_at_once AFTER INSERT ON weir.jobs FOR EACH ROW WHEN (NEW.waits = 'worker')
  EXECUTE FUNCTION weir.announce_ready();
CREATE TRIGGER ready AFTER UPDATE OF waits ON weir.jobs FOR EACH ROW
  WHEN (NEW.state = 'PENDING' AND NEW.waits = 'worker' AND (OLD.state <> 'PENDING' OR OLD.waits <> 'worker'))
  EXECUTE FUNCTION weir.announce_ready();

CREATE FUNCTION weir.note_ready() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.ready_at := CASE WHEN OLD.waits = 'time' THEN least(NEW.run_after, clock_timestamp()) ELSE clock_timestamp() END;
  RETURN NEW;
END $$;
CREATE TRIGGER note_ready BEFORE UPDATE OF waits ON weir.jobs FOR EACH ROW
  WHEN (NEW.state = 'PENDING' AND NEW.waits = 'worker' AND (OLD.state <> 'PENDING' OR OLD.waits <> 'worker'))
  EXECUTE FUNCTION weir.note_ready();

-- The checks of a state and of its change, as before, and watchers hear of it. The two changes of a job that goes well
-- need not be looked up.
CREATE OR REPLACE FUNCTION weir.check_transition() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM weir.job_transitions t WHERE t.from_state = OLD.state AND t.to_state = NEW.state) THEN
    RAISE EXCEPTION 'a job cannot go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.state NOT IN ('RUNNING', 'SUCCESS') THEN
    INSERT INTO weir.job_events (organization_id, run_id, job_id, from_state, to_state, attempt, worker, actor, problem)
    VALUES (NEW.organization_id, NEW.run_id, NEW.job_id, OLD.state, NEW.state, OLD.attempt, OLD.worker,
      nullif(current_setting('app.actor', true), ''), NEW.problem);
  END IF;
  PERFORM weir.tell_watchers(ARRAY[NEW.run_id]);
  RETURN NEW;
END $$;
DROP TRIGGER transition ON weir.jobs;
CREATE TRIGGER transition BEFORE UPDATE OF state ON weir.jobs FOR EACH ROW
  WHEN (OLD.state <> NEW.state AND NOT (OLD.state = 'PENDING' AND NEW.state = 'RUNNING')
    AND NOT (OLD.state = 'RUNNING' AND NEW.state = 'SUCCESS'))
  EXECUTE FUNCTION weir.check_transition();
DROP TRIGGER first_state ON weir.jobs;
CREATE TRIGGER first_state BEFORE INSERT ON weir.jobs FOR EACH ROW WHEN (NEW.state <> 'PENDING')
  EXECUTE FUNCTION weir.check_first_state();

-- LIMITS --------------------------------------------------------------------------------------------------------------

-- As before, but called by the queue's own functions only, which have the rights and the search path.
ALTER FUNCTION weir.take_limits SECURITY INVOKER RESET ALL;
ALTER FUNCTION weir.is_limit_locked SECURITY INVOKER RESET ALL;
ALTER FUNCTION weir.unpark SECURITY INVOKER RESET ALL;

-- A key that stands there twice gives two places back.
CREATE OR REPLACE FUNCTION weir.release_limits(keys text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE l weir.limits; used_now int;
BEGIN
  FOR l IN SELECT * FROM weir.limits WHERE key = ANY (keys) ORDER BY key FOR UPDATE LOOP
    used_now := greatest(l.used - cardinality(array_positions(keys, l.key)), 0);
    UPDATE weir.limits SET used = used_now WHERE key = l.key;
    IF l.most IS NOT NULL AND used_now < l.most THEN PERFORM weir.unpark(l.key, l.most - used_now); END IF;
  END LOOP;
END $$;
