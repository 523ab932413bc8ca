-- What the queue does without being asked, what people do, workers of the version before, and rights.

-- WHAT COMES BY ITSELF ------------------------------------------------------------------------------------------------

-- Takes one job back from a worker that is gone ('lost'; one that was lost so often that it seems to end its workers
-- fails), or fails one that did not begin before its deadline ('overdue'), or ends one's time to be rescued ('rescue').
-- No row if there is nothing of that. One at a time, because a transaction waits for limits only while it holds none.
CREATE FUNCTION weir.tidy_one(most_losses int, rescue interval)
RETURNS TABLE (what text, job_id uuid, kind text, trace text, seconds float8)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = '' SET plan_cache_mode = force_generic_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE j weir.jobs;
BEGIN
  SELECT x.* INTO j FROM weir.jobs x JOIN weir.runs r ON r.run_id = x.run_id
    WHERE x.state = 'RUNNING' AND x.lease_until < clock_timestamp() LIMIT 1 FOR NO KEY UPDATE OF x, r SKIP LOCKED;
  IF FOUND THEN
    IF j.cancel_requested OR j.losses + 1 < most_losses THEN
      PERFORM weir.end_claim(j.job_id, j.fence, CASE WHEN j.cancel_requested THEN 'CANCELLED' ELSE 'PENDING' END,
        NULL, NULL, 0, 'loss', rescue);
    ELSE
      PERFORM weir.end_claim(j.job_id, j.fence, 'FAILED', NULL, jsonb_build_object('code', 'internal',
          'detail', 'The worker was lost ' || j.losses + 1 || ' times during this job.',
          'hint', 'See the logs of the worker; something in this job may end it.'), 0, 'loss', rescue);
    END IF;
    RETURN QUERY SELECT 'lost', j.job_id, j.kind, j.trace,
      extract(epoch FROM clock_timestamp() - j.started_at)::float8;
    RETURN;
  END IF;
  SELECT x.* INTO j FROM weir.jobs x JOIN weir.runs r ON r.run_id = x.run_id
    WHERE x.state = 'PENDING' AND x.waits <> 'failure' AND x.deadline_at < clock_timestamp()
    LIMIT 1 FOR NO KEY UPDATE OF x, r SKIP LOCKED;
  IF FOUND THEN
    UPDATE weir.jobs x SET state = 'FAILED', finished_at = clock_timestamp(), problem = jsonb_build_object(
        'code', 'timed_out', 'detail', 'The ' || j.kind || ' job did not ' ||
          CASE WHEN j.attempt = 0 THEN 'begin' ELSE 'end' END || ' before its deadline.',
        'hint', 'See what it waited for; taken up again it has as much time as before.') WHERE x.job_id = j.job_id;
    PERFORM weir.settle_failure(j.job_id, j.run_id, 'FAILED', rescue);
    RETURN QUERY SELECT 'overdue', j.job_id, j.kind, j.trace, 0::float8;
    RETURN;
  END IF;
  SELECT x.* INTO j FROM weir.jobs x JOIN weir.runs r ON r.run_id = x.run_id
    WHERE x.state = 'RETRYABLE' AND x.rescue_until < clock_timestamp() LIMIT 1 FOR NO KEY UPDATE OF x, r SKIP LOCKED;
  IF FOUND THEN
    UPDATE weir.jobs x SET state = 'FAILED' WHERE x.job_id = j.job_id;
    UPDATE weir.jobs x SET state = 'CANCELLED', finished_at = clock_timestamp()
      WHERE x.run_id = j.run_id AND x.state = 'PENDING' AND x.waits = 'failure' AND x.waits_for = j.job_id::text;
    PERFORM weir.settle_run(j.run_id);
    RETURN QUERY SELECT 'rescue', j.job_id, j.kind, j.trace, 0::float8;
  END IF;
END $$;

