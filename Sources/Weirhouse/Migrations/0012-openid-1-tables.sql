-- How people sign in (docs/sign-in.md): issuers, and rules that say which of their accounts belong to which organization.
--
-- An issuer belongs to the organization that set it up, and only that one may have rules for it; those of whoever holds
-- the data folder are shared with all. So nobody can set up an issuer that lets them into somebody else's organization.

CREATE TABLE weir.issuers (
  name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{0,39}$'),
  organization_id uuid NOT NULL REFERENCES weir.organizations ON DELETE CASCADE,
  -- What the button says.
  label text NOT NULL CHECK (length(label) BETWEEN 1 AND 80),
  -- The identifier. It never changes: another one is another issuer.
  issuer text NOT NULL CHECK (length(issuer) <= 500),
  client_id text NOT NULL CHECK (length(client_id) BETWEEN 1 AND 500),
  authentication text NOT NULL CHECK (authentication IN ('client_secret_basic', 'client_secret_post', 'none')),
  -- The client secret's name among the organization's secrets; null: a public client.
  secret_name text,
  scopes text[] NOT NULL,
  groups_claim text NOT NULL,
  algorithms text[] NOT NULL,
  -- For addresses of these domains its word counts without email_verified. In small letters.
  trusted_domains text[] NOT NULL,
  hosted_domain text,
  tenants text[] NOT NULL,
  is_shared boolean NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (issuer, client_id),
  CHECK ((authentication = 'none') = (secret_name IS NULL))
);

CREATE TABLE weir.sign_in_rules (
  rule_id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES weir.organizations ON DELETE CASCADE,
  issuer_name text NOT NULL REFERENCES weir.issuers ON DELETE CASCADE,
  kind text NOT NULL CHECK (kind IN ('domain', 'claim', 'group')),
  claim text NOT NULL DEFAULT '' CHECK (length(claim) <= 200),
  value text NOT NULL CHECK (length(value) BETWEEN 1 AND 500),
  -- Owners are made by people.
  role text NOT NULL CHECK (role IN ('admin', 'engineer', 'analyst', 'viewer', 'billing')),
  -- '*': the organization as a whole.
  environment text NOT NULL DEFAULT '*' CHECK (environment IN ('*', 'dev', 'stage', 'prod')),
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organization_id, issuer_name, kind, claim, value, role, environment),
  CHECK ((kind = 'claim') = (claim <> '')),
  CHECK (kind <> 'domain' OR value = lower(value)),
  CHECK (role <> 'billing' OR environment = '*')
);
CREATE INDEX sign_in_rules_of_issuer ON weir.sign_in_rules (issuer_name);

-- Whose accounts are whose: for ever, whatever becomes of the e-mail address (Core 1.0, section 5.7).
CREATE TABLE weir.identities (
  -- The token's own issuer: of Entra ID's many tenants, one.
  issuer text NOT NULL,
  subject text NOT NULL,
  person_id uuid NOT NULL REFERENCES weir.people ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  last_sign_in_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_of_person ON weir.identities (person_id);

-- Sign-ins that have begun. Nonce and PKCE verifier are in the browser's cookie alone: nothing here can finish one.
CREATE TABLE weir.sign_ins (
  -- SHA-256.
  state_hash bytea PRIMARY KEY,
  issuer_name text NOT NULL REFERENCES weir.issuers ON DELETE CASCADE,
  return_path text NOT NULL CHECK (length(return_path) <= 2000),
  -- Where it began: an address, or the first 64 bits of one.
  network inet,
  expires_at timestamptz NOT NULL
);
CREATE INDEX sign_ins_of_network ON weir.sign_ins (network, expires_at);
CREATE INDEX sign_ins_by_expiry ON weir.sign_ins (expires_at);

-- Which provider's session a session came from, for back-channel logout.
CREATE TABLE weir.session_origins (
  credential_id uuid PRIMARY KEY REFERENCES weir.credentials (credential_id) ON DELETE CASCADE,
  organization_id uuid NOT NULL REFERENCES weir.organizations ON DELETE CASCADE,
  issuer_name text NOT NULL,
  issuer text NOT NULL,
  subject text NOT NULL,
  -- The provider's `sid`, if it has one.
  provider_session text
);
CREATE INDEX session_origins_by_subject ON weir.session_origins (issuer, subject);
CREATE INDEX session_origins_by_session ON weir.session_origins (issuer, provider_session)
  WHERE provider_session IS NOT NULL;

-- Logout tokens that were acted upon: each counts once (`jti`).
CREATE TABLE weir.logout_tokens (
  issuer text NOT NULL,
  -- SHA-256 of `jti`.
  token_hash bytea NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (issuer, token_hash)
);
CREATE INDEX logout_tokens_by_expiry ON weir.logout_tokens (expires_at);

DO $$
DECLARE of_tenant text; of_nobody text;
BEGIN
  FOREACH of_tenant IN ARRAY ARRAY['issuers', 'sign_in_rules', 'session_origins'] LOOP
    EXECUTE format('ALTER TABLE weir.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', of_tenant);
    EXECUTE format(
      'CREATE POLICY tenant ON weir.%I TO weir_app USING (organization_id = weir.current_organization())', of_tenant);
    EXECUTE format('CREATE POLICY dispatch ON weir.%I TO weir_dispatch USING (true)', of_tenant);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON weir.%I TO weir_app', of_tenant);
    EXECUTE format('GRANT SELECT, DELETE ON weir.%I TO weir_dispatch', of_tenant);
  END LOOP;
  GRANT INSERT ON weir.session_origins TO weir_dispatch;
  -- Of no organization: the application asks functions.
  FOREACH of_nobody IN ARRAY ARRAY['identities', 'sign_ins', 'logout_tokens'] LOOP
    EXECUTE format('ALTER TABLE weir.%I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', of_nobody);
    EXECUTE format('CREATE POLICY dispatch ON weir.%I TO weir_dispatch USING (true)', of_nobody);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON weir.%I TO weir_dispatch', of_nobody);
  END LOOP;
END $$;

-- Only one's own issuers, and shared ones, whoever asks.
CREATE FUNCTION weir.check_rule_issuer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM weir.issuers i WHERE i.name = NEW.issuer_name
    AND (i.is_shared OR i.organization_id = NEW.organization_id))
  THEN
    RAISE EXCEPTION 'the issuer is not one of the organization' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NEW;
END $$;
ALTER FUNCTION weir.check_rule_issuer OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.check_rule_issuer FROM PUBLIC;
CREATE TRIGGER own_issuer BEFORE INSERT OR UPDATE ON weir.sign_in_rules FOR EACH ROW
  EXECUTE FUNCTION weir.check_rule_issuer();

-- What a rule gave goes with it, at once; a rule of an issuer that is removed too.
CREATE FUNCTION weir.take_back_grants() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  DELETE FROM weir.grants g WHERE g.organization_id = OLD.organization_id AND g.role = OLD.role
    AND g.environment = OLD.environment AND g.origin = OLD.kind || ':' || OLD.rule_id;
  RETURN NULL;
END $$;
ALTER FUNCTION weir.take_back_grants OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.take_back_grants FROM PUBLIC;
CREATE TRIGGER take_back AFTER UPDATE OR DELETE ON weir.sign_in_rules FOR EACH ROW
  EXECUTE FUNCTION weir.take_back_grants();
