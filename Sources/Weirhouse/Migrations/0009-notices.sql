-- Who is told of what (docs/notifications.md). A run's end leaves a row in weir.run_endings in its own transaction; a
-- server turns it into a notice and its deliveries, which are jobs, in one transaction: so none is lost and none doubled.

CREATE TABLE weir.subscriptions (
  subscription_id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  principal_id uuid NOT NULL REFERENCES weir.principals,
  channel text NOT NULL CHECK (channel IN ('email', 'webhook')),
  target text NOT NULL,
  -- Null: any.
  source text,
  environment text,
  events text[] NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX subscriptions_of ON weir.subscriptions (organization_id);

-- Pipelines whose last run failed.
CREATE TABLE weir.failing_pipelines (
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  environment text NOT NULL,
  source text NOT NULL,
  since timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, environment, source)
);

-- Ends of runs that somebody may have to hear of, until a server has dealt with them.
CREATE TABLE weir.run_endings (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  run_id uuid NOT NULL,
  what text NOT NULL CHECK (what IN ('failure', 'recovery')),
  at timestamptz NOT NULL DEFAULT now()
);

-- What has happened, once for each event (`key`).
CREATE TABLE weir.notices (
  notice_id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  key text NOT NULL,
  event text NOT NULL CHECK (event IN ('failure', 'recovery', 'late', 'fresh', 'test')),
  environment text,
  source text,
  -- The run that it tells of.
  run_id uuid,
  at timestamptz NOT NULL DEFAULT now(),
  title text NOT NULL,
  -- What the message holds (Sources/Base/Jobs/Notices/Notice.swift).
  body jsonb NOT NULL,
  UNIQUE (organization_id, key)
);

-- One message of a notice to one subscription; a run of kind `notify` sends it.
CREATE TABLE weir.deliveries (
  delivery_id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  notice_id uuid NOT NULL REFERENCES weir.notices ON DELETE CASCADE,
  subscription_id uuid REFERENCES weir.subscriptions ON DELETE SET NULL,
  channel text NOT NULL,
  target text NOT NULL,
  -- The run that sends it.
  run_id uuid NOT NULL,
  -- The claim that is handing it over; null when the outcome is known.
  handed_by bigint,
  attempts int NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT now(),
  sent_at timestamptz,
  UNIQUE (notice_id, subscription_id)
);
CREATE INDEX deliveries_newest ON weir.deliveries (organization_id, created_at DESC);
CREATE INDEX deliveries_of_run ON weir.deliveries (run_id);

-- How old what is in a warehouse may be.
CREATE TABLE weir.expectations (
  expectation_id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  environment text NOT NULL,
  source text NOT NULL,
  -- Null: the oldest of the pipeline's.
  raw_table text,
  fresh_within interval NOT NULL,
  late_since timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE NULLS NOT DISTINCT (organization_id, environment, source, raw_table)
);

ALTER TABLE weir.subscriptions ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.failing_pipelines ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.run_endings ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.notices ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.deliveries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.expectations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON weir.subscriptions TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.failing_pipelines TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.run_endings TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.notices TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.deliveries TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.expectations TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY dispatch ON weir.failing_pipelines TO weir_dispatch USING (true);
CREATE POLICY dispatch ON weir.run_endings TO weir_dispatch USING (true);
CREATE POLICY dispatch ON weir.expectations TO weir_dispatch USING (true);
CREATE POLICY dispatch ON weir.landed_streams TO weir_dispatch USING (true);
CREATE POLICY dispatch ON weir.notices TO weir_dispatch USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE
  ON weir.subscriptions, weir.notices, weir.deliveries, weir.expectations, weir.run_endings TO weir_app;
GRANT SELECT ON weir.failing_pipelines TO weir_app;
GRANT SELECT, INSERT, DELETE ON weir.failing_pipelines, weir.run_endings TO weir_dispatch;
GRANT SELECT ON weir.expectations, weir.landed_streams TO weir_dispatch;
GRANT SELECT, DELETE ON weir.notices TO weir_dispatch;

-- In the transaction that ends the run. Runs that send messages tell of nothing: that would never end.
CREATE FUNCTION weir.note_ending() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE pipeline weir.failing_pipelines;
BEGIN
  IF NEW.state IN ('RETRYABLE', 'FAILED') THEN
    -- The time to rescue it is over: it was told when it failed.
    IF OLD.state = 'RETRYABLE' THEN RETURN NULL; END IF;
    INSERT INTO weir.failing_pipelines (organization_id, environment, source)
      VALUES (NEW.organization_id, NEW.environment, NEW.source) ON CONFLICT DO NOTHING;
    INSERT INTO weir.run_endings (organization_id, run_id, what) VALUES (NEW.organization_id, NEW.run_id, 'failure');
  ELSIF NEW.state IN ('SUCCESS', 'RESOLVED') THEN
    DELETE FROM weir.failing_pipelines f WHERE f.organization_id = NEW.organization_id
      AND f.environment = NEW.environment AND f.source = NEW.source RETURNING * INTO pipeline;
    IF FOUND THEN
      INSERT INTO weir.run_endings (organization_id, run_id, what) VALUES (NEW.organization_id, NEW.run_id, 'recovery');
    END IF;
    IF NEW.state = 'SUCCESS' THEN
      UPDATE weir.schedules s SET woken_by = NEW.run_id, look_at = now()
        WHERE s.organization_id = NEW.organization_id AND s.environment = NEW.environment
          AND s.trigger ->> 'kind' = 'after' AND s.trigger ->> 'source' = NEW.source;
    END IF;
  END IF;
  RETURN NULL;
END $$;
ALTER FUNCTION weir.note_ending OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.note_ending FROM PUBLIC;
CREATE TRIGGER ending AFTER UPDATE OF state ON weir.runs FOR EACH ROW
  WHEN (OLD.state IS DISTINCT FROM NEW.state AND NEW.finished_at IS NOT NULL AND NEW.kind <> 'notify')
  EXECUTE FUNCTION weir.note_ending();

-- What a server has to deal with now, of all organizations: ends of runs, and expectations that change.
CREATE FUNCTION weir.due_notices(most int)
RETURNS TABLE (kind text, id text, organization_id uuid) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  (SELECT 'ending', e.sequence::text, e.organization_id FROM weir.run_endings e ORDER BY e.sequence LIMIT most)
  UNION ALL
  (SELECT 'expectation', e.expectation_id::text, e.organization_id FROM weir.expectations e
    WHERE (e.late_since IS NOT NULL) <> (
      coalesce((SELECT min(l.taken_at) FROM weir.landed_streams l WHERE l.organization_id = e.organization_id
        AND l.environment = e.environment AND l.source = e.source
        AND (e.raw_table IS NULL OR l.raw_table = e.raw_table)), e.created_at) < now() - e.fresh_within)
    LIMIT most)
$$;
ALTER FUNCTION weir.due_notices OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.due_notices FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.due_notices TO weir_app;

-- Notices go with the runs they tell of, their deliveries with them.
CREATE FUNCTION weir.forget_notices(older interval) RETURNS int
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
  WITH gone AS (DELETE FROM weir.notices WHERE at < now() - older RETURNING 1) SELECT count(*)::int FROM gone
$$;
ALTER FUNCTION weir.forget_notices OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.forget_notices FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.forget_notices TO weir_app;
