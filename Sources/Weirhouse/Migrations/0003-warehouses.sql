-- What an organization has: sources, warehouses, dashboards. The secrets of a source are in weir.secrets.

CREATE TABLE weir.sources (
  source_id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  environment text NOT NULL,
  name text NOT NULL,
  kind text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organization_id, environment, name)
);

CREATE TABLE weir.warehouses (
  warehouse_id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  environment text NOT NULL CHECK (environment IN ('dev', 'stage', 'prod')),
  provider text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organization_id, environment)
);

CREATE TABLE weir.dashboards (
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  environment text NOT NULL,
  name text NOT NULL,
  title text NOT NULL,
  -- The moment of the source snapshot behind its numbers.
  verified_through timestamptz,
  published_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, environment, name)
);

-- The streams that stand in RAW, as the last successful load of each left them.
CREATE TABLE weir.landed_streams (
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  environment text NOT NULL,
  source text NOT NULL,
  raw_table text NOT NULL,
  stream jsonb NOT NULL,
  rows bigint NOT NULL,
  taken_at timestamptz NOT NULL,
  PRIMARY KEY (organization_id, environment, raw_table)
);

ALTER TABLE weir.sources ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.warehouses ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.dashboards ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.landed_streams ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON weir.sources TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.warehouses TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.dashboards TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.landed_streams TO weir_app USING (organization_id = weir.current_organization());
GRANT SELECT, INSERT, UPDATE, DELETE ON weir.sources, weir.warehouses, weir.dashboards, weir.landed_streams TO weir_app;
