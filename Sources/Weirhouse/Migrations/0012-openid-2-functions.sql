-- What signing in must look for across organizations.

-- What the organization that asks may have rules for: its own and shared ones.
CREATE FUNCTION weir.visible_issuers() RETURNS SETOF weir.issuers
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT i.* FROM weir.issuers i WHERE i.is_shared OR i.organization_id = weir.current_organization() ORDER BY i.name
$$;

-- For somebody who is nobody yet.
CREATE FUNCTION weir.find_issuer(wanted text) RETURNS SETOF weir.issuers
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT i.* FROM weir.issuers i WHERE i.name = wanted
$$;

-- The buttons of the sign-in page, and whether there are issuers that it must not tell everybody of.
CREATE FUNCTION weir.offered_issuers() RETURNS TABLE (name text, label text, is_shared boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT i.name, i.label, true FROM weir.issuers i WHERE i.is_shared
  UNION ALL
  (SELECT '', '', false FROM weir.issuers i WHERE NOT i.is_shared LIMIT 1)
  ORDER BY 2, 1
$$;

-- Home realm: who signs in people of an e-mail domain.
CREATE FUNCTION weir.issuers_of_domain(wanted text) RETURNS TABLE (name text, label text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT i.name, i.label FROM weir.issuers i
  WHERE wanted = ANY (i.trusted_domains) OR i.hosted_domain = wanted OR EXISTS (
    SELECT FROM weir.sign_in_rules r WHERE r.issuer_name = i.name AND r.kind = 'domain' AND r.value = wanted)
  -- Nobody gets before those that were there first, and no organization's own before one that the server's operator set up.
  ORDER BY i.is_shared DESC, i.created_at, i.name LIMIT 10
$$;

-- Anybody can begin one. The newest 500 of a network are kept, and of all 50,000.
CREATE FUNCTION weir.begin_sign_in(new_state bytea, issuer text, return_path text, from_network inet) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  DELETE FROM weir.sign_ins s WHERE s.expires_at < now();
  DELETE FROM weir.sign_ins s WHERE s.network = from_network AND s.expires_at < (
    SELECT o.expires_at FROM weir.sign_ins o WHERE o.network = from_network
    ORDER BY o.expires_at DESC OFFSET 498 LIMIT 1);
  DELETE FROM weir.sign_ins s WHERE s.expires_at < (
    SELECT o.expires_at FROM weir.sign_ins o ORDER BY o.expires_at DESC OFFSET 49998 LIMIT 1);
  INSERT INTO weir.sign_ins (state_hash, issuer_name, return_path, network, expires_at)
    VALUES (new_state, issuer, return_path, from_network, now() + interval '10 minutes');
END $$;

-- A sign-in that comes back: once, and in time.
CREATE FUNCTION weir.take_sign_in(wanted bytea) RETURNS TABLE (issuer_name text, return_path text)
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
  DELETE FROM weir.sign_ins s WHERE s.state_hash = wanted AND s.expires_at > now()
    RETURNING s.issuer_name, s.return_path
$$;

CREATE FUNCTION weir.rules_of_issuer(wanted text) RETURNS TABLE (rule_id uuid, kind text, claim text, value text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT r.rule_id, r.kind, r.claim, r.value FROM weir.sign_in_rules r
    JOIN weir.organizations o ON o.organization_id = r.organization_id
  WHERE r.issuer_name = wanted AND o.state <> 'deleting'
$$;

-- Lets an account into the organizations whose rules it matches, and into no other: makes the person and what they are
-- there if need be, and gives the roles of those rules, no others, until the next sign-in.
--
-- Accounts of two issuers are never taken for one person because of their e-mail address alone: an issuer that one
-- organization trusts must not be able to become a person whom another organization knows. Only where a member was
-- invited by that address and has never signed in, the first account that an organization's own rule lets in is it. Not
-- where the member is an owner: an organization's own issuer is set up by admins, who could give themselves the account.
CREATE FUNCTION weir.admit_account(
  through text, account_issuer text, account_subject text, account_email text, account_name text, matched uuid[],
  new_person uuid)
RETURNS TABLE (organization_id uuid, slug text, principal_id uuid, refusal text, last_seen_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
#variable_conflict use_column
DECLARE
  who uuid;
  place record;
  member record;
  is_in boolean := false;
BEGIN
  -- Two sign-ins of one new account at once: one after the other.
  PERFORM pg_advisory_xact_lock(hashtextextended(account_issuer || ' ' || account_subject, 12));
  SELECT i.person_id INTO who FROM weir.identities i WHERE i.issuer = account_issuer AND i.subject = account_subject;
  IF who IS NULL AND cardinality(matched) = 0 THEN RETURN; END IF;
  IF who IS NULL THEN
    who := new_person;
    INSERT INTO weir.people (person_id, email, name) VALUES (who, account_email, account_name);
    INSERT INTO weir.identities (issuer, subject, person_id) VALUES (account_issuer, account_subject, who);
  ELSE
    UPDATE weir.people p SET name = account_name, email = coalesce(account_email, p.email) WHERE p.person_id = who;
    UPDATE weir.identities i SET last_sign_in_at = now()
      WHERE i.issuer = account_issuer AND i.subject = account_subject;
  END IF;
  IF EXISTS (SELECT FROM weir.people p WHERE p.person_id = who AND p.deactivated_at IS NOT NULL) THEN
    RETURN QUERY SELECT NULL::uuid, NULL::text, NULL::uuid, 'deactivated', NULL::timestamptz;
    RETURN;
  END IF;
  UPDATE weir.people p SET last_sign_in_at = now() WHERE p.person_id = who;

  -- What rules of this issuer gave before and do not give now. In all organizations: of some it may match none any more.
  DELETE FROM weir.grants g USING weir.principals p, weir.sign_in_rules r
    WHERE p.person_id = who AND g.principal_id = p.principal_id AND r.issuer_name = through
      AND g.origin = r.kind || ':' || r.rule_id AND NOT r.rule_id = ANY (matched);

  FOR place IN
    SELECT DISTINCT o.organization_id, o.slug FROM weir.sign_in_rules r
      JOIN weir.organizations o ON o.organization_id = r.organization_id
      WHERE r.rule_id = ANY (matched) AND r.issuer_name = through AND o.state <> 'deleting' ORDER BY o.slug
  LOOP
    SELECT p.* INTO member FROM weir.principals p
      WHERE p.organization_id = place.organization_id AND p.person_id = who;
    IF NOT FOUND AND account_email IS NOT NULL THEN
      SELECT p.* INTO member FROM weir.principals p WHERE p.organization_id = place.organization_id
        AND (p.email = account_email OR p.name = account_email);
      IF FOUND THEN
        IF member.kind <> 'person' OR member.person_id IS NOT NULL THEN
          RETURN QUERY SELECT place.organization_id::uuid, place.slug::text, NULL::uuid, 'taken', NULL::timestamptz;
          CONTINUE;
        END IF;
        IF EXISTS (SELECT FROM weir.grants g WHERE g.principal_id = member.principal_id AND g.role = 'owner')
          AND NOT EXISTS (SELECT FROM weir.issuers i WHERE i.name = through AND i.is_shared)
        THEN
          RETURN QUERY SELECT place.organization_id::uuid, place.slug::text, NULL::uuid, 'owner', NULL::timestamptz;
          CONTINUE;
        END IF;
        IF member.state <> 'deactivated' THEN
          UPDATE weir.principals p SET person_id = who WHERE p.principal_id = member.principal_id;
          -- Links, sessions and tokens of before are worth nothing: the link of an invitation is seen by whoever sends it,
          -- and with a session of one organization its person can go to all of theirs.
          DELETE FROM weir.credentials c WHERE c.principal_id = member.principal_id;
          DELETE FROM weir.device_requests d WHERE d.principal_id = member.principal_id;
        END IF;
      END IF;
    END IF;
    IF member.principal_id IS NULL THEN
      -- A member is called by an address that counts; without one there is nothing to call them by.
      IF account_email IS NULL THEN
        RETURN QUERY SELECT place.organization_id::uuid, place.slug::text, NULL::uuid, 'unnamed', NULL::timestamptz;
        CONTINUE;
      END IF;
      INSERT INTO weir.principals (principal_id, organization_id, name, kind, person_id, email, display)
        VALUES (gen_random_uuid(), place.organization_id, account_email, 'person', who, account_email, account_name)
        RETURNING * INTO member;
    ELSIF member.state = 'deactivated' THEN
      RETURN QUERY SELECT place.organization_id::uuid, place.slug::text, NULL::uuid, 'removed', NULL::timestamptz;
      CONTINUE;
    ELSE
      UPDATE weir.principals p SET display = account_name, state = 'active',
          state_since = CASE p.state WHEN 'active' THEN p.state_since ELSE now() END
        WHERE p.principal_id = member.principal_id
          AND (p.state <> 'active' OR p.display IS DISTINCT FROM account_name);
    END IF;
    INSERT INTO weir.grants (organization_id, principal_id, environment, role, origin)
      SELECT r.organization_id, member.principal_id, r.environment, r.role, r.kind || ':' || r.rule_id
      FROM weir.sign_in_rules r
      WHERE r.rule_id = ANY (matched) AND r.issuer_name = through AND r.organization_id = place.organization_id
      ON CONFLICT DO NOTHING;
    is_in := true;
    RETURN QUERY SELECT place.organization_id::uuid, place.slug::text, member.principal_id::uuid, NULL::text,
      member.last_seen_at::timestamptz;
  END LOOP;
  -- Whoever is let in nowhere leaves nothing behind.
  IF who = new_person AND NOT is_in THEN
    DELETE FROM weir.identities i WHERE i.person_id = who;
    DELETE FROM weir.people p WHERE p.person_id = who;
  END IF;
END $$;

-- Ends sessions that came from a provider's session, or from all of an account's. A logout token counts once: null if it
-- has come before.
CREATE FUNCTION weir.end_provider_sessions(
  through text, account_issuer text, account_subject text, wanted_session text, token_hash bytea,
  token_expires timestamptz)
RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE ended int;
BEGIN
  DELETE FROM weir.logout_tokens t WHERE t.expires_at < now();
  INSERT INTO weir.logout_tokens (issuer, token_hash, expires_at) VALUES (account_issuer, token_hash, token_expires)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN NULL; END IF;
  -- With both, both must fit (Back-Channel Logout 1.0, section 2.7).
  DELETE FROM weir.credentials c USING weir.session_origins s
    WHERE c.credential_id = s.credential_id AND c.kind = 'session' AND s.issuer_name = through
      AND s.issuer = account_issuer
      AND (account_subject IS NULL OR s.subject = account_subject)
      AND (wanted_session IS NULL OR s.provider_session = wanted_session)
      AND (account_subject IS NOT NULL OR wanted_session IS NOT NULL);
  GET DIAGNOSTICS ended = ROW_COUNT;
  RETURN ended;
END $$;

-- The issuer that a session came through, before it is known whose it is: to sign out there too.
CREATE FUNCTION weir.issuer_of_session(wanted_hash bytea) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT s.issuer_name FROM weir.session_origins s JOIN weir.credentials c ON c.credential_id = s.credential_id
  WHERE c.hash = wanted_hash AND c.kind = 'session'
$$;

-- How many other organizations have rules for an issuer: while there are, it stays.
CREATE FUNCTION weir.foreign_rules(wanted text) RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT count(DISTINCT r.organization_id)::int FROM weir.sign_in_rules r
  WHERE r.issuer_name = wanted AND r.organization_id <> weir.current_organization()
$$;

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['visible_issuers', 'find_issuer', 'offered_issuers', 'issuers_of_domain', 'begin_sign_in',
    'take_sign_in', 'rules_of_issuer', 'admit_account', 'end_provider_sessions', 'issuer_of_session', 'foreign_rules'] LOOP
    EXECUTE format('ALTER FUNCTION weir.%I OWNER TO weir_dispatch', name);
    EXECUTE format('REVOKE ALL ON FUNCTION weir.%I FROM PUBLIC', name);
    EXECUTE format('GRANT EXECUTE ON FUNCTION weir.%I TO weir_app', name);
  END LOOP;
END $$;
