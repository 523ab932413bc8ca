-- Who is told of what, mended: freshness counts the streams that are still cloned; subscriptions hold bare addresses;
-- messages that wait have a deadline.

-- FRESHNESS -----------------------------------------------------------------------------------------------------------

-- The newest snapshot of all tables of its source that came without it. Its name stays known.
ALTER TABLE weir.landed_streams ADD COLUMN missed_at timestamptz;

-- How fresh a table in RAW is, or, if none is named, a pipeline: its oldest stream, of those that are still cloned.
-- These are all that a schedule of the pipeline names; and, unless its schedules all name others, those that no newer
-- snapshot of all tables came without.
CREATE FUNCTION weir.fresh_at(of_organization uuid, of_environment text, of_source text, of_table text)
RETURNS timestamptz LANGUAGE sql STABLE AS $$
  WITH planned AS MATERIALIZED (
    SELECT s.tables FROM weir.schedules s WHERE s.organization_id = of_organization
      AND s.environment = of_environment AND s.source = of_source)
  SELECT min(l.taken_at) FROM weir.landed_streams l
  WHERE l.organization_id = of_organization AND l.environment = of_environment AND l.source = of_source
    AND CASE
      WHEN of_table IS NOT NULL THEN l.raw_table = of_table
      -- As a run reads the names (Sources/Flow/Ingestion/ExtractJob.swift, StreamChoice).
      WHEN EXISTS (SELECT FROM planned p WHERE p.tables && ARRAY[
        (l.stream #>> '{name,schema}') || '.' || (l.stream #>> '{name,table}'),
        CASE l.stream #>> '{name,schema}' WHEN 'public' THEN l.stream #>> '{name,table}' END]) THEN true
      WHEN EXISTS (SELECT FROM planned) AND NOT EXISTS (SELECT FROM planned p WHERE p.tables = '{}') THEN false
      ELSE coalesce(l.missed_at <= l.taken_at, true) END
$$;
REVOKE ALL ON FUNCTION weir.fresh_at FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.fresh_at TO weir_app, weir_dispatch;

CREATE OR REPLACE FUNCTION weir.due_notices(most int)
RETURNS TABLE (kind text, id text, organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  (SELECT 'ending', e.sequence::text, e.organization_id FROM weir.run_endings e ORDER BY e.sequence LIMIT most)
  UNION ALL
  (SELECT 'expectation', e.expectation_id::text, e.organization_id FROM weir.expectations e
    WHERE (e.late_since IS NOT NULL) <> (
      coalesce(weir.fresh_at(e.organization_id, e.environment, e.source, e.raw_table), e.created_at)
        < now() - e.fresh_within)
    LIMIT most)
$$;

-- SUBSCRIPTIONS -------------------------------------------------------------------------------------------------------

-- `Ann <Ann@acme.example>` becomes ann@acme.example, as it is compared with when somebody is shut out or erased.
UPDATE weir.subscriptions SET target = lower(regexp_replace(btrim(target, E' \t'), '^.*<([^<>]*)>$', '\1'))
  WHERE channel = 'email';
-- Of whoever was shut out or erased before that.
DELETE FROM weir.subscriptions s WHERE s.channel = 'email' AND (position('@' IN s.target) = 0 OR EXISTS (
  SELECT FROM weir.principals p WHERE p.organization_id = s.organization_id AND p.state = 'deactivated'
    AND (p.principal_id = s.principal_id OR p.email = s.target)));

-- DEADLINES -----------------------------------------------------------------------------------------------------------

-- As new ones have it (NoticeBook.deadline).
UPDATE weir.jobs SET deadline = 604800, deadline_at = clock_timestamp() + interval '7 days'
  WHERE kind = 'notify' AND state = 'PENDING' AND deadline IS NULL;
