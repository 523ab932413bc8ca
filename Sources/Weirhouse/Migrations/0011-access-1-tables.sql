-- Who may do what: people, what they are in an organization, environments, sessions and tokens.
--
-- A person is somebody who can sign in, whatever organizations they belong to. A principal is that person, a service or
-- the local admin in one organization. Only functions see people: no organization owns them.

CREATE TABLE weir.people (
  person_id uuid PRIMARY KEY,
  -- In small letters. Proved by an issuer or by an invitation that was sent there; not unique: two issuers may know it.
  email text CHECK (email = lower(email) AND length(email) <= 320),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  created_at timestamptz NOT NULL DEFAULT now(),
  last_sign_in_at timestamptz,
  -- By SCIM or by the operator: all their sessions and tokens are worthless from this moment.
  deactivated_at timestamptz
);
CREATE INDEX people_by_email ON weir.people (email);

ALTER TABLE weir.organizations
  ADD COLUMN state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended', 'deleting')),
  ADD COLUMN state_reason text,
  ADD COLUMN state_since timestamptz,
  -- When an organization that is being deleted is gone for good.
  ADD COLUMN delete_after timestamptz,
  ADD CHECK ((state = 'deleting') = (delete_after IS NOT NULL));

CREATE TABLE weir.environments (
  organization_id uuid NOT NULL REFERENCES weir.organizations ON DELETE CASCADE,
  environment text NOT NULL CHECK (environment IN ('dev', 'stage', 'prod')),
  size text NOT NULL CHECK (size IN ('small', 'medium', 'large')),
  -- Runs that are over, and lines of their logs.
  keep_runs_days int NOT NULL CHECK (keep_runs_days BETWEEN 1 AND 36500),
  keep_logs_days int NOT NULL CHECK (keep_logs_days BETWEEN 1 AND 36500),
  -- What a month may cost, in the organization's currency; null: no limit.
  monthly_budget numeric(12, 2) CHECK (monthly_budget >= 0),
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, environment)
);

ALTER TABLE weir.principals
  ADD COLUMN kind text NOT NULL DEFAULT 'local' CHECK (kind IN ('local', 'person', 'service')),
  ADD COLUMN person_id uuid REFERENCES weir.people,
  ADD COLUMN email text CHECK (email = lower(email) AND length(email) <= 320),
  -- What people call them; `name` is the e-mail address of a person, and what a service is called.
  ADD COLUMN display text CHECK (length(display) BETWEEN 1 AND 200),
  ADD COLUMN state text NOT NULL DEFAULT 'active' CHECK (state IN ('invited', 'active', 'deactivated')),
  ADD COLUMN state_since timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN invited_by uuid,
  ADD COLUMN last_seen_at timestamptz,
  ADD CHECK (kind <> 'person' OR email IS NOT NULL);
CREATE UNIQUE INDEX principals_of_person ON weir.principals (organization_id, person_id) WHERE person_id IS NOT NULL;
CREATE INDEX principals_by_email ON weir.principals (email) WHERE email IS NOT NULL;

CREATE TABLE weir.grants (
  organization_id uuid NOT NULL REFERENCES weir.organizations ON DELETE CASCADE,
  principal_id uuid NOT NULL REFERENCES weir.principals ON DELETE CASCADE,
  -- '*': the organization as a whole.
  environment text NOT NULL DEFAULT '*' CHECK (environment IN ('*', 'dev', 'stage', 'prod')),
  role text NOT NULL CHECK (role IN ('owner', 'admin', 'engineer', 'analyst', 'viewer', 'billing')),
  -- `person`: somebody gave it. `group:…`, `domain:…`, `claim:…`: a rule of sign-in, looked at anew each time.
  origin text NOT NULL DEFAULT 'person',
  granted_by uuid,
  granted_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, principal_id, environment, role, origin),
  -- Deleting and owning are of the organization as a whole.
  CHECK (role NOT IN ('owner', 'billing') OR environment = '*')
);
CREATE INDEX grants_of_principal ON weir.grants (principal_id);

-- Whoever was there before could do everything.
INSERT INTO weir.grants (organization_id, principal_id, role)
  SELECT organization_id, principal_id, 'owner' FROM weir.principals;
INSERT INTO weir.environments (organization_id, environment, size, keep_runs_days, keep_logs_days)
  SELECT o.organization_id, e.environment, e.size, 400, 30 FROM weir.organizations o,
    (VALUES ('dev', 'small'), ('stage', 'small'), ('prod', 'medium')) e(environment, size);

ALTER TABLE weir.credentials DROP CONSTRAINT credentials_kind_check;
ALTER TABLE weir.credentials
  ADD CHECK (kind IN ('token', 'code', 'session')),
  ADD COLUMN credential_id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
  -- What a person calls a token; what browser a session is in.
  ADD COLUMN name text CHECK (length(name) <= 200),
  -- Names of permissions or groups of them; null: all that the roles give.
  ADD COLUMN scopes text[],
  ADD COLUMN created_by uuid,
  -- Of a session: a longer pause than this ends it.
  ADD COLUMN idle interval,
  -- Within a minute.
  ADD COLUMN last_used_at timestamptz,
  ADD COLUMN last_used_from inet;
CREATE INDEX credentials_of_principal ON weir.credentials (principal_id, kind);

DO $$
DECLARE tenant text;
BEGIN
  FOREACH tenant IN ARRAY ARRAY['environments', 'grants'] LOOP
    EXECUTE format('ALTER TABLE weir.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', tenant);
    EXECUTE format('CREATE POLICY tenant ON weir.%I TO weir_app USING (organization_id = weir.current_organization())', tenant);
    EXECUTE format('CREATE POLICY dispatch ON weir.%I TO weir_dispatch USING (true)', tenant);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON weir.%I TO weir_app, weir_dispatch', tenant);
  END LOOP;
END $$;
-- Nobody's rows for the application: it asks functions.
ALTER TABLE weir.people ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY dispatch ON weir.people TO weir_dispatch USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON weir.people TO weir_dispatch;
GRANT UPDATE, DELETE ON weir.principals, weir.organizations TO weir_dispatch;
GRANT INSERT ON weir.credentials TO weir_dispatch;
