-- What follows from somebody's or something's end, wherever it comes from.

-- ISSUERS -------------------------------------------------------------------------------------------------------------

-- None of an organization that goes: whoever relied on it would lose its people with it.
CREATE OR REPLACE FUNCTION weir.visible_issuers() RETURNS SETOF weir.issuers
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT i.* FROM weir.issuers i JOIN weir.organizations o ON o.organization_id = i.organization_id
  WHERE i.organization_id = weir.current_organization() OR (i.is_shared AND o.state <> 'deleting') ORDER BY i.name
$$;

CREATE OR REPLACE FUNCTION weir.check_rule_issuer() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  -- The organization stands as it is until the rule does: its deletion looks for rules of others.
  PERFORM FROM weir.issuers i JOIN weir.organizations o ON o.organization_id = i.organization_id
    WHERE i.name = NEW.issuer_name
      AND (i.organization_id = NEW.organization_id OR (i.is_shared AND o.state <> 'deleting'))
    FOR SHARE OF o;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the issuer is not one of the organization' USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION weir.end_provider_sessions(
  through text, account_issuer text, account_subject text, wanted_session text, token_hash bytea,
  token_expires timestamptz)
RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE ended int := 0; one record;
BEGIN
  DELETE FROM weir.logout_tokens t WHERE t.expires_at < now();
  INSERT INTO weir.logout_tokens (issuer, token_hash, expires_at) VALUES (account_issuer, token_hash, token_expires)
    ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN RETURN NULL; END IF;
  FOR one IN
    -- With both, both must fit (Back-Channel Logout 1.0, section 2.7).
    WITH gone AS (DELETE FROM weir.credentials c USING weir.session_origins s
      WHERE c.credential_id = s.credential_id AND c.kind = 'session' AND s.issuer_name = through
        AND s.issuer = account_issuer
        AND (account_subject IS NULL OR s.subject = account_subject)
        AND (wanted_session IS NULL OR s.provider_session = wanted_session)
        AND (account_subject IS NOT NULL OR wanted_session IS NOT NULL)
      RETURNING c.organization_id, c.principal_id)
    SELECT g.organization_id, p.principal_id, p.name, count(*)::int AS sessions
      FROM gone g JOIN weir.principals p ON p.principal_id = g.principal_id GROUP BY 1, 2, 3 ORDER BY 1, 3
  LOOP
    ended := ended + one.sessions;
    PERFORM weir.chain_audit(one.organization_id, jsonb_build_object('who', 'Weirhouse', 'who_kind', 'system',
      'action', 'signin.close', 'target_kind', 'member', 'target', one.name,
      'after', jsonb_build_object('because', 'signed out at ' || through, 'sessions', one.sessions)));
  END LOOP;
  RETURN ended;
END $$;

-- Rules of an organization that is being deleted let nobody in, and nobody can remove them.
CREATE OR REPLACE FUNCTION weir.foreign_rules(wanted text) RETURNS int
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT count(DISTINCT r.organization_id)::int FROM weir.sign_in_rules r
    JOIN weir.organizations o ON o.organization_id = r.organization_id
  WHERE r.issuer_name = wanted AND r.organization_id <> weir.current_organization() AND o.state <> 'deleting'
$$;

-- What the rules of sign-in give and take is nobody's doing, and is told all the same. At the transaction's end: others
-- wait for the chain.
CREATE FUNCTION weir.audit_rule_grants() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE held weir.grants := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
  -- With an organization all goes.
  IF NOT EXISTS (SELECT FROM weir.organizations o
    WHERE o.organization_id = held.organization_id AND o.state <> 'deleting') THEN RETURN NULL; END IF;
  PERFORM weir.chain_audit(held.organization_id, jsonb_build_object('who', 'rules of sign-in', 'who_kind', 'system',
    'action', CASE TG_OP WHEN 'DELETE' THEN 'members.rule_revoke' ELSE 'members.rule_grant' END,
    'target_kind', 'member', 'target',
    coalesce((SELECT p.name FROM weir.principals p WHERE p.principal_id = held.principal_id), held.principal_id::text),
    CASE TG_OP WHEN 'DELETE' THEN 'before' ELSE 'after' END,
    jsonb_build_object('role', held.role, 'environment', held.environment, 'rule', held.origin)));
  RETURN NULL;
END $$;
ALTER FUNCTION weir.audit_rule_grants OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.audit_rule_grants FROM PUBLIC;
CREATE CONSTRAINT TRIGGER audit_given AFTER INSERT ON weir.grants DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (NEW.origin LIKE '%:%') EXECUTE FUNCTION weir.audit_rule_grants();
CREATE CONSTRAINT TRIGGER audit_taken AFTER DELETE ON weir.grants DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.origin LIKE '%:%') EXECUTE FUNCTION weir.audit_rule_grants();