-- Wakes jobs whose pause is over and those whose limits have room: whoever was called before them is not coming.
-- Returns the seconds until the next job is due; null if none is.
CREATE FUNCTION weir.wake_jobs(lease interval) RETURNS float8
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = '' SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE l weir.limits;
BEGIN
  -- One is enough of all workers that come at the same moment.
  IF pg_try_advisory_xact_lock(hashtextextended('weir.wake_jobs', 0)) THEN
    UPDATE weir.jobs SET waits = 'worker', waits_for = NULL WHERE job_id IN (
      SELECT j.job_id FROM weir.jobs j WHERE j.state = 'PENDING' AND j.waits = 'time' AND j.run_after <= clock_timestamp()
      ORDER BY j.run_after LIMIT 1000 FOR NO KEY UPDATE SKIP LOCKED);
    FOR l IN SELECT * FROM weir.limits k
      WHERE coalesce(k.paused_until, '-infinity') <= clock_timestamp() AND (k.most IS NULL OR k.used < k.most)
        AND EXISTS (SELECT FROM weir.jobs j WHERE j.state = 'PENDING' AND j.waits IN ('limit', 'pause')
          AND j.waits_for = k.key)
    LOOP
      PERFORM weir.unpark(l.key, coalesce(l.most - l.used, 1000));
    END LOOP;
    -- A lease that ends too late is from before this server's clock was set back.
    UPDATE weir.jobs SET lease_until = clock_timestamp() + lease WHERE job_id IN (
      SELECT j.job_id FROM weir.jobs j WHERE j.state = 'RUNNING' AND j.lease_until > clock_timestamp() + 10 * lease
      FOR NO KEY UPDATE SKIP LOCKED);
    -- The same of pauses: none before another attempt is longer than the retry table's, and no start is further away than
    -- the spacing of its limit.
    UPDATE weir.jobs SET run_after = clock_timestamp() WHERE job_id IN (
      SELECT j.job_id FROM weir.jobs j WHERE j.state = 'PENDING' AND j.waits = 'time' AND j.waits_for IS NULL
        AND j.run_after > clock_timestamp() + interval '20 min' FOR NO KEY UPDATE SKIP LOCKED);
    UPDATE weir.limits SET next_start = clock_timestamp() WHERE key IN (
      SELECT k.key FROM weir.limits k
      WHERE k.next_start > clock_timestamp() + make_interval(secs => 2 * k.spacing) FOR NO KEY UPDATE SKIP LOCKED);
    UPDATE weir.jobs SET run_after = clock_timestamp() WHERE job_id IN (
      SELECT j.job_id FROM weir.jobs j JOIN weir.limits k ON k.key = j.waits_for
      WHERE j.state = 'PENDING' AND j.waits = 'time'
        AND j.run_after > clock_timestamp() + make_interval(secs => 2 * coalesce(k.spacing, 0) + 1)
      FOR NO KEY UPDATE OF j SKIP LOCKED);
    -- Those who were called for these are not coming either.
    PERFORM weir.call_workers('1 s');
    DELETE FROM weir.idle_workers WHERE worker IN (SELECT w.worker FROM weir.idle_workers w
      WHERE w.since < clock_timestamp() - interval '30 s' FOR UPDATE SKIP LOCKED);
    DELETE FROM weir.watched_runs WHERE until < clock_timestamp() - interval '1 min';
  END IF;
  RETURN (SELECT extract(epoch FROM min(run_after) - clock_timestamp()) FROM weir.jobs
          WHERE state = 'PENDING' AND waits = 'time');
END $$;

-- WHAT PEOPLE DO ------------------------------------------------------------------------------------------------------

-- As before, but with the lock of a run that lets others write log lines and receipts of it: a load that commits holds
-- its job's row and writes a receipt, while a cancellation holds the run's row and wants the job's.
DO $$
DECLARE f regprocedure;
BEGIN
  FOREACH f IN ARRAY ARRAY['weir.cancel_run(uuid, text)', 'weir.retry_run(uuid, text)', 'weir.resolve_run(uuid, text)'] LOOP
    EXECUTE replace(pg_get_functiondef(f), 'FOR UPDATE', 'FOR NO KEY UPDATE');
  END LOOP;
END $$;

-- A job that is taken up again has as much time as before, also one that waited all the while for another to be rescued.
CREATE FUNCTION weir.renew_deadline() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.deadline_at := clock_timestamp() + make_interval(secs => NEW.deadline);
  RETURN NEW;
END $$;
CREATE TRIGGER renew_deadline BEFORE UPDATE OF waits ON weir.jobs FOR EACH ROW
  WHEN (NEW.deadline IS NOT NULL AND NEW.state = 'PENDING' AND (OLD.state NOT IN ('PENDING', 'RUNNING')
    OR OLD.waits = 'failure' AND NEW.waits <> 'failure'))
  EXECUTE FUNCTION weir.renew_deadline();

