-- Who did what (docs/audit.md). Each organization has one chain of lines: each line's hash is over all its fields and the
-- hash of the line before. Nobody changes a line; only weir.cut_audit removes old ones, and leaves a line that says so.
--
-- No foreign keys: the audit outlives whom and what it tells of, the organization too. The organization of zeros is the
-- house: what belongs to none, such as a sign-in with a link that nobody knows.

CREATE TABLE weir.audit_lines (
  organization_id uuid NOT NULL,
  -- From 1 on, without gaps.
  sequence bigint NOT NULL CHECK (sequence > 0),
  at timestamptz NOT NULL,
  -- The principal, if it was one; its name and its kind as they were.
  who_id uuid,
  who text NOT NULL CHECK (length(who) BETWEEN 1 AND 400),
  who_kind text NOT NULL CHECK (who_kind IN ('person', 'service', 'local', 'system', 'nobody')),
  -- The token or session that was used.
  credential_id uuid,
  action text NOT NULL CHECK (action ~ '^[a-z][a-z_]*(\.[a-z_]+)+$' AND length(action) <= 100),
  target_kind text CHECK (length(target_kind) BETWEEN 1 AND 100),
  target text CHECK (length(target) BETWEEN 1 AND 400),
  outcome text NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
  -- A code of Problem.
  problem text CHECK (length(problem) <= 100),
  -- Settings as they were and as they are now; secrets never.
  before jsonb,
  after jsonb,
  address text CHECK (length(address) <= 100),
  user_agent text CHECK (length(user_agent) <= 500),
  correlation text CHECK (length(correlation) <= 100),
  previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  PRIMARY KEY (organization_id, sequence),
  CHECK ((outcome = 'done') = (problem IS NULL))
);
CREATE INDEX audit_lines_by_action ON weir.audit_lines (organization_id, action, sequence);
CREATE INDEX audit_lines_by_who ON weir.audit_lines (organization_id, who, sequence);
CREATE INDEX audit_lines_by_time ON weir.audit_lines (organization_id, at);

-- The end of each chain, apart from its lines: so a last line that was removed is missed. Its row's lock puts writers one
-- after the other.
CREATE TABLE weir.audit_heads (
  organization_id uuid PRIMARY KEY,
  sequence bigint NOT NULL DEFAULT 0,
  hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (octet_length(hash) = 32),
  -- Lines up to this one were cut.
  cut_through bigint NOT NULL DEFAULT 0 CHECK (cut_through BETWEEN 0 AND sequence),
  keep_days int NOT NULL DEFAULT 730 CHECK (keep_days BETWEEN 90 AND 36500)
);

ALTER TABLE weir.audit_lines ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.audit_heads ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON weir.audit_lines TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.audit_heads TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY dispatch ON weir.audit_lines TO weir_dispatch USING (true);
CREATE POLICY dispatch ON weir.audit_heads TO weir_dispatch USING (true);
-- The application reads. It adds by weir.append_audit and can do nothing else.
GRANT SELECT ON weir.audit_lines, weir.audit_heads TO weir_app;
GRANT SELECT, INSERT, DELETE ON weir.audit_lines TO weir_dispatch;
GRANT SELECT, INSERT, UPDATE ON weir.audit_heads TO weir_dispatch;

-- Whoever it is, the tables' owner too: lines stay as they are, and go only when the chain says that they were cut.
CREATE FUNCTION weir.keep_audit_lines() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF EXISTS (SELECT FROM weir.audit_heads h
      WHERE h.organization_id = OLD.organization_id AND OLD.sequence <= h.cut_through) THEN RETURN OLD; END IF;
  END IF;
  RAISE EXCEPTION 'lines of the audit are neither changed nor removed' USING ERRCODE = 'insufficient_privilege',
    HINT = 'weir.cut_audit removes those that are older than the organization keeps them.';
END $$;
CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON weir.audit_lines FOR EACH ROW EXECUTE FUNCTION weir.keep_audit_lines();
CREATE TRIGGER keep_all BEFORE TRUNCATE ON weir.audit_lines FOR EACH STATEMENT
  EXECUTE FUNCTION weir.keep_audit_lines();
-- Also where a session turns triggers off (session_replication_role).
ALTER TABLE weir.audit_lines ENABLE ALWAYS TRIGGER keep, ENABLE ALWAYS TRIGGER keep_all;
