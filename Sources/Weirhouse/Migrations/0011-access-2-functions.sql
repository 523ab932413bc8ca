-- What must look across organizations, or at people.

-- An organization with its environments and its first owner.
CREATE FUNCTION weir.ensure_organization_with_owner(
  wanted_slug text, wanted_name text, new_organization uuid, new_principal uuid)
RETURNS TABLE (organization_id uuid, principal_id uuid) LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
#variable_conflict use_column
DECLARE held record;
BEGIN
  SELECT * INTO held FROM weir.ensure_organization(wanted_slug, wanted_name, new_organization, new_principal);
  IF held.organization_id = new_organization THEN
    INSERT INTO weir.environments (organization_id, environment, size, keep_runs_days, keep_logs_days)
      SELECT held.organization_id, e.environment, e.size, 400, 30
      FROM (VALUES ('dev', 'small'), ('stage', 'small'), ('prod', 'medium')) e(environment, size)
      ON CONFLICT DO NOTHING;
  END IF;
  IF held.principal_id = new_principal THEN
    INSERT INTO weir.grants (organization_id, principal_id, role)
      VALUES (held.organization_id, held.principal_id, 'owner') ON CONFLICT DO NOTHING;
  END IF;
  RETURN QUERY SELECT held.organization_id::uuid, held.principal_id::uuid;
END $$;

DROP FUNCTION weir.redeem_credential(bytea, text);

