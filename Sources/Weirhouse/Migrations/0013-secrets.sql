-- Secrets are sealed under a data key of their organization, which is wrapped by a master key that is not in this
-- database (Sources/Base/Secrets/Local). Rows from before have no data key: they are sealed under the master key itself.

CREATE TABLE weir.data_keys (
  data_key_id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  -- The id of the master key that wraps it.
  master_key text NOT NULL,
  wrapped bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  -- Since when it only opens.
  retired_at timestamptz,
  UNIQUE (organization_id, data_key_id)
);
CREATE UNIQUE INDEX data_key_in_use ON weir.data_keys (organization_id) WHERE retired_at IS NULL;

ALTER TABLE weir.secrets
  ADD COLUMN version int NOT NULL DEFAULT 1 CHECK (version > 0),
  ADD COLUMN data_key_id uuid,
  ADD CONSTRAINT secrets_data_key FOREIGN KEY (organization_id, data_key_id)
    REFERENCES weir.data_keys (organization_id, data_key_id);
CREATE INDEX secrets_of_data_key ON weir.secrets (data_key_id);

-- Who put the value of a secret, wherever that is kept.
CREATE TABLE weir.secret_changes (
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  name text NOT NULL,
  version int NOT NULL,
  changed_by text NOT NULL,
  PRIMARY KEY (organization_id, name)
);

ALTER TABLE weir.data_keys ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.secret_changes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON weir.data_keys TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.secret_changes TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY dispatch ON weir.data_keys FOR SELECT TO weir_dispatch USING (true);
CREATE POLICY dispatch ON weir.secrets FOR SELECT TO weir_dispatch USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON weir.data_keys, weir.secret_changes TO weir_app;
-- Nothing that is sealed or wrapped.
GRANT SELECT (organization_id) ON weir.data_keys, weir.secrets TO weir_dispatch;

-- Whose keys are to be changed when the master key is.
CREATE FUNCTION weir.organizations_with_secrets() RETURNS TABLE (organization_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT d.organization_id FROM weir.data_keys d UNION SELECT s.organization_id FROM weir.secrets s ORDER BY 1
$$;
ALTER FUNCTION weir.organizations_with_secrets OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.organizations_with_secrets FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.organizations_with_secrets TO weir_app;
