-- Organizations and who may speak for them. Every table below that belongs to a tenant carries organization_id and
-- forced row-level security on app.organization, which each transaction sets for itself (PGPool.transaction).
--
-- Roles: the role that runs migrations owns all; weir_app is the application's (it cannot bypass row-level security);
-- weir_dispatch owns the few functions that must look across organizations, and nothing can sign in as it.

GRANT USAGE ON SCHEMA weir TO weir_app, weir_dispatch;

CREATE FUNCTION weir.current_organization() RETURNS uuid LANGUAGE sql STABLE AS
$$ SELECT nullif(current_setting('app.organization', true), '')::uuid $$;

CREATE TABLE weir.organizations (
  organization_id uuid PRIMARY KEY,
  slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9_]{0,39}$'),
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE weir.principals (
  principal_id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organization_id, name)
);

-- API tokens, one-time sign-in codes and browser sessions: only SHA-256 hashes are kept.
CREATE TABLE weir.credentials (
  hash bytea PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('token', 'code', 'session')),
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  principal_id uuid NOT NULL REFERENCES weir.principals,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz
);
CREATE INDEX credentials_by_expiry ON weir.credentials (expires_at) WHERE expires_at IS NOT NULL;

-- AES-GCM ciphertexts under the master key, which is not in this database.
CREATE TABLE weir.secrets (
  secret_id uuid PRIMARY KEY,
  organization_id uuid NOT NULL REFERENCES weir.organizations,
  name text NOT NULL,
  ciphertext bytea NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (organization_id, name)
);

ALTER TABLE weir.organizations ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.principals ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.credentials ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
ALTER TABLE weir.secrets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON weir.organizations TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.principals TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.credentials TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY tenant ON weir.secrets TO weir_app USING (organization_id = weir.current_organization());
CREATE POLICY dispatch ON weir.organizations TO weir_dispatch USING (true);
CREATE POLICY dispatch ON weir.principals TO weir_dispatch USING (true);
CREATE POLICY dispatch ON weir.credentials TO weir_dispatch USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON weir.organizations, weir.principals, weir.credentials, weir.secrets TO weir_app;
GRANT SELECT, INSERT ON weir.organizations, weir.principals TO weir_dispatch;
GRANT SELECT, DELETE ON weir.credentials TO weir_dispatch;

-- The organization of that slug with its principal of that name; made if they are not there yet.
CREATE FUNCTION weir.ensure_organization(wanted_slug text, wanted_name text, new_organization uuid, new_principal uuid)
RETURNS TABLE (organization_id uuid, principal_id uuid) LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  INSERT INTO weir.organizations (organization_id, slug, name) VALUES (new_organization, wanted_slug, wanted_slug)
    ON CONFLICT (slug) DO NOTHING;
  INSERT INTO weir.principals (principal_id, organization_id, name)
    SELECT new_principal, o.organization_id, wanted_name FROM weir.organizations o WHERE o.slug = wanted_slug
    ON CONFLICT ON CONSTRAINT principals_organization_id_name_key DO NOTHING;
  RETURN QUERY SELECT o.organization_id, p.principal_id FROM weir.organizations o
    JOIN weir.principals p ON p.organization_id = o.organization_id AND p.name = wanted_name
    WHERE o.slug = wanted_slug;
END $$;

-- Who holds a credential, before it is known which organization to set. A code is used up by this.
CREATE FUNCTION weir.redeem_credential(wanted_hash bytea, wanted_kind text)
RETURNS TABLE (organization_id uuid, slug text, principal_id uuid, name text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  RETURN QUERY SELECT o.organization_id, o.slug, p.principal_id, p.name
    FROM weir.credentials c
    JOIN weir.principals p ON p.principal_id = c.principal_id
    JOIN weir.organizations o ON o.organization_id = c.organization_id
    WHERE c.hash = wanted_hash AND c.kind = wanted_kind AND (c.expires_at IS NULL OR c.expires_at > now())
    FOR UPDATE OF c;
  IF wanted_kind = 'code' THEN
    DELETE FROM weir.credentials c WHERE c.hash = wanted_hash AND c.kind = 'code';
  END IF;
  DELETE FROM weir.credentials c WHERE c.expires_at < now() - interval '1 day';
END $$;

GRANT CREATE ON SCHEMA weir TO weir_dispatch;
ALTER FUNCTION weir.ensure_organization OWNER TO weir_dispatch;
ALTER FUNCTION weir.redeem_credential OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.ensure_organization, weir.redeem_credential FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.ensure_organization, weir.redeem_credential TO weir_app;
GRANT UPDATE ON weir.credentials TO weir_dispatch; -- FOR UPDATE asks for it