-- MEMBERS AND PEOPLE --------------------------------------------------------------------------------------------------

-- Whoever is shut out has nothing left that gives access or brings news: neither sessions and tokens, nor a command line
-- that was let in and has not come for its token yet, nor e-mail. The same for members, the directory, and erasure.
CREATE FUNCTION weir.shut_out() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  DELETE FROM weir.credentials c WHERE c.principal_id = NEW.principal_id;
  DELETE FROM weir.device_requests d WHERE d.principal_id = NEW.principal_id;
  DELETE FROM weir.subscriptions s WHERE s.organization_id = NEW.organization_id AND s.channel = 'email'
    AND (s.principal_id = NEW.principal_id OR lower(s.target) = OLD.email);
  RETURN NULL;
END $$;
ALTER FUNCTION weir.shut_out OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.shut_out FROM PUBLIC;
CREATE TRIGGER shut_out AFTER UPDATE OF state ON weir.principals FOR EACH ROW
  WHEN (NEW.state = 'deactivated') EXECUTE FUNCTION weir.shut_out();

CREATE OR REPLACE FUNCTION weir.poll_device_request(wanted bytea, new_hash bytea, new_id uuid, new_prefix text, asked_from inet)
RETURNS TABLE (outcome text, pause int, slug text, name text, scopes text[], expires_at float8)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
#variable_conflict use_column
DECLARE held record; until timestamptz;
BEGIN
  SELECT d.* INTO held FROM weir.device_requests d WHERE d.device_hash = wanted FOR UPDATE;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'unknown', 0, NULL::text, NULL::text, NULL::text[], NULL::float8;
  ELSIF held.expires_at <= now() THEN
    RETURN QUERY SELECT 'expired', 0, NULL::text, NULL::text, NULL::text[], NULL::float8;
  ELSIF held.state = 'denied' OR held.state = 'approved' AND NOT EXISTS (
    SELECT FROM weir.principals p WHERE p.principal_id = held.principal_id AND p.state = 'active')
  THEN
    DELETE FROM weir.device_requests d WHERE d.device_hash = wanted;
    RETURN QUERY SELECT 'denied', 0, NULL::text, NULL::text, NULL::text[], NULL::float8;
  ELSIF held.state = 'approved' THEN
    DELETE FROM weir.device_requests d WHERE d.device_hash = wanted;
    until := now() + held.lifetime;
    INSERT INTO weir.credentials (hash, kind, organization_id, principal_id, expires_at, name, scopes, created_by,
        credential_id, prefix, created_from)
      VALUES (new_hash, 'token', held.organization_id, held.principal_id, until, 'weir login on ' || held.machine,
        held.scopes, held.principal_id, new_id, new_prefix, asked_from);
    RETURN QUERY SELECT 'approved', 0, o.slug, p.name, held.scopes::text[], extract(epoch FROM until)::float8
      FROM weir.principals p JOIN weir.organizations o ON o.organization_id = p.organization_id
      WHERE p.principal_id = held.principal_id;
  -- Half a second for the network's moods.
  ELSIF held.polled_at > now() - make_interval(secs => held.pause - 0.5) THEN
    UPDATE weir.device_requests d SET pause = least(d.pause + 5, 60), polled_at = now() WHERE d.device_hash = wanted;
    RETURN QUERY SELECT 'slow_down', least(held.pause + 5, 60), NULL::text, NULL::text, NULL::text[], NULL::float8;
  ELSE
    UPDATE weir.device_requests d SET polled_at = now() WHERE d.device_hash = wanted;
    RETURN QUERY SELECT 'pending', held.pause::int, NULL::text, NULL::text, NULL::text[], NULL::float8;
  END IF;
END $$;

-- A person who belongs to nothing any more could neither sign in nor erase what is kept of them.
CREATE FUNCTION weir.forget_person() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  PERFORM weir.forget_people(ARRAY[OLD.person_id]);
  RETURN NULL;
END $$;
ALTER FUNCTION weir.forget_person OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.forget_person FROM PUBLIC;
CREATE TRIGGER forget_person AFTER DELETE ON weir.principals FOR EACH ROW
  WHEN (OLD.person_id IS NOT NULL) EXECUTE FUNCTION weir.forget_person();

-- An organization that is being deleted needs no owner: who is left can let it go.
CREATE OR REPLACE FUNCTION weir.keep_an_owner() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  -- One after the other: two owners who remove each other at once would both see the other.
  PERFORM FROM weir.organizations o WHERE o.organization_id = OLD.organization_id AND o.state <> 'deleting'
    FOR NO KEY UPDATE;
  IF FOUND AND NOT EXISTS (
    SELECT FROM weir.grants g JOIN weir.principals p ON p.principal_id = g.principal_id
    WHERE g.organization_id = OLD.organization_id AND g.role = 'owner' AND p.state = 'active' AND p.kind <> 'service')
  THEN
    RAISE EXCEPTION 'the organization would have no owner' USING ERRCODE = 'check_violation', CONSTRAINT = 'has_owner';
  END IF;
  RETURN NULL;
