-- A person's account, in all organizations: what is known of it, and its end.

-- The person behind a principal of the organization that asks, with what they are elsewhere. JSON, for the export.
CREATE FUNCTION weir.account_of(who uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
DECLARE one weir.principals; identities jsonb := '[]'; audit jsonb := '[]'; document jsonb;
BEGIN
  SELECT p.* INTO one FROM weir.principals p
    WHERE p.principal_id = who AND p.organization_id = weir.current_organization();
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF to_regclass('weir.identities') IS NOT NULL THEN
    EXECUTE 'SELECT coalesce(jsonb_agg(to_jsonb(i) - ''person_id''), ''[]'') FROM weir.identities i WHERE i.person_id = $1'
      INTO identities USING one.person_id;
  END IF;
  IF to_regclass('weir.audit_lines') IS NOT NULL THEN
    EXECUTE 'SELECT coalesce(jsonb_agg(jsonb_build_object(''at'', a.at, ''action'', a.action, ''target_kind'', a.target_kind,
        ''target'', a.target, ''outcome'', a.outcome, ''address'', a.address, ''user_agent'', a.user_agent,
        ''correlation'', a.correlation) ORDER BY a.at), ''[]'')
      FROM weir.audit_lines a JOIN weir.principals p ON p.principal_id = a.who_id
      WHERE p.principal_id = $1 OR p.person_id = $2'
      INTO audit USING who, one.person_id;
  END IF;
  SELECT jsonb_build_object(
    'person', (SELECT to_jsonb(h) - 'deactivated_at' FROM weir.people h WHERE h.person_id = one.person_id),
    'identities', identities,
    -- What they did, as far as the audit is kept.
    'audit', audit,
    'memberships', (SELECT jsonb_agg(jsonb_build_object('organization', o.slug, 'principal_id', p.principal_id,
        'name', p.name, 'email', p.email, 'display', p.display, 'state', p.state, 'created_at', p.created_at,
        'last_seen_at', p.last_seen_at, 'roles', (SELECT coalesce(jsonb_agg(jsonb_build_object('role', g.role,
          'environment', g.environment, 'origin', g.origin, 'granted_at', g.granted_at)), '[]')
          FROM weir.grants g WHERE g.principal_id = p.principal_id)) ORDER BY o.slug)
      FROM weir.principals p JOIN weir.organizations o ON o.organization_id = p.organization_id
      WHERE p.principal_id = who OR p.person_id = one.person_id),
    'sessions', (SELECT coalesce(jsonb_agg(jsonb_build_object('credential_id', c.credential_id, 'browser', c.name,
        'created_at', c.created_at, 'created_from', host(c.created_from), 'expires_at', c.expires_at,
        'last_used_at', c.last_used_at, 'last_used_from', host(c.last_used_from)) ORDER BY c.created_at), '[]')
      FROM weir.credentials c JOIN weir.principals p ON p.principal_id = c.principal_id
      WHERE c.kind = 'session' AND (p.principal_id = who OR p.person_id = one.person_id)),
    -- Never the secrets: they are not known here.
    'tokens', (SELECT coalesce(jsonb_agg(jsonb_build_object('credential_id', c.credential_id, 'name', c.name,
        'prefix', c.prefix, 'scopes', c.scopes, 'created_at', c.created_at, 'created_from', host(c.created_from),
        'expires_at', c.expires_at, 'last_used_at', c.last_used_at, 'last_used_from', host(c.last_used_from))
        ORDER BY c.created_at), '[]')
      FROM weir.credentials c JOIN weir.principals p ON p.principal_id = c.principal_id
      WHERE c.kind = 'token' AND (p.principal_id = who OR p.person_id = one.person_id)),
    'consents', (SELECT coalesce(jsonb_agg(jsonb_build_object('document', k.document, 'version', k.version,
        'agreed_at', k.agreed_at, 'came_from', host(k.came_from), 'browser', k.browser) ORDER BY k.agreed_at), '[]')
      FROM weir.consents k JOIN weir.principals p ON p.principal_id = k.principal_id
      WHERE p.principal_id = who OR p.person_id = one.person_id),
    'subscriptions', (SELECT coalesce(jsonb_agg(jsonb_build_object('channel', s.channel, 'target', s.target,
        'events', s.events, 'created_at', s.created_at) ORDER BY s.created_at), '[]')
      FROM weir.subscriptions s JOIN weir.principals p ON p.principal_id = s.principal_id
      WHERE p.principal_id = who OR p.person_id = one.person_id))
    INTO document;
  RETURN document;
END $$;