-- One line of a run's log. A statement of its own: lines are written one after the other (0004), and a worker that stops
-- in the middle must not keep all others waiting.
CREATE FUNCTION weir.write_log(owner uuid, wanted_run uuid, wanted_kind text, wanted_level text, said text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
  INSERT INTO weir.log_lines (organization_id, run_id, job_kind, level, text)
  VALUES (owner, wanted_run, wanted_kind, wanted_level, said)
$$;

-- WORKERS OF THE VERSION BEFORE ---------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION weir.claim_jobs(
  wanted_kinds text[], wanted_organizations uuid[], claiming_worker text, lease interval, most int)
RETURNS SETOF weir.jobs LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  first_versions int[] := array_fill(1, ARRAY[cardinality(wanted_kinds)]);
  claimed uuid[];
BEGIN
  claimed := ARRAY(SELECT a.job_id FROM weir.claim(wanted_kinds, first_versions,
    array_fill(NULL::float8, ARRAY[cardinality(wanted_kinds)]), wanted_organizations, claiming_worker, lease, most, false) a);
  RETURN QUERY SELECT * FROM weir.jobs WHERE job_id = ANY (claimed) ORDER BY fence;
  -- They hear the calls of all of them.
  IF cardinality(claimed) < most THEN
    PERFORM weir.stand_in_line(claiming_worker, 'weir_jobs', wanted_kinds, first_versions, wanted_organizations);
  END IF;
END $$;

CREATE OR REPLACE FUNCTION weir.expire_leases(most_losses int, rescue interval) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE freed int := 0; done text;
BEGIN
  LOOP
    SELECT t.what INTO done FROM weir.tidy_one(most_losses, rescue) t;
    EXIT WHEN NOT FOUND;
    freed := freed + (done = 'lost')::int;
  END LOOP;
  PERFORM weir.wake_jobs('10 s');
  RETURN freed;
END $$;

-- RIGHTS --------------------------------------------------------------------------------------------------------------

GRANT SELECT ON weir.ready_lanes TO weir_dispatch;
GRANT SELECT, INSERT, UPDATE, DELETE ON weir.idle_workers, weir.watched_runs, weir.lane_fronts TO weir_dispatch;
GRANT INSERT ON weir.log_lines TO weir_dispatch;
CREATE POLICY dispatch ON weir.log_lines TO weir_dispatch USING (true);
ALTER FUNCTION weir.watch_runs OWNER TO weir_dispatch;
ALTER FUNCTION weir.announce_change OWNER TO weir_dispatch;
ALTER FUNCTION weir.check_transition OWNER TO weir_dispatch;
ALTER FUNCTION weir.announce_ready OWNER TO weir_dispatch;
ALTER FUNCTION weir.call_workers OWNER TO weir_dispatch;
ALTER FUNCTION weir.leave_line OWNER TO weir_dispatch;
ALTER FUNCTION weir.end_and_claim OWNER TO weir_dispatch;
ALTER FUNCTION weir.keep_leases OWNER TO weir_dispatch;
ALTER FUNCTION weir.tidy_one OWNER TO weir_dispatch;
ALTER FUNCTION weir.wake_jobs OWNER TO weir_dispatch;
ALTER FUNCTION weir.write_log OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.watch_runs, weir.tell_watchers, weir.call_worker, weir.call_workers, weir.leave_line,
  weir.front_of, weir.note_front, weir.choose_lanes,
  weir.claim, weir.stand_in_line, weir.end_and_claim, weir.succeed, weir.settle_failure,
  weir.keep_leases, weir.tidy_one, weir.wake_jobs, weir.write_log FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.tell_watchers, weir.call_worker, weir.front_of, weir.note_front, weir.choose_lanes, weir.claim, weir.stand_in_line,
  weir.succeed, weir.settle_failure TO weir_dispatch;
GRANT EXECUTE ON FUNCTION weir.watch_runs, weir.call_workers, weir.leave_line, weir.end_and_claim, weir.keep_leases, weir.tidy_one,
  weir.wake_jobs, weir.write_log TO weir_app;
