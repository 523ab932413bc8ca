-- What happens before it is known whose it is: a command line that asks to be let in.

-- What one household or machine is given: an IPv4 address, or the first 64 bits of an IPv6 address (RFC 6177).
CREATE FUNCTION weir.network_of(address inet) RETURNS inet LANGUAGE sql IMMUTABLE SET search_path = '' AS $$
  SELECT CASE family(address) WHEN 6 THEN network(set_masklen(address, 64))::inet ELSE address END
$$;

-- Null if too many wait already: of one network 20, of all 1000. They are gone ten minutes later.
CREATE FUNCTION weir.begin_device_request(
  new_device bytea, new_user bytea, said_machine text, came_from inet, wanted text[], lifetime interval)
RETURNS timestamptz LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
#variable_conflict use_variable
DECLARE until timestamptz := now() + lifetime;
BEGIN
  DELETE FROM weir.device_requests d WHERE d.expires_at < now() - interval '10 minutes';
  IF (SELECT count(*) >= 1000 OR count(*) FILTER (
        WHERE weir.network_of(d.came_from) = weir.network_of(begin_device_request.came_from)) >= 20
      FROM weir.device_requests d WHERE d.expires_at > now() AND d.state = 'pending')
  THEN RETURN NULL; END IF;
  INSERT INTO weir.device_requests (device_hash, user_hash, machine, came_from, wanted_scopes, expires_at)
    VALUES (new_device, new_user, said_machine, came_from, wanted, until);
  RETURN until;
END $$;

-- One that waits, for a person who types its code.
CREATE FUNCTION weir.find_device_request(wanted bytea)
RETURNS TABLE (machine text, came_from text, wanted_scopes text[], seconds_left int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT d.machine, host(d.came_from), d.wanted_scopes, extract(epoch FROM d.expires_at - now())::int
  FROM weir.device_requests d WHERE d.user_hash = wanted AND d.state = 'pending' AND d.expires_at > now()
$$;

-- A person's word, once: false if there is no such request any more.
CREATE FUNCTION weir.answer_device_request(
  wanted bytea, is_approved boolean, who uuid, given_scopes text[], given_lifetime interval)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  UPDATE weir.device_requests d SET state = CASE WHEN is_approved THEN 'approved' ELSE 'denied' END,
      organization_id = p.organization_id, principal_id = p.principal_id, scopes = given_scopes,
      lifetime = given_lifetime
    FROM weir.principals p
    WHERE d.user_hash = wanted AND d.state = 'pending' AND d.expires_at > now()
      AND p.principal_id = who AND p.organization_id = weir.current_organization();
  RETURN FOUND;
END $$;

-- A machine's question (RFC 8628, section 3.4). Approved once: the token is made, and the request is gone.
CREATE FUNCTION weir.poll_device_request(wanted bytea, new_hash bytea, new_id uuid, new_prefix text, asked_from inet)
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
  ELSIF held.state = 'denied' THEN
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

DO $$
DECLARE name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['begin_device_request', 'find_device_request', 'answer_device_request',
    'poll_device_request'] LOOP
    EXECUTE format('ALTER FUNCTION weir.%I OWNER TO weir_dispatch', name);
    EXECUTE format('REVOKE ALL ON FUNCTION weir.%I FROM PUBLIC', name);
    EXECUTE format('GRANT EXECUTE ON FUNCTION weir.%I TO weir_app', name);
  END LOOP;
END $$;
