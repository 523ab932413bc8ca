-- What the queue does in the database, in one statement each: claims, their ends, what people do (docs/jobs.md).

-- LIMITS --------------------------------------------------------------------------------------------------------------

-- Counts a job in all limits of its keys; or, if one of them forbids it now, in none and says which.
-- The rows stay locked to the end of the transaction.
CREATE FUNCTION weir.take_limits(keys text[], OUT obstacle text, OUT obstacle_key text, OUT until timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE l weir.limits;
BEGIN
  FOR l IN SELECT * FROM weir.limits WHERE key = ANY (keys) ORDER BY key FOR UPDATE LOOP
    IF l.paused_until > now() THEN
      obstacle := 'pause'; obstacle_key := l.key; until := l.paused_until; RETURN;
    ELSIF l.used >= l.most THEN
      obstacle := 'limit'; obstacle_key := l.key; RETURN;
    ELSIF l.spacing IS NOT NULL AND l.next_start > clock_timestamp() THEN
      obstacle := 'time'; obstacle_key := l.key; until := l.next_start; RETURN;
    END IF;
  END LOOP;
  UPDATE weir.limits SET used = used + 1,
      next_start = CASE WHEN spacing IS NULL THEN next_start
        ELSE greatest(next_start, clock_timestamp()) + make_interval(secs => spacing) END
    WHERE key = ANY (keys);
END $$;

-- Lets as many of those who wait for a key come forward as it has room for.
CREATE FUNCTION weir.unpark(freed_key text, room int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE woken int;
BEGIN
  UPDATE weir.jobs SET waits = 'worker', waits_for = NULL WHERE job_id IN (
    SELECT job_id FROM weir.jobs
    WHERE state = 'PENDING' AND waits IN ('limit', 'pause') AND waits_for = freed_key
    ORDER BY priority DESC, sequence LIMIT room FOR UPDATE SKIP LOCKED);
  GET DIAGNOSTICS woken = ROW_COUNT;
  RETURN woken;
END $$;

CREATE FUNCTION weir.release_limits(keys text[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE l weir.limits;
BEGIN
  FOR l IN SELECT * FROM weir.limits WHERE key = ANY (keys) ORDER BY key FOR UPDATE LOOP
    UPDATE weir.limits SET used = greatest(used - 1, 0) WHERE key = l.key;
    IF l.most IS NOT NULL AND l.used - 1 < l.most THEN PERFORM weir.unpark(l.key, l.most - l.used + 1); END IF;
  END LOOP;
END $$;

-- CLAIM ---------------------------------------------------------------------------------------------------------------

-- Gives up to `most` jobs that may run to a worker. Organizations with the fewest running jobs come first, then higher
-- priority, then the older job. A job that a limit holds back is set aside, and read again only when there is room.
CREATE FUNCTION weir.claim_jobs(
  wanted_kinds text[], wanted_organizations uuid[], claiming_worker text, lease interval, most int)
RETURNS SETOF weir.jobs LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  lane record; found weir.jobs; obstacle record; taken int := 0; share int; lanes_left int; moved int;
  is_limited boolean := false; passed_over uuid[] := '{}';
BEGIN
  UPDATE weir.jobs SET waits = 'worker', waits_for = NULL WHERE job_id IN (
    SELECT job_id FROM weir.jobs WHERE state = 'PENDING' AND waits = 'time' AND run_after <= clock_timestamp()
    ORDER BY run_after LIMIT 100 FOR UPDATE SKIP LOCKED);
  FOR lane IN
    WITH RECURSIVE lanes AS (
      (SELECT organization_id, kind FROM weir.jobs WHERE state = 'PENDING' AND waits = 'worker'
       ORDER BY organization_id, kind LIMIT 1)
      UNION ALL
      SELECT n.organization_id, n.kind FROM lanes l CROSS JOIN LATERAL (
        SELECT j.organization_id, j.kind FROM weir.jobs j WHERE j.state = 'PENDING' AND j.waits = 'worker'
          AND (j.organization_id, j.kind) > (l.organization_id, l.kind)
        ORDER BY j.organization_id, j.kind LIMIT 1) n
    ), chosen AS (
      SELECT organization_id, kind FROM lanes WHERE kind = ANY (wanted_kinds)
        AND (wanted_organizations IS NULL OR organization_id = ANY (wanted_organizations))
    ), busy AS (
      SELECT organization_id, count(*) AS n FROM weir.jobs WHERE state = 'RUNNING' GROUP BY 1
    ), luck AS (
      SELECT organization_id, random() AS lot FROM (SELECT DISTINCT organization_id FROM chosen) o
    )
    SELECT c.organization_id, c.kind, count(*) OVER ()::int AS total
    FROM chosen c JOIN luck USING (organization_id) LEFT JOIN busy USING (organization_id)
      CROSS JOIN LATERAL (
        SELECT j.priority, j.sequence FROM weir.jobs j WHERE j.state = 'PENDING' AND j.waits = 'worker'
          AND j.organization_id = c.organization_id AND j.kind = c.kind
        ORDER BY j.priority DESC, j.sequence LIMIT 1) head
    ORDER BY coalesce(busy.n, 0), luck.lot, head.priority DESC, head.sequence
  LOOP
    lanes_left := coalesce(lanes_left, lane.total);
    share := ceil((most - taken)::float8 / greatest(lanes_left, 1));
    lanes_left := lanes_left - 1;
    LOOP
      moved := 0;
      -- No more rows are locked than are taken: another worker would find them gone and rest.
      FOR found IN
        SELECT * FROM weir.jobs j WHERE j.state = 'PENDING' AND j.waits = 'worker'
          AND j.organization_id = lane.organization_id AND j.kind = lane.kind AND j.job_id <> ALL (passed_over)
        ORDER BY j.priority DESC, j.sequence LIMIT share FOR UPDATE SKIP LOCKED
      LOOP
        moved := moved + 1;
        IF found.limits <> '{}' THEN
          -- Only a transaction that holds no limit waits for one, so that no two wait for each other.
          IF is_limited AND weir.is_limit_locked(found.limits) THEN
            passed_over := passed_over || found.job_id;
            CONTINUE;
          END IF;
          SELECT * INTO obstacle FROM weir.take_limits(found.limits);
          is_limited := true;
          IF obstacle.obstacle IS NOT NULL THEN
            UPDATE weir.jobs SET waits = obstacle.obstacle, waits_for = obstacle.obstacle_key,
                run_after = coalesce(obstacle.until, run_after) WHERE job_id = found.job_id;
            CONTINUE;
          END IF;
        END IF;
        RETURN QUERY UPDATE weir.jobs j SET state = 'RUNNING', attempt = j.attempt + 1, fence = nextval('weir.fence'),
            worker = claiming_worker, lease_until = clock_timestamp() + lease,
            started_at = coalesce(j.started_at, clock_timestamp()), problem = NULL
          WHERE j.job_id = found.job_id RETURNING j.*;
        -- A run that is being changed is left; its state follows with its next change.
        UPDATE weir.runs r SET state = 'RUNNING' WHERE r.run_id IN
          (SELECT x.run_id FROM weir.runs x WHERE x.run_id = found.run_id AND x.state = 'PENDING' FOR UPDATE SKIP LOCKED);
        taken := taken + 1;
        share := share - 1;
      END LOOP;
      EXIT WHEN moved = 0 OR share <= 0;
    END LOOP;
    EXIT WHEN taken >= most;
  END LOOP;
  -- Whoever held those limits is done when this is heard.
  IF passed_over <> '{}' THEN PERFORM pg_notify('weir_jobs', ''); END IF;
END $$;

CREATE FUNCTION weir.is_limit_locked(keys text[]) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE free int;
BEGIN
  SELECT count(*) INTO free FROM (SELECT FROM weir.limits WHERE key = ANY (keys) ORDER BY key FOR UPDATE SKIP LOCKED) l;
  RETURN free < (SELECT count(*) FROM weir.limits WHERE key = ANY (keys));
END $$;

-- ENDS OF CLAIMS ------------------------------------------------------------------------------------------------------

-- All changes of a run's graph hold its row, so that they come one after the other.

-- What each PENDING job of a run waits for, anew; for all changes but a job's plain success.
CREATE FUNCTION weir.replan(wanted_run uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  WITH RECURSIVE behind AS (
    SELECT p.job_id, b.job_id AS failed FROM weir.jobs b JOIN weir.job_predecessors p ON p.predecessor_id = b.job_id
      WHERE b.run_id = wanted_run AND b.state IN ('FAILED', 'RETRYABLE', 'RESOLVED', 'CANCELLED')
    UNION
    SELECT p.job_id, x.failed FROM behind x JOIN weir.job_predecessors p ON p.predecessor_id = x.job_id
  ), plan AS (
    SELECT j.job_id,
      (SELECT count(*) FROM weir.job_predecessors p JOIN weir.jobs b ON b.job_id = p.predecessor_id
       WHERE p.job_id = j.job_id AND b.state <> 'SUCCESS') AS blocked,
      (SELECT x.failed FROM behind x WHERE x.job_id = j.job_id ORDER BY x.failed LIMIT 1) AS failed
    FROM weir.jobs j WHERE j.run_id = wanted_run AND j.state = 'PENDING'
  )
  UPDATE weir.jobs j SET blocked_by = plan.blocked,
      waits = CASE WHEN plan.failed IS NOT NULL THEN 'failure' WHEN plan.blocked > 0 THEN 'predecessors'
        WHEN j.waits NOT IN ('predecessors', 'failure') THEN j.waits
        WHEN j.run_after > clock_timestamp() THEN 'time' ELSE 'worker' END,
      waits_for = CASE WHEN plan.failed IS NOT NULL THEN plan.failed::text
        WHEN plan.blocked = 0 AND j.waits NOT IN ('predecessors', 'failure') THEN j.waits_for END
    FROM plan WHERE plan.job_id = j.job_id;
END $$;

-- The run's state from its jobs'. A run whose jobs are all done is over: well if every receipt is verified, else it
-- names the streams that are not.
CREATE FUNCTION weir.settle_run(wanted_run uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE open int; said jsonb; outcome text; doubtful record;
BEGIN
  SELECT count(*) FILTER (WHERE state = 'RUNNING' OR (state = 'PENDING' AND waits <> 'failure')),
      CASE WHEN bool_or(state = 'RETRYABLE') THEN 'RETRYABLE' WHEN bool_or(state = 'FAILED') THEN 'FAILED'
        WHEN bool_or(state = 'RESOLVED') THEN 'RESOLVED' WHEN bool_or(state = 'CANCELLED') THEN 'CANCELLED'
        ELSE 'SUCCESS' END,
      (array_agg(problem ORDER BY finished_at, position) FILTER (WHERE state IN ('RETRYABLE', 'FAILED')))[1]
    INTO open, outcome, said FROM weir.jobs WHERE run_id = wanted_run;
  IF open > 0 THEN
    UPDATE weir.runs SET state = 'RUNNING', finished_at = NULL, problem = NULL
      WHERE run_id = wanted_run AND state NOT IN ('PENDING', 'RUNNING');
    RETURN;
  END IF;
  IF outcome = 'SUCCESS' THEN
    SELECT count(*) AS n, string_agg(stream, ', ' ORDER BY stream) AS names, min(problem ->> 'code') AS code
      INTO doubtful FROM weir.receipts WHERE run_id = wanted_run AND NOT verified;
    IF doubtful.n > 0 THEN
      outcome := 'FAILED';
      said := jsonb_build_object('code', coalesce(doubtful.code, 'data_invalid'),
        'detail', 'Not verified: ' || doubtful.names || '.', 'hint', 'The receipts say why; all else is loaded.');
    END IF;
  END IF;
  UPDATE weir.runs SET state = outcome, problem = said, finished_at = clock_timestamp()
    WHERE run_id = wanted_run AND (state <> outcome OR finished_at IS NULL);
END $$;

-- Ends a claim. False if it is not this claim's job any more. `outcome` is SUCCESS, FAILED, CANCELLED or PENDING (again
-- after `pause`); `counts_as` is what it adds to: 'failure', 'loss' or nothing.
CREATE FUNCTION weir.end_claim(
  ended_job uuid, ended_fence bigint, outcome text, job_result jsonb, job_problem jsonb, pause float8, counts_as text,
  rescue interval)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE j weir.jobs;
BEGIN
  SELECT * INTO j FROM weir.jobs WHERE job_id = ended_job;
  PERFORM FROM weir.runs WHERE run_id = j.run_id FOR UPDATE;
  UPDATE weir.jobs SET state = outcome, result = coalesce(job_result, result), problem = job_problem,
      lease_until = NULL, worker = CASE WHEN outcome = 'PENDING' THEN NULL ELSE worker END,
      finished_at = CASE WHEN outcome <> 'PENDING' THEN clock_timestamp() END,
      failures = failures + coalesce(counts_as = 'failure', false)::int,
      losses = losses + coalesce(counts_as = 'loss', false)::int,
      run_after = CASE WHEN outcome = 'PENDING' THEN clock_timestamp() + make_interval(secs => pause) ELSE run_after END,
      waits = CASE WHEN outcome = 'PENDING' AND pause > 0 THEN 'time' ELSE 'worker' END, waits_for = NULL
    WHERE job_id = ended_job AND fence = ended_fence AND state = 'RUNNING';
  IF NOT FOUND THEN RETURN false; END IF;
  PERFORM weir.after_claim(j, outcome, rescue);
  RETURN true;
END $$;

-- What follows from the end of a claim: room for others, jobs after it, its run.
CREATE FUNCTION weir.after_claim(j weir.jobs, outcome text, rescue interval) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF j.limits <> '{}' THEN PERFORM weir.release_limits(j.limits); END IF;
  IF outcome = 'SUCCESS' THEN
    UPDATE weir.jobs s SET blocked_by = s.blocked_by - 1,
        waits = CASE WHEN s.waits = 'predecessors' AND s.blocked_by = 1
          THEN CASE WHEN s.run_after > clock_timestamp() THEN 'time' ELSE 'worker' END ELSE s.waits END
      FROM weir.job_predecessors p WHERE p.predecessor_id = j.job_id AND s.job_id = p.job_id AND s.state = 'PENDING';
  ELSIF outcome <> 'PENDING' THEN
    IF outcome = 'FAILED' AND rescue > interval '0' THEN
      UPDATE weir.jobs SET state = 'RETRYABLE', rescue_until = clock_timestamp() + rescue WHERE job_id = j.job_id;
    END IF;
    PERFORM weir.replan(j.run_id);
  END IF;
  IF outcome <> 'PENDING' THEN PERFORM weir.settle_run(j.run_id); END IF;
END $$;

-- Takes jobs back from workers that are gone. A job that was lost so often that it seems to end its workers fails.
DROP FUNCTION weir.expire_leases;
CREATE FUNCTION weir.expire_leases(most_losses int, rescue interval) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE j weir.jobs; freed int := 0; l weir.limits;
BEGIN
  FOR j IN SELECT * FROM weir.jobs WHERE state = 'RUNNING' AND lease_until < clock_timestamp() ORDER BY run_id, job_id LOOP
    IF j.losses + 1 < most_losses OR j.cancel_requested THEN
      freed := freed + weir.end_claim(j.job_id, j.fence, CASE WHEN j.cancel_requested THEN 'CANCELLED' ELSE 'PENDING' END,
        NULL, NULL, 0, 'loss', rescue)::int;
    ELSE
      freed := freed + weir.end_claim(j.job_id, j.fence, 'FAILED', NULL, jsonb_build_object('code', 'internal',
          'detail', 'The worker was lost ' || j.losses + 1 || ' times during this job.',
          'hint', 'See the logs of the worker; something in this job may end it.'), 0, 'loss', rescue)::int;
    END IF;
  END LOOP;
  -- Jobs that wait for a limit that has room, or for a pause that is over: whoever was called before them is not coming.
  FOR l IN SELECT * FROM weir.limits WHERE key IN
      (SELECT DISTINCT waits_for FROM weir.jobs WHERE state = 'PENDING' AND waits IN ('limit', 'pause')) LOOP
    IF coalesce(l.paused_until, '-infinity') <= now() AND (l.most IS NULL OR l.used < l.most) THEN
      PERFORM weir.unpark(l.key, coalesce(l.most - l.used, 1000));
    END IF;
  END LOOP;
  -- The time to rescue is over.
  FOR j IN SELECT * FROM weir.jobs WHERE state = 'RETRYABLE' AND rescue_until < now() ORDER BY run_id, job_id LOOP
    PERFORM FROM weir.runs WHERE run_id = j.run_id FOR UPDATE;
    UPDATE weir.jobs SET state = 'FAILED' WHERE job_id = j.job_id AND state = 'RETRYABLE' AND rescue_until < now();
    UPDATE weir.jobs SET state = 'CANCELLED', finished_at = now()
      WHERE run_id = j.run_id AND state = 'PENDING' AND waits = 'failure' AND waits_for = j.job_id::text;
    PERFORM weir.settle_run(j.run_id);
  END LOOP;
  RETURN freed;
END $$;

-- WHAT PEOPLE DO ------------------------------------------------------------------------------------------------------

-- Cancels all of a run that is not done; jobs that run are told to stop. Null if there is no such run.
CREATE FUNCTION weir.cancel_run(wanted_run uuid, said text) RETURNS text
LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE result text;
BEGIN
  PERFORM FROM weir.runs WHERE run_id = wanted_run FOR UPDATE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  UPDATE weir.jobs SET state = 'CANCELLED', finished_at = clock_timestamp()
    WHERE run_id = wanted_run AND state IN ('PENDING', 'RETRYABLE');
  UPDATE weir.jobs SET cancel_requested = true WHERE run_id = wanted_run AND state = 'RUNNING';
  UPDATE weir.runs SET note = coalesce(said, note) WHERE run_id = wanted_run;
  PERFORM weir.settle_run(wanted_run);
  SELECT state INTO result FROM weir.runs WHERE run_id = wanted_run;
  RETURN result;
END $$;

-- Takes a failed run up again: from the jobs that failed or, if a kind is given, from those of that kind with all that
-- comes after. What was cancelled because of the failure is done again too. Null if nothing can be taken up.
CREATE FUNCTION weir.retry_run(wanted_run uuid, from_kind text) RETURNS text
LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE result text; again int;
BEGIN
  PERFORM FROM weir.runs WHERE run_id = wanted_run AND state = 'RETRYABLE' FOR UPDATE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  WITH RECURSIVE again AS (
    SELECT job_id FROM weir.jobs WHERE run_id = wanted_run
      AND CASE WHEN from_kind IS NULL THEN state = 'RETRYABLE' ELSE kind = from_kind END
    UNION
    SELECT p.job_id FROM again a JOIN weir.job_predecessors p ON p.predecessor_id = a.job_id
  )
  UPDATE weir.jobs j SET state = 'PENDING', failures = 0, losses = 0, problem = NULL, result = NULL, progress = NULL,
      started_at = NULL, finished_at = NULL, rescue_until = NULL, cancel_requested = false, worker = NULL,
      waits = 'predecessors', waits_for = NULL, run_after = now()
    FROM again WHERE again.job_id = j.job_id AND j.state NOT IN ('PENDING', 'RUNNING');
  GET DIAGNOSTICS again = ROW_COUNT;
  IF again = 0 THEN RETURN NULL; END IF;
  PERFORM weir.replan(wanted_run);
  PERFORM weir.settle_run(wanted_run);
  SELECT state INTO result FROM weir.runs WHERE run_id = wanted_run;
  RETURN result;
END $$;

-- Ends a failed run that a person has taken care of. Null if it is not to be rescued.
CREATE FUNCTION weir.resolve_run(wanted_run uuid, said text) RETURNS text
LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE result text;
BEGIN
  PERFORM FROM weir.runs WHERE run_id = wanted_run AND state = 'RETRYABLE' FOR UPDATE;
  IF NOT FOUND THEN RETURN NULL; END IF;
  UPDATE weir.jobs SET state = 'RESOLVED' WHERE run_id = wanted_run AND state = 'RETRYABLE';
  UPDATE weir.jobs SET state = 'CANCELLED', finished_at = clock_timestamp()
    WHERE run_id = wanted_run AND state = 'PENDING';
  UPDATE weir.runs SET note = said WHERE run_id = wanted_run;
  PERFORM weir.settle_run(wanted_run);
  SELECT state INTO result FROM weir.runs WHERE run_id = wanted_run;
  RETURN result;
END $$;

-- Whose jobs a worker is for.
CREATE FUNCTION weir.organization_named(wanted_slug text) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS
$$ SELECT organization_id FROM weir.organizations WHERE slug = wanted_slug $$;
ALTER FUNCTION weir.organization_named OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.organization_named FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.organization_named TO weir_app;

DROP FUNCTION weir.claim_job;
GRANT USAGE ON SEQUENCE weir.fence TO weir_dispatch;
GRANT SELECT ON weir.receipts TO weir_dispatch;
CREATE POLICY dispatch ON weir.receipts TO weir_dispatch USING (true);
ALTER FUNCTION weir.take_limits OWNER TO weir_dispatch;
ALTER FUNCTION weir.is_limit_locked OWNER TO weir_dispatch;
ALTER FUNCTION weir.unpark OWNER TO weir_dispatch;
ALTER FUNCTION weir.release_limits OWNER TO weir_dispatch;
ALTER FUNCTION weir.claim_jobs OWNER TO weir_dispatch;
ALTER FUNCTION weir.replan OWNER TO weir_dispatch;
ALTER FUNCTION weir.settle_run OWNER TO weir_dispatch;
ALTER FUNCTION weir.end_claim OWNER TO weir_dispatch;
ALTER FUNCTION weir.after_claim OWNER TO weir_dispatch;
ALTER FUNCTION weir.expire_leases OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.take_limits, weir.is_limit_locked, weir.unpark, weir.release_limits, weir.claim_jobs,
  weir.replan, weir.settle_run, weir.end_claim, weir.after_claim, weir.expire_leases FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.claim_jobs, weir.end_claim, weir.expire_leases, weir.replan, weir.settle_run TO weir_app;
