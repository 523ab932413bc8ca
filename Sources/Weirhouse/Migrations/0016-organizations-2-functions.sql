-- What must look across organizations, or at people.

-- All that whoever asks belongs to, with what they may there: a person by who they are, the local admin by being it. The
-- asker is a principal of the organization that is set.
CREATE FUNCTION weir.organizations_of(asker uuid)
RETURNS TABLE (
  organization_id uuid, slug text, title text, organization_state text, organization_reason text, principal_id uuid,
  name text, display text, principal_kind text, person_id uuid, grants text[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT o.organization_id, o.slug, o.name, o.state, o.state_reason, p.principal_id, p.name, coalesce(p.display, p.name),
    p.kind, p.person_id,
    ARRAY(SELECT g.environment || ' ' || g.role FROM weir.grants g WHERE g.principal_id = p.principal_id ORDER BY 1)
  FROM weir.principals me
    JOIN weir.principals p ON p.principal_id = me.principal_id OR p.person_id = me.person_id
      OR (me.kind = 'local' AND p.kind = 'local')
    JOIN weir.organizations o ON o.organization_id = p.organization_id
    LEFT JOIN weir.people h ON h.person_id = me.person_id
  WHERE me.principal_id = asker AND me.organization_id = weir.current_organization()
    AND me.state = 'active' AND p.state = 'active' AND h.deactivated_at IS NULL
  ORDER BY o.slug
$$;
CREATE INDEX principals_by_person ON weir.principals (person_id) WHERE person_id IS NOT NULL;

-- Who a principal is whatever the organization, made if nobody has said yet. Nothing is taken for one person because of
-- an e-mail address: whoever sends an invitation sees its link too, so that the address is not proved by it.
CREATE FUNCTION weir.person_of(who weir.principals, new_person uuid) RETURNS uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF who.kind <> 'person' OR who.person_id IS NOT NULL THEN RETURN who.person_id; END IF;
  INSERT INTO weir.people (person_id, name) VALUES (new_person, coalesce(who.display, who.name));
  UPDATE weir.principals SET person_id = new_person WHERE principal_id = who.principal_id;
  RETURN new_person;
END $$;

-- Another organization with its environments; whoever founds it, a principal of the organization that is set, becomes its
-- owner. False if the slug is taken.
CREATE FUNCTION weir.found_organization(
  founder uuid, wanted_slug text, wanted_name text, runs_days int, logs_days int, new_organization uuid,
  new_principal uuid, new_person uuid)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE who weir.principals; person uuid;
BEGIN
  SELECT * INTO STRICT who FROM weir.principals p WHERE p.principal_id = founder
    AND p.organization_id = weir.current_organization() AND p.state = 'active' AND p.kind <> 'service' FOR UPDATE;
  INSERT INTO weir.organizations (organization_id, slug, name) VALUES (new_organization, wanted_slug, wanted_name)
    ON CONFLICT (slug) DO NOTHING;
  IF NOT FOUND THEN RETURN false; END IF;
  person := weir.person_of(who, new_person);
  INSERT INTO weir.environments (organization_id, environment, size, keep_runs_days, keep_logs_days)
    SELECT new_organization, e.environment, e.size, runs_days, logs_days
    FROM (VALUES ('dev', 'small'), ('stage', 'small'), ('prod', 'medium')) e(environment, size);
  INSERT INTO weir.principals (principal_id, organization_id, name, kind, person_id, email, display)
    VALUES (new_principal, new_organization, who.name, who.kind, person, who.email, who.display);
  INSERT INTO weir.grants (organization_id, principal_id, role) VALUES (new_organization, new_principal, 'owner');
  RETURN true;
END $$;

-- INVITATIONS ---------------------------------------------------------------------------------------------------------

-- What a link invites to, for somebody who is nobody yet. It stays good.
CREATE FUNCTION weir.read_invitation(wanted_hash bytea)
RETURNS TABLE (slug text, title text, email text, display text, roles text[], invited_by text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT o.slug, o.name, p.email, p.display,
    ARRAY(SELECT g.environment || ' ' || g.role FROM weir.grants g WHERE g.principal_id = p.principal_id ORDER BY 1),
    (SELECT coalesce(i.display, i.name) FROM weir.principals i WHERE i.principal_id = c.created_by)
  FROM weir.credentials c JOIN weir.principals p ON p.principal_id = c.principal_id
    JOIN weir.organizations o ON o.organization_id = c.organization_id
  WHERE c.hash = wanted_hash AND c.kind = 'code' AND c.name = 'invitation' AND c.expires_at > now()
    AND p.state IN ('invited', 'active') AND p.person_id IS NULL AND o.state <> 'deleting'
$$;

-- Uses an invitation up. `guest`: who the browser is signed in as already; if that is a person, the new member is the
-- same one. No row if the link is worth nothing.
CREATE FUNCTION weir.accept_invitation(wanted_hash bytea, new_display text, guest uuid, new_person uuid)
RETURNS TABLE (organization_id uuid, principal_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
#variable_conflict use_column
DECLARE link record; member weir.principals; visitor weir.principals; person uuid;
BEGIN
  DELETE FROM weir.credentials c WHERE c.hash = wanted_hash AND c.kind = 'code' AND c.name = 'invitation'
    AND c.expires_at > now() RETURNING c.* INTO link;
  IF NOT FOUND THEN RETURN; END IF;
  SELECT p.* INTO member FROM weir.principals p JOIN weir.organizations o ON o.organization_id = p.organization_id
    -- A member who is somebody known has a way in of their own; whoever sent the link would come in as them.
    WHERE p.principal_id = link.principal_id AND p.state IN ('invited', 'active') AND p.person_id IS NULL
      AND o.state <> 'deleting'
    FOR UPDATE OF p;
  IF NOT FOUND THEN RETURN; END IF;
  SELECT p.* INTO visitor FROM weir.principals p WHERE p.principal_id = guest AND p.kind = 'person'
    AND p.state = 'active' AND p.principal_id <> member.principal_id FOR UPDATE;
  IF FOUND AND member.state = 'invited' AND member.person_id IS NULL THEN
    person := weir.person_of(visitor, new_person);
    IF visitor.organization_id = member.organization_id OR EXISTS (SELECT FROM weir.principals p
      WHERE p.organization_id = member.organization_id AND p.person_id = person)
    THEN
      RAISE EXCEPTION 'already a member' USING ERRCODE = 'unique_violation', CONSTRAINT = 'principals_of_person';
    END IF;
    DELETE FROM weir.credentials c WHERE c.principal_id = member.principal_id;
  END IF;
  UPDATE weir.principals p SET state = 'active', state_since = CASE p.state WHEN 'active' THEN p.state_since ELSE now() END,
      display = coalesce(new_display, p.display), person_id = coalesce(p.person_id, person)
    WHERE p.principal_id = member.principal_id;
  RETURN QUERY SELECT member.organization_id, member.principal_id;
END $$;

-- SESSIONS ------------------------------------------------------------------------------------------------------------

-- A session of another organization ends when the one that it comes from would have, and with the provider's session.
CREATE FUNCTION weir.carry_session(old uuid, new uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
  UPDATE weir.credentials c SET expires_at = least(c.expires_at, o.expires_at) FROM weir.credentials o
    WHERE c.credential_id = new AND o.credential_id = old AND c.kind = 'session' AND o.kind = 'session';
  INSERT INTO weir.session_origins (credential_id, organization_id, issuer_name, issuer, subject, provider_session)
    SELECT new, c.organization_id, s.issuer_name, s.issuer, s.subject, s.provider_session
    FROM weir.session_origins s, weir.credentials c WHERE s.credential_id = old AND c.credential_id = new
$$;
ALTER FUNCTION weir.carry_session OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.carry_session FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.carry_session TO weir_app;

-- REMOVAL -------------------------------------------------------------------------------------------------------------

-- Organizations whose time of grace is over.
CREATE FUNCTION weir.organizations_to_remove() RETURNS TABLE (organization_id uuid, slug text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT o.organization_id, o.slug FROM weir.organizations o WHERE o.state = 'deleting' AND o.delete_after <= now()
$$;

-- People who belong to nothing any more.
CREATE FUNCTION weir.forget_people(candidates uuid[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
  DELETE FROM weir.people h WHERE h.person_id = ANY (candidates)
    AND NOT EXISTS (SELECT FROM weir.principals p WHERE p.person_id = h.person_id)
$$;
ALTER FUNCTION weir.forget_people OWNER TO weir_dispatch;
ALTER FUNCTION weir.organizations_of OWNER TO weir_dispatch;
ALTER FUNCTION weir.person_of OWNER TO weir_dispatch;
ALTER FUNCTION weir.found_organization OWNER TO weir_dispatch;
ALTER FUNCTION weir.read_invitation OWNER TO weir_dispatch;
ALTER FUNCTION weir.accept_invitation OWNER TO weir_dispatch;
ALTER FUNCTION weir.organizations_to_remove OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.organizations_of, weir.person_of, weir.found_organization, weir.read_invitation,
  weir.accept_invitation, weir.organizations_to_remove, weir.forget_people FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.organizations_of, weir.found_organization, weir.read_invitation, weir.accept_invitation,
  weir.organizations_to_remove TO weir_app;
