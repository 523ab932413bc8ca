-- Nobody waits for a place in the line (docs/jobs.md). INSERT … ON CONFLICT DO NOTHING waits for whoever is changing that
-- row, to the end of that transaction (PostgreSQL documentation, "INSERT", "ON CONFLICT Clause", and chapter 13.2.1): a
-- worker that held limits waited for one that called it, which may have waited for those limits. PostgreSQL ends such a
-- circle after a second, and never if the machine's clock was set back meanwhile.

CREATE OR REPLACE FUNCTION weir.stand_in_line(
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
    RETURN is_alone;
  END IF;
  -- Somebody calls this worker right now, or takes its place away: it looks again soon.
  IF EXISTS (SELECT FROM weir.idle_workers WHERE worker = waiting_worker) THEN RETURN false; END IF;
  INSERT INTO weir.idle_workers VALUES (waiting_worker, calling_channel, taken_kinds, taken_versions, only_organizations,
      true, clock_timestamp()) ON CONFLICT DO NOTHING;
  RETURN is_alone;
END $$;

-- Here too: a front that somebody else is noting need not be noted.
CREATE OR REPLACE FUNCTION weir.note_front(
  lane_owner uuid, lane_kind text, lane_version int, new_rank int, new_sequence bigint, is_whole boolean) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM weir.lane_fronts WHERE owner = lane_owner AND kind = lane_kind AND version = lane_version
    FOR NO KEY UPDATE SKIP LOCKED;
  IF FOUND THEN
    UPDATE weir.lane_fronts SET rank = new_rank, sequence = new_sequence,
        since = CASE WHEN is_whole THEN clock_timestamp() ELSE since END
      WHERE owner = lane_owner AND kind = lane_kind AND version = lane_version;
  ELSIF NOT EXISTS (
    SELECT FROM weir.lane_fronts WHERE owner = lane_owner AND kind = lane_kind AND version = lane_version)
  THEN
    INSERT INTO weir.lane_fronts VALUES (lane_owner, lane_kind, lane_version, new_rank, new_sequence, clock_timestamp())
      ON CONFLICT DO NOTHING;
  END IF;
END $$;