END $$;
-- Only where an owner can be lost: not when somebody comes back, or is called by another name.
DROP TRIGGER has_owner ON weir.principals;
CREATE CONSTRAINT TRIGGER has_owner AFTER UPDATE OF state ON weir.principals DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.state = 'active' AND NEW.state <> 'active') EXECUTE FUNCTION weir.keep_an_owner();
CREATE CONSTRAINT TRIGGER has_owner_still AFTER DELETE ON weir.principals DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW EXECUTE FUNCTION weir.keep_an_owner();

CREATE OR REPLACE FUNCTION weir.erase_account(who uuid) RETURNS text
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
    WHERE o.state <> 'deleting'
      AND EXISTS (SELECT FROM weir.grants g WHERE g.organization_id = o.organization_id AND g.role = 'owner'
        AND g.principal_id = ANY (theirs))
      AND NOT EXISTS (SELECT FROM weir.grants g JOIN weir.principals p ON p.principal_id = g.principal_id
        WHERE g.organization_id = o.organization_id AND g.role = 'owner' AND p.state = 'active'
          AND p.kind <> 'service' AND NOT p.principal_id = ANY (theirs)) ORDER BY 1 LIMIT 1;
  IF FOUND THEN RETURN alone; END IF;

  addresses := array_remove(addresses || (SELECT h.email FROM weir.people h WHERE h.person_id = one.person_id), NULL);
  DELETE FROM weir.consents k WHERE k.principal_id = ANY (theirs);
  DELETE FROM weir.device_guesses d WHERE d.principal_id = ANY (theirs);
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

-- In the other organizations that lose a member by it, too.
CREATE FUNCTION weir.audit_erasure() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF NEW.organization_id IS DISTINCT FROM weir.current_organization() THEN
    PERFORM weir.chain_audit(NEW.organization_id, jsonb_build_object('who', NEW.name, 'who_kind', 'person',
      'who_id', NEW.principal_id, 'action', 'account.erase'));
  END IF;
  RETURN NULL;
END $$;
ALTER FUNCTION weir.audit_erasure OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.audit_erasure FROM PUBLIC;
CREATE CONSTRAINT TRIGGER audit_erasure AFTER UPDATE OF erased_at ON weir.principals DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN (OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL) EXECUTE FUNCTION weir.audit_erasure();

-- RETENTION -----------------------------------------------------------------------------------------------------------

-- Chains of several organizations in one order, as whoever ends a provider's sessions takes them.
CREATE OR REPLACE FUNCTION weir.forget_runs(most int) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE place record; old uuid[]; quiet uuid[]; touched int := 0;
BEGIN
  FOR place IN SELECT * FROM weir.environments ORDER BY organization_id, environment LOOP
    old := ARRAY(SELECT run_id FROM weir.runs WHERE organization_id = place.organization_id
        AND environment = place.environment AND finished_at < now() - make_interval(days => place.keep_runs_days)
        AND state NOT IN ('PENDING', 'RUNNING', 'RETRYABLE') ORDER BY finished_at LIMIT most FOR UPDATE SKIP LOCKED);
    DELETE FROM weir.log_lines WHERE run_id = ANY (old);
    DELETE FROM weir.job_events WHERE run_id = ANY (old);
    DELETE FROM weir.receipts WHERE run_id = ANY (old);
    DELETE FROM weir.job_predecessors WHERE job_id IN (SELECT job_id FROM weir.jobs WHERE run_id = ANY (old));
    DELETE FROM weir.jobs WHERE run_id = ANY (old);
    DELETE FROM weir.runs WHERE run_id = ANY (old);
    quiet := ARRAY(SELECT run_id FROM weir.runs r WHERE organization_id = place.organization_id
        AND environment = place.environment AND finished_at < now() - make_interval(days => place.keep_logs_days)
        AND state NOT IN ('PENDING', 'RUNNING')
        AND (EXISTS (SELECT FROM weir.log_lines l WHERE l.run_id = r.run_id)
          OR EXISTS (SELECT FROM weir.job_events e WHERE e.run_id = r.run_id))
      ORDER BY finished_at LIMIT most);
    DELETE FROM weir.log_lines WHERE run_id = ANY (quiet);
    DELETE FROM weir.job_events WHERE run_id = ANY (quiet);
    touched := touched + cardinality(old) + cardinality(quiet);
  END LOOP;
  RETURN touched;
END $$;
