-- Tokens that can be told from each other, services, command lines that sign in through a browser (RFC 8628), consents,
-- and accounts that are erased (docs/tokens.md, docs/privacy.md).

ALTER TABLE weir.credentials
  -- How a token begins, to tell it by: 24 of its 256 random bits.
  ADD COLUMN prefix text CHECK (length(prefix) <= 40),
  ADD COLUMN created_from inet;

ALTER TABLE weir.principals
  ADD COLUMN erased_at timestamptz,
  DROP CONSTRAINT principals_check,
  -- Whoever is erased has no address any more.
  ADD CONSTRAINT person_has_email CHECK (kind <> 'person' OR (email IS NULL) = (erased_at IS NOT NULL));

-- Command lines that wait for somebody's word in a browser. Nobody's until then.
CREATE TABLE weir.device_requests (
  device_hash bytea PRIMARY KEY,
  -- SHA-256, as all that opens something.
  user_hash bytea NOT NULL UNIQUE,
  organization_id uuid REFERENCES weir.organizations ON DELETE CASCADE,
  principal_id uuid REFERENCES weir.principals ON DELETE CASCADE,
  -- What the machine says of itself: nobody has checked it.
  machine text NOT NULL CHECK (length(machine) BETWEEN 1 AND 100),
  came_from inet,
  wanted_scopes text[] NOT NULL,
  state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'approved', 'denied')),
  -- What the person has chosen.
  scopes text[],
  lifetime interval,
  -- Seconds that the machine is to wait between two questions.
  pause int NOT NULL DEFAULT 5,
  polled_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  CHECK ((state = 'pending') = (principal_id IS NULL))
);
CREATE INDEX device_requests_by_expiry ON weir.device_requests (expires_at);

-- Codes that somebody has tried, so that nobody can try them all.
CREATE TABLE weir.device_guesses (
  principal_id uuid PRIMARY KEY REFERENCES weir.principals ON DELETE CASCADE,
  organization_id uuid NOT NULL REFERENCES weir.organizations ON DELETE CASCADE,
  tries int NOT NULL,
  since timestamptz NOT NULL
);

-- What somebody has agreed to, when, and from where.
CREATE TABLE weir.consents (
  organization_id uuid NOT NULL REFERENCES weir.organizations ON DELETE CASCADE,
  principal_id uuid NOT NULL REFERENCES weir.principals ON DELETE CASCADE,
  -- Its address.
  document text NOT NULL CHECK (length(document) <= 500),
  version text NOT NULL CHECK (length(version) BETWEEN 1 AND 100),
  agreed_at timestamptz NOT NULL DEFAULT now(),
  came_from inet,
  browser text CHECK (length(browser) <= 200),
  PRIMARY KEY (principal_id, document, version)
);

DO $$
DECLARE tenant text;
BEGIN
  FOREACH tenant IN ARRAY ARRAY['device_requests', 'device_guesses', 'consents'] LOOP
    EXECUTE format('ALTER TABLE weir.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', tenant);
    EXECUTE format('CREATE POLICY tenant ON weir.%I TO weir_app USING (organization_id = weir.current_organization())', tenant);
    EXECUTE format('CREATE POLICY dispatch ON weir.%I TO weir_dispatch USING (true)', tenant);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON weir.%I TO weir_app, weir_dispatch', tenant);
  END LOOP;
  -- To answer one there is a function.
  REVOKE INSERT, UPDATE ON weir.device_requests FROM weir_app;
END $$;