-- Who holds credentials, and what they may, before it is known which organization to set. Many at once: a server that many
-- people use asks for all of them together. Nothing of people who were deactivated, in the organization or altogether.
CREATE FUNCTION weir.holders(wanted bytea[], kinds text[], came_from inet[])
RETURNS TABLE (
  hash bytea, kind text, organization_id uuid, slug text, organization_state text, organization_reason text, principal_id uuid,
  name text, display text, principal_kind text, person_id uuid, grants text[], scopes text[], credential_id uuid,
  belongs_elsewhere boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
#variable_conflict use_column
DECLARE seen uuid[];
BEGIN
  -- When they were last used, to the minute. Whoever else notes it at this moment notes the same, so nothing waits here: two
  -- servers cannot wait for each other.
  WITH due AS (
    SELECT c.hash, w.came_from FROM unnest(wanted, kinds, came_from) w (hash, kind, came_from)
      JOIN weir.credentials c ON c.hash = w.hash AND c.kind = w.kind
    WHERE (c.expires_at IS NULL OR c.expires_at > now())
      AND (c.idle IS NULL OR coalesce(c.last_used_at, c.created_at) + c.idle > now())
      AND coalesce(c.last_used_at, '-infinity') < now() - interval '1 minute'
    FOR UPDATE OF c SKIP LOCKED
  ), noted AS (
    UPDATE weir.credentials c SET last_used_at = now(), last_used_from = coalesce(due.came_from, c.last_used_from)
    FROM due WHERE c.hash = due.hash RETURNING c.principal_id
  ) SELECT array_agg(DISTINCT noted.principal_id) INTO seen FROM noted;
  IF seen IS NOT NULL THEN
    UPDATE weir.principals p SET last_seen_at = now() WHERE p.principal_id IN (
      SELECT q.principal_id FROM weir.principals q WHERE q.principal_id = ANY (seen) FOR NO KEY UPDATE SKIP LOCKED);
    DELETE FROM weir.credentials c WHERE c.hash IN (
      SELECT d.hash FROM weir.credentials d WHERE d.expires_at < now() - interval '1 day' FOR UPDATE SKIP LOCKED);
  END IF;
  RETURN QUERY SELECT c.hash, c.kind, o.organization_id, o.slug, o.state, o.state_reason, p.principal_id, p.name,
      coalesce(p.display, p.name), p.kind, p.person_id,
      ARRAY(SELECT g.environment || ' ' || g.role FROM weir.grants g WHERE g.principal_id = p.principal_id ORDER BY 1),
      c.scopes, c.credential_id,
      CASE WHEN p.kind = 'local' THEN EXISTS (
          SELECT FROM weir.principals q WHERE q.kind = 'local' AND q.state = 'active' AND q.principal_id <> p.principal_id)
        ELSE EXISTS (
          SELECT FROM weir.principals q WHERE q.person_id = p.person_id AND q.state = 'active'
            AND q.principal_id <> p.principal_id) END
    FROM unnest(wanted, kinds) w (hash, kind)
      JOIN weir.credentials c ON c.hash = w.hash AND c.kind = w.kind
      JOIN weir.principals p ON p.principal_id = c.principal_id
      JOIN weir.organizations o ON o.organization_id = p.organization_id
      LEFT JOIN weir.people h ON h.person_id = p.person_id
    WHERE (c.expires_at IS NULL OR c.expires_at > now())
      AND (c.idle IS NULL OR coalesce(c.last_used_at, c.created_at) + c.idle > now())
      AND p.state = 'active' AND h.deactivated_at IS NULL;
END $$;

-- The holder of a code, who may use it this once: an invitation is accepted by that.
CREATE FUNCTION weir.redeem_code(wanted bytea)
RETURNS TABLE (
  organization_id uuid, slug text, organization_state text, organization_reason text, principal_id uuid, name text,
  display text, principal_kind text, person_id uuid, grants text[], scopes text[], credential_id uuid,
  belongs_elsewhere boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
#variable_conflict use_column
DECLARE
  held uuid;
  holder record;
BEGIN
  -- No invitation of a member who is somebody known meanwhile: whoever sent it has seen it too.
  SELECT c.principal_id INTO held FROM weir.credentials c JOIN weir.principals p ON p.principal_id = c.principal_id
    WHERE c.hash = wanted AND c.kind = 'code' AND (c.name IS DISTINCT FROM 'invitation' OR p.person_id IS NULL)
    FOR UPDATE OF c;
  -- Another one was faster.
  IF NOT FOUND THEN RETURN; END IF;
  UPDATE weir.principals p SET state = 'active', state_since = now()
    WHERE p.principal_id = held AND p.state = 'invited'
      AND EXISTS (SELECT FROM weir.credentials c WHERE c.hash = wanted AND (c.expires_at IS NULL OR c.expires_at > now()));
  SELECT * INTO holder FROM weir.holders(ARRAY[wanted], ARRAY['code'], ARRAY[NULL::inet]);
  DELETE FROM weir.credentials c WHERE c.hash = wanted;
  IF holder.principal_id IS NULL THEN RETURN; END IF;
  RETURN QUERY SELECT holder.organization_id::uuid, holder.slug::text, holder.organization_state::text,
    holder.organization_reason::text, holder.principal_id::uuid, holder.name::text, holder.display::text,
    holder.principal_kind::text, holder.person_id::uuid, holder.grants::text[], holder.scopes::text[],
    holder.credential_id::uuid, holder.belongs_elsewhere::boolean;
END $$;

-- Servers keep what they know of a credential for some seconds; they are told when it is worth nothing any more, and
-- when somebody's rights have changed.
CREATE FUNCTION weir.tell_access() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('weir_access', '');
  RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER DELETE ON weir.credentials FOR EACH ROW
  WHEN (OLD.kind <> 'code' AND (OLD.expires_at IS NULL OR OLD.expires_at > now())) EXECUTE FUNCTION weir.tell_access();
CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON weir.grants FOR EACH ROW EXECUTE FUNCTION weir.tell_access();
CREATE TRIGGER tell AFTER UPDATE OF state OR DELETE ON weir.principals FOR EACH ROW
  EXECUTE FUNCTION weir.tell_access();
CREATE TRIGGER tell AFTER UPDATE OF state ON weir.organizations FOR EACH ROW EXECUTE FUNCTION weir.tell_access();
CREATE TRIGGER tell AFTER UPDATE OF deactivated_at ON weir.people FOR EACH ROW EXECUTE FUNCTION weir.tell_access();

-- Each organization has an owner who can sign in, at every commit.
CREATE FUNCTION weir.keep_an_owner() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  -- One after the other: two owners who remove each other at once would both see the other.
  PERFORM FROM weir.organizations o WHERE o.organization_id = OLD.organization_id FOR NO KEY UPDATE;
  IF FOUND AND NOT EXISTS (
    SELECT FROM weir.grants g JOIN weir.principals p ON p.principal_id = g.principal_id
    WHERE g.organization_id = OLD.organization_id AND g.role = 'owner' AND p.state = 'active' AND p.kind <> 'service')
  THEN
    RAISE EXCEPTION 'the organization would have no owner' USING ERRCODE = 'check_violation', CONSTRAINT = 'has_owner';
  END IF;
  RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER has_owner AFTER UPDATE OR DELETE ON weir.grants DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.role = 'owner') EXECUTE FUNCTION weir.keep_an_owner();
CREATE CONSTRAINT TRIGGER has_owner AFTER UPDATE OF state OR DELETE ON weir.principals DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION weir.keep_an_owner();

ALTER FUNCTION weir.ensure_organization_with_owner OWNER TO weir_dispatch;
ALTER FUNCTION weir.holders OWNER TO weir_dispatch;
ALTER FUNCTION weir.redeem_code OWNER TO weir_dispatch;
ALTER FUNCTION weir.keep_an_owner OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.ensure_organization_with_owner, weir.holders, weir.redeem_code, weir.keep_an_owner FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.ensure_organization_with_owner, weir.holders, weir.redeem_code TO weir_app;
