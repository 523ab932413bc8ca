-- A worker's turn: ends of claims, new claims, leases (docs/jobs.md).

-- CLAIM ---------------------------------------------------------------------------------------------------------------

-- What a worker hears in its turn.
CREATE TYPE weir.answer AS (
  -- 'claimed': a job that it holds now. 'lost': a claim (`fence`) that it wanted to end is another's. 'idle': nothing more is ready,
  -- and it will be called. 'again': that is not sure, and it looks again after `waited` seconds.
  what text,
  job_id uuid, organization_id uuid, run_id uuid, kind text, version int, attempt int, failures int, losses int,
  fence bigint, payload jsonb, trace text,
  -- Seconds from when it could run.
  waited float8,
  -- Seconds to its deadline.
  time_left float8
);

-- Where to read a lane from.
CREATE FUNCTION weir.front_of(lane_owner uuid, lane_kind text, lane_version int, OUT rank int, OUT sequence bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  SELECT f.rank, f.sequence INTO rank, sequence FROM weir.lane_fronts f
    WHERE f.owner = lane_owner AND f.kind = lane_kind AND f.version = lane_version
      AND f.since BETWEEN clock_timestamp() - interval '1 s' AND clock_timestamp();
  IF FOUND THEN
    -- By itself: joined to the row above it could be read to its end.
    PERFORM FROM weir.jobs j WHERE j.state = 'PENDING' AND j.waits = 'worker' AND j.organization_id = lane_owner
      AND j.kind = lane_kind AND j.version = lane_version AND -j.priority < front_of.rank LIMIT 1;
    IF NOT FOUND THEN RETURN; END IF;
  END IF;
  rank := -1000;
  sequence := 0;
END $$;

CREATE FUNCTION weir.note_front(
  lane_owner uuid, lane_kind text, lane_version int, new_rank int, new_sequence bigint, is_whole boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM weir.lane_fronts WHERE owner = lane_owner AND kind = lane_kind AND version = lane_version
    FOR NO KEY UPDATE SKIP LOCKED;
  IF FOUND THEN
    UPDATE weir.lane_fronts SET rank = new_rank, sequence = new_sequence,
        since = CASE WHEN is_whole THEN clock_timestamp() ELSE since END
      WHERE owner = lane_owner AND kind = lane_kind AND version = lane_version;
  ELSE
    INSERT INTO weir.lane_fronts VALUES (lane_owner, lane_kind, lane_version, new_rank, new_sequence, clock_timestamp())
      ON CONFLICT DO NOTHING;
  END IF;
END $$;

-- The lanes that a worker may take from, in order, where to read each from, and how many of `most` jobs come from it:
-- those that it would get if it took one after the other, each from the organization with the fewest running jobs, by
-- lot among equals. Lanes that get none come last: what is counted here may be in others' hands already.
CREATE FUNCTION weir.choose_lanes(
  taken_kinds text[], taken_versions int[], kind_deadlines float8[], only_organizations uuid[], most int)
RETURNS TABLE (
  organization_id uuid, kind text, version int, deadline float8, rank int, sequence bigint, quota int)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE last_lane record; place int;
BEGIN
  -- Mostly there is one lane only.
  SELECT j.organization_id, j.kind, j.version INTO last_lane FROM weir.jobs j
    WHERE j.state = 'PENDING' AND j.waits = 'worker'
    ORDER BY j.organization_id DESC, j.kind DESC, j.version DESC LIMIT 1;
  IF NOT FOUND THEN RETURN; END IF;
  IF NOT EXISTS (SELECT FROM weir.jobs j WHERE j.state = 'PENDING' AND j.waits = 'worker'
      AND j.organization_id < last_lane.organization_id)
    AND NOT EXISTS (SELECT FROM weir.jobs j WHERE j.state = 'PENDING' AND j.waits = 'worker'
      AND j.organization_id = last_lane.organization_id AND j.kind < last_lane.kind)
    AND NOT EXISTS (SELECT FROM weir.jobs j WHERE j.state = 'PENDING' AND j.waits = 'worker'
      AND j.organization_id = last_lane.organization_id AND j.kind = last_lane.kind AND j.version < last_lane.version)
  THEN
    place := array_position(taken_kinds, last_lane.kind);
    IF taken_versions[place] >= last_lane.version
      AND (only_organizations IS NULL OR last_lane.organization_id = ANY (only_organizations))
    THEN
      RETURN QUERY SELECT last_lane.organization_id, last_lane.kind, last_lane.version, kind_deadlines[place],
          f.rank, f.sequence, most
        FROM weir.front_of(last_lane.organization_id, last_lane.kind, last_lane.version) f;
    END IF;
    RETURN;
  END IF;
  RETURN QUERY
    WITH chosen AS (
      SELECT l.*, k.deadline, coalesce(f.rank, -1000) AS front_rank, coalesce(f.sequence, 0) AS front_sequence
      FROM weir.ready_lanes l
        JOIN unnest(taken_kinds, taken_versions, kind_deadlines) k(kind, version, deadline)
          ON k.kind = l.kind AND k.version >= l.version
        LEFT JOIN weir.lane_fronts f ON f.owner = l.organization_id AND f.kind = l.kind AND f.version = l.version
          AND f.since BETWEEN clock_timestamp() - interval '1 s' AND clock_timestamp()
      WHERE only_organizations IS NULL OR l.organization_id = ANY (only_organizations)
    ), owners AS (
      SELECT o.organization_id, random() AS lot,
        (SELECT count(*) FROM weir.jobs r WHERE r.state = 'RUNNING' AND r.organization_id = o.organization_id) AS running
      FROM (SELECT DISTINCT c.organization_id FROM chosen c) o
    ), queued AS (
      SELECT c.*, j.rank, j.sequence FROM chosen c CROSS JOIN LATERAL (
        (SELECT -x.priority AS rank, x.sequence FROM weir.jobs x WHERE x.state = 'PENDING' AND x.waits = 'worker'
          AND x.organization_id = c.organization_id AND x.kind = c.kind AND x.version = c.version
          AND (-x.priority, x.sequence) >= (c.front_rank, c.front_sequence)
        ORDER BY -x.priority, x.sequence LIMIT most)
        UNION ALL
        (SELECT -x.priority, x.sequence FROM weir.jobs x WHERE x.state = 'PENDING' AND x.waits = 'worker'
          AND x.organization_id = c.organization_id AND x.kind = c.kind AND x.version = c.version
          AND c.front_sequence > 0 AND -x.priority < c.front_rank
        ORDER BY -x.priority, x.sequence LIMIT most)) j
    ), ranked AS (
      SELECT q.*, o.lot, o.running
        + row_number() OVER (PARTITION BY q.organization_id ORDER BY q.rank, q.sequence) AS level
      FROM queued q JOIN owners o ON o.organization_id = q.organization_id
    ), placed AS (
      SELECT r.*, row_number() OVER (ORDER BY r.level, r.lot) AS place FROM ranked r
    )
    SELECT p.organization_id, p.kind, p.version, p.deadline,
      CASE WHEN min(p.rank) < p.front_rank THEN -1000 ELSE p.front_rank END,
      CASE WHEN min(p.rank) < p.front_rank THEN 0 ELSE p.front_sequence END,
      (count(*) FILTER (WHERE p.place <= most))::int
    FROM placed p GROUP BY 1, 2, 3, 4, p.front_rank, p.front_sequence ORDER BY min(p.place);
END $$;

-- Gives up to `most` jobs that may run to a worker. A job that a limit holds back is set aside, and read again only when
-- there is room. `is_limited`: this transaction holds limits already, so it waits for none.
CREATE FUNCTION weir.claim(
  taken_kinds text[], taken_versions int[], kind_deadlines float8[], only_organizations uuid[], claiming_worker text,
  lease interval, most int, is_limited boolean)
RETURNS SETOF weir.answer LANGUAGE plpgsql AS $$
DECLARE
  lane record; found record; obstacle record; taken int := 0; wanted int; moved int; passed_over uuid[] := '{}';
  chosen uuid[]; begun uuid[] := '{}'; first_lane record; front bigint; first_rank int; first_sequence bigint;
BEGIN
  FOR lane IN SELECT * FROM
    weir.choose_lanes(taken_kinds, taken_versions, kind_deadlines, only_organizations, most)
  LOOP
    wanted := CASE WHEN lane.quota > 0 THEN least(lane.quota, most - taken) ELSE most - taken END;
    WHILE wanted > 0 LOOP
      moved := 0;
      chosen := '{}';
      -- No more rows are locked than are taken: another worker would find them gone and rest.
      FOR found IN
        SELECT j.job_id, j.run_id, j.limits, -j.priority AS rank, j.sequence FROM weir.jobs j
        WHERE j.state = 'PENDING' AND j.waits = 'worker'
          AND j.organization_id = lane.organization_id AND j.kind = lane.kind AND j.version = lane.version
          AND (-j.priority, j.sequence) >= (lane.rank, lane.sequence)
          AND j.job_id <> ALL (passed_over) AND (j.deadline_at IS NULL OR j.deadline_at > clock_timestamp())
        ORDER BY -j.priority, j.sequence LIMIT wanted FOR NO KEY UPDATE SKIP LOCKED
      LOOP
        moved := moved + 1;
        IF first_sequence IS NULL THEN
          first_lane := lane; front := lane.sequence; first_rank := found.rank; first_sequence := found.sequence;
        END IF;
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
        chosen := chosen || found.job_id;
        begun := begun || found.run_id;
      END LOOP;
      IF moved = 0 THEN
        EXIT WHEN lane.sequence = 0;
        -- From the beginning, once: something may have come before what was the front.
        lane.rank := -1000;
        lane.sequence := 0;
        CONTINUE;
      END IF;
      RETURN QUERY UPDATE weir.jobs j SET state = 'RUNNING', attempt = j.attempt + 1, fence = nextval('weir.fence'),
          worker = claiming_worker, lease_until = clock_timestamp() + lease,
          started_at = coalesce(j.started_at, clock_timestamp()), problem = NULL,
          deadline = coalesce(j.deadline, lane.deadline),
          deadline_at = coalesce(j.deadline_at,
            greatest(j.created_at, j.run_after) + make_interval(secs => lane.deadline))
        WHERE j.job_id = ANY (chosen)
        RETURNING 'claimed', j.job_id, j.organization_id, j.run_id, j.kind, j.version, j.attempt, j.failures, j.losses,
          j.fence, j.payload, j.trace,
          extract(epoch FROM clock_timestamp() - coalesce(j.ready_at, greatest(j.created_at, j.run_after)))::float8,
          extract(epoch FROM j.deadline_at - clock_timestamp())::float8;
      taken := taken + cardinality(chosen);
      wanted := wanted - cardinality(chosen);
    END LOOP;
    EXIT WHEN taken >= most;
  END LOOP;
  IF taken > 0 THEN
    -- A run that is being changed is left; its state follows with its next change.
    UPDATE weir.runs SET state = 'RUNNING' WHERE run_id IN (SELECT r.run_id FROM weir.runs r
      WHERE r.run_id = ANY (begun) AND r.state = 'PENDING' FOR NO KEY UPDATE SKIP LOCKED);
    IF EXISTS (SELECT FROM weir.watched_runs) THEN PERFORM weir.tell_watchers(begun); END IF;
  END IF;
  -- Last of all, because nothing is waited for after it.
  IF first_sequence > front + 50 THEN
    PERFORM weir.note_front(first_lane.organization_id, first_lane.kind, first_lane.version, first_rank, first_sequence,
      front = 0);
  END IF;
END $$;

-- Notes that a worker has places left, so that it is called. True if it is sure that nothing is ready for it.
CREATE FUNCTION weir.stand_in_line(
  waiting_worker text, calling_channel text, taken_kinds text[], taken_versions int[], only_organizations uuid[])
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE is_alone boolean := pg_try_advisory_xact_lock(hashtextextended('weir.ready', 0));
BEGIN
  -- Nothing below may wait for anybody: others wait for this lock.
  IF is_alone AND EXISTS (
    SELECT FROM weir.ready_lanes l JOIN unnest(taken_kinds, taken_versions) k(kind, version)
        ON k.kind = l.kind AND k.version >= l.version
      CROSS JOIN LATERAL (
        SELECT FROM weir.jobs j WHERE j.state = 'PENDING' AND j.waits = 'worker'
          AND j.organization_id = l.organization_id AND j.kind = l.kind AND j.version = l.version
          AND (j.deadline_at IS NULL OR j.deadline_at > clock_timestamp())
        LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) ready
    WHERE only_organizations IS NULL OR l.organization_id = ANY (only_organizations))
  THEN
    RETURN false;
  END IF;
  PERFORM FROM weir.idle_workers WHERE worker = waiting_worker FOR NO KEY UPDATE SKIP LOCKED;
  IF FOUND THEN
    UPDATE weir.idle_workers SET channel = calling_channel, kinds = taken_kinds, versions = taken_versions,
        organizations = only_organizations, is_idle = true, since = clock_timestamp() WHERE worker = waiting_worker;
  ELSE
    -- If the row is there, it is somebody's who calls this worker right now.
    INSERT INTO weir.idle_workers VALUES (waiting_worker, calling_channel, taken_kinds, taken_versions,
        only_organizations, true, clock_timestamp()) ON CONFLICT DO NOTHING;
  END IF;
  RETURN is_alone;
END $$;

-- A worker's turn: ends the claims that went well, and claims up to `most` jobs. If there are fewer, it stands in line,
-- unless it `is_listed` there and has not been called since.
--
-- Its statements are planned once for a session, and go through indexes however small the tables are at that moment:
-- planning them each time takes as long as running them.
CREATE FUNCTION weir.end_and_claim(
  ended uuid[], ended_fences bigint[], ended_results jsonb[], taken_kinds text[], taken_versions int[],
  kind_deadlines float8[], only_organizations uuid[], claiming_worker text, lease interval, most int,
  calling_channel text, is_listed boolean)
RETURNS SETOF weir.answer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = '' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE taken int := 0; is_limited boolean := false; said weir.answer; lost bigint[]; lost_fence bigint;
BEGIN
  IF ended <> '{}' THEN
    SELECT s.lost, s.has_limits INTO lost, is_limited FROM weir.succeed(ended, ended_fences, ended_results) s;
    FOREACH lost_fence IN ARRAY lost LOOP
      said.what := 'lost'; said.fence := lost_fence;
      RETURN NEXT said;
    END LOOP;
  END IF;
  IF most <= 0 THEN RETURN; END IF;
  RETURN QUERY SELECT * FROM weir.claim(taken_kinds, taken_versions, kind_deadlines, only_organizations,
    claiming_worker, lease, most, is_limited);
  GET DIAGNOSTICS taken = ROW_COUNT;
  IF taken >= most THEN
    IF is_listed THEN
      UPDATE weir.idle_workers SET is_idle = false WHERE worker IN (SELECT worker FROM weir.idle_workers
        WHERE worker = claiming_worker FOR NO KEY UPDATE SKIP LOCKED);
    END IF;
  ELSIF calling_channel IS NOT NULL AND NOT is_listed THEN
    said := NULL;
    IF weir.stand_in_line(claiming_worker, calling_channel, taken_kinds, taken_versions, only_organizations) THEN
      said.what := 'idle';
    ELSE
      -- The more there are, the more rarely each of them looks.
      said.what := 'again';
      said.waited := (0.5 + random()) * least(0.05, 0.001 * (1 + (SELECT count(*) FROM weir.idle_workers WHERE is_idle)));
    END IF;
    RETURN NEXT said;
  END IF;
END $$;

-- ENDS OF CLAIMS ------------------------------------------------------------------------------------------------------

-- Ends claims that went well; says which were not theirs any more. The rows of their runs come first, then the jobs,
-- then all their limits, each in order: what follows waits for nobody.
CREATE FUNCTION weir.succeed(
  ended uuid[], fences bigint[], results jsonb[], OUT lost bigint[], OUT has_limits boolean) LANGUAGE plpgsql AS $$
DECLARE done record; touched uuid[] := '{}'; keys text[] := '{}';
BEGIN
  lost := '{}';
  PERFORM FROM weir.runs r WHERE r.run_id IN (SELECT j.run_id FROM weir.jobs j WHERE j.job_id = ANY (ended))
    ORDER BY r.run_id FOR NO KEY UPDATE;
  FOR i IN 1 .. cardinality(ended) LOOP
    UPDATE weir.jobs j SET state = 'SUCCESS', result = results[i], problem = NULL, lease_until = NULL,
        finished_at = clock_timestamp()
      WHERE j.job_id = ended[i] AND j.fence = fences[i] AND j.lease_until IS NOT NULL
      RETURNING j.run_id, j.limits INTO done;
    IF NOT FOUND THEN
      lost := lost || fences[i];
      CONTINUE;
    END IF;
    keys := keys || done.limits;
    touched := touched || done.run_id;
    -- From the end of the run: that is where those are that are not done.
    PERFORM FROM weir.jobs j WHERE j.run_id = done.run_id
      AND (j.state = 'RUNNING' OR j.state = 'PENDING' AND j.waits <> 'failure') ORDER BY j.position DESC LIMIT 1;
    IF FOUND THEN
      UPDATE weir.jobs s SET blocked_by = s.blocked_by - 1,
          waits = CASE WHEN s.waits = 'predecessors' AND s.blocked_by = 1
            THEN CASE WHEN s.run_after > clock_timestamp() THEN 'time' ELSE 'worker' END ELSE s.waits END
        FROM weir.job_predecessors p WHERE p.predecessor_id = ended[i] AND s.job_id = p.job_id AND s.state = 'PENDING';
      UPDATE weir.runs SET state = 'RUNNING' WHERE run_id = done.run_id AND state = 'PENDING';
    ELSE
      PERFORM weir.settle_run(done.run_id);
    END IF;
  END LOOP;
  has_limits := keys <> '{}';
  IF has_limits THEN PERFORM weir.release_limits(keys); END IF;
  IF EXISTS (SELECT FROM weir.watched_runs) THEN PERFORM weir.tell_watchers(touched); END IF;
END $$;

ALTER FUNCTION weir.settle_run SECURITY INVOKER RESET ALL;
ALTER FUNCTION weir.replan SECURITY INVOKER RESET ALL;
DROP FUNCTION weir.after_claim;

-- Ends a claim in any way. False if it is not this claim's job any more. `outcome` is SUCCESS, FAILED, CANCELLED or
-- PENDING (again after `pause` seconds); `counts_as` is what it adds to: 'failure', 'loss' or nothing.
CREATE OR REPLACE FUNCTION weir.end_claim(
  ended_job uuid, ended_fence bigint, outcome text, job_result jsonb, job_problem jsonb, pause float8, counts_as text,
  rescue interval)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = '' SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET jit = off AS $$
DECLARE j record;
BEGIN
  IF outcome = 'SUCCESS' THEN
    RETURN (SELECT s.lost = '{}' FROM weir.succeed(ARRAY[ended_job], ARRAY[ended_fence], ARRAY[job_result]) s);
  END IF;
  SELECT run_id, limits INTO j FROM weir.jobs WHERE job_id = ended_job;
  PERFORM FROM weir.runs WHERE run_id = j.run_id FOR NO KEY UPDATE;
  UPDATE weir.jobs SET state = outcome, result = coalesce(job_result, result), problem = job_problem,
      lease_until = NULL, worker = CASE WHEN outcome = 'PENDING' THEN NULL ELSE worker END,
      finished_at = CASE WHEN outcome <> 'PENDING' THEN clock_timestamp() END,
      failures = failures + coalesce(counts_as = 'failure', false)::int,
      losses = losses + coalesce(counts_as = 'loss', false)::int,
      run_after = CASE WHEN outcome = 'PENDING' THEN clock_timestamp() + make_interval(secs => pause) ELSE run_after END,
      waits = CASE WHEN outcome = 'PENDING' AND pause > 0 THEN 'time' ELSE 'worker' END, waits_for = NULL
    WHERE job_id = ended_job AND fence = ended_fence AND lease_until IS NOT NULL;
  IF NOT FOUND THEN RETURN false; END IF;
  IF outcome <> 'PENDING' THEN PERFORM weir.settle_failure(ended_job, j.run_id, outcome, rescue); END IF;
  IF j.limits <> '{}' THEN PERFORM weir.release_limits(j.limits); END IF;
  RETURN true;
END $$;

-- What follows when a job has failed or was cancelled: the time to rescue it, jobs after it, its run.
CREATE FUNCTION weir.settle_failure(ended_job uuid, its_run uuid, outcome text, rescue interval) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  IF outcome = 'FAILED' AND rescue > interval '0' THEN
    UPDATE weir.jobs SET state = 'RETRYABLE', rescue_until = clock_timestamp() + rescue WHERE job_id = ended_job;
  END IF;
  PERFORM weir.replan(its_run);
  PERFORM weir.settle_run(its_run);
END $$;

-- Keeps leases. One row for each job that is still the claim's: whether its lease is longer now, which it is not while
-- somebody holds the row, and whether a person has cancelled it.
CREATE FUNCTION weir.keep_leases(held uuid[], fences bigint[], lease interval)
RETURNS TABLE (fence bigint, is_kept boolean, is_cancelled boolean)
LANGUAGE sql SECURITY DEFINER SET search_path = '' SET enable_seqscan = off SET jit = off AS $$
  WITH mine AS (
    SELECT j.job_id FROM weir.jobs j JOIN unnest(held, fences) h(job_id, fence)
      ON h.job_id = j.job_id AND h.fence = j.fence WHERE j.lease_until IS NOT NULL FOR NO KEY UPDATE OF j SKIP LOCKED
  ), kept AS (
    UPDATE weir.jobs j SET lease_until = clock_timestamp() + lease FROM mine WHERE j.job_id = mine.job_id
    RETURNING j.job_id
  )
  SELECT j.fence, kept.job_id IS NOT NULL, j.cancel_requested
  FROM weir.jobs j JOIN unnest(held, fences) h(job_id, fence) ON h.job_id = j.job_id AND h.fence = j.fence
    LEFT JOIN kept ON kept.job_id = j.job_id
  WHERE j.lease_until IS NOT NULL
$$;