-- Ends a person's account in all organizations. What they did stays, by an "erased person": their principals keep their
-- ids. Their address goes out of every text of those organizations, except where a line must not change (the audit).
-- Null when it is done; else the organization that would have no owner.
CREATE FUNCTION weir.erase_account(who uuid) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE one weir.principals; theirs uuid[]; places uuid[]; alone text; addresses text[]; pattern text; place record;
BEGIN
  SELECT p.* INTO one FROM weir.principals p
    WHERE p.principal_id = who AND p.organization_id = weir.current_organization() AND p.kind = 'person'
    FOR UPDATE;
  IF NOT FOUND THEN RAISE EXCEPTION 'no person' USING ERRCODE = 'no_data_found'; END IF;
  SELECT array_agg(p.principal_id), array_agg(p.organization_id), array_agg(DISTINCT p.email)
    INTO theirs, places, addresses FROM weir.principals p
    WHERE p.principal_id = who OR p.person_id = one.person_id;
  -- The same as weir.keep_an_owner, which has the last word; this one can say where.
  SELECT o.slug INTO alone FROM weir.organizations o
    WHERE EXISTS (SELECT FROM weir.grants g WHERE g.organization_id = o.organization_id AND g.role = 'owner'
        AND g.principal_id = ANY (theirs))
      AND NOT EXISTS (SELECT FROM weir.grants g JOIN weir.principals p ON p.principal_id = g.principal_id
        WHERE g.organization_id = o.organization_id AND g.role = 'owner' AND p.state = 'active'
          AND p.kind <> 'service' AND NOT p.principal_id = ANY (theirs)) ORDER BY 1 LIMIT 1;
  IF FOUND THEN RETURN alone; END IF;

  addresses := array_remove(addresses || (SELECT h.email FROM weir.people h WHERE h.person_id = one.person_id), NULL);
  DELETE FROM weir.credentials c WHERE c.principal_id = ANY (theirs);
  DELETE FROM weir.consents k WHERE k.principal_id = ANY (theirs);
  DELETE FROM weir.device_guesses d WHERE d.principal_id = ANY (theirs);
  DELETE FROM weir.device_requests d WHERE d.principal_id = ANY (theirs);
  DELETE FROM weir.subscriptions s WHERE s.channel = 'email'
    AND s.organization_id = ANY (places) AND lower(s.target) = ANY (addresses);
  DELETE FROM weir.grants g WHERE g.principal_id = ANY (theirs);
  UPDATE weir.principals p SET name = 'erased person ' || left(p.principal_id::text, 8), display = 'erased person',
      email = NULL, person_id = NULL, state = 'deactivated', state_since = now(), erased_at = now(), last_seen_at = NULL
    WHERE p.principal_id = ANY (theirs);
  DELETE FROM weir.people h WHERE h.person_id = one.person_id;

  -- As a word of its own: ann@a.example stays in joann@a.example and ann@a.example.net.
  SELECT '(?<![[:alnum:]._%+-])(' || string_agg(regexp_replace(a, '([^[:alnum:]@])', '\\\1', 'g'), '|')
    || ')(?![[:alnum:]-]|\.[[:alnum:]])' INTO pattern FROM unnest(addresses) a;
  IF pattern IS NULL THEN RETURN NULL; END IF;
  FOR place IN SELECT c.oid::regclass AS name, a.attname AS field, a.atttypid = 'jsonb'::regtype AS is_json
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'weir'::regnamespace AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
      AND a.atttypid IN ('text'::regtype, 'jsonb'::regtype) AND a.attgenerated = ''
      AND has_column_privilege(c.oid, a.attnum, 'UPDATE')
      AND EXISTS (SELECT FROM pg_catalog.pg_attribute o WHERE o.attrelid = c.oid AND o.attname = 'organization_id')
  LOOP
    EXECUTE format(
      'UPDATE %s SET %2$I = regexp_replace(%2$I::text, $1, ''erased person'', ''gi'')%3$s
        WHERE organization_id = ANY ($2) AND %2$I::text ~* $1',
      place.name, place.field, CASE WHEN place.is_json THEN '::jsonb' ELSE '' END) USING pattern, places;
  END LOOP;
  RETURN NULL;
END $$;

ALTER FUNCTION weir.account_of OWNER TO weir_dispatch;
ALTER FUNCTION weir.erase_account OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.account_of, weir.erase_account FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.account_of, weir.erase_account TO weir_app;

-- Erasure reaches every table of tenants but the audit, which must not change, and ciphertexts. A table that comes later
-- needs the same: a test finds those that lack it.
DO $$
DECLARE tenant record;
BEGIN
  FOR tenant IN SELECT c.oid::regclass AS name, c.relname, EXISTS (SELECT FROM pg_policy p
      WHERE p.polrelid = c.oid AND 'weir_dispatch'::regrole = ANY (p.polroles) AND p.polcmd = '*') AS is_seen
    FROM pg_class c WHERE c.relnamespace = 'weir'::regnamespace AND c.relkind = 'r' AND c.relname NOT LIKE 'audit%'
      AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'organization_id')
  LOOP
    EXECUTE format('GRANT SELECT, UPDATE ON %s TO weir_dispatch', tenant.name);
    IF NOT tenant.is_seen THEN
      EXECUTE format('CREATE POLICY erasure ON %s TO weir_dispatch USING (true)', tenant.name);
    END IF;
  END LOOP;
END $$;
GRANT DELETE ON weir.subscriptions TO weir_dispatch;
