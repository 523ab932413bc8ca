-- ENCODING (docs/audit.md tells it for those who check it elsewhere) ---------------------------------------------------

-- `label=7:seven ch` and a line break, the length in bytes of UTF-8; `label-` for null. With its length before it no value
-- can pass for another one or for the field that follows.
CREATE FUNCTION weir.audit_field(label text, value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT label || coalesce('=' || octet_length(convert_to(value, 'UTF8')) || ':' || value, '-') || E'\n'
$$;

CREATE FUNCTION weir.audit_encoding(line weir.audit_lines) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT E'weir audit 1\n'
    || weir.audit_field('organization', line.organization_id::text)
    || weir.audit_field('sequence', line.sequence::text)
    || weir.audit_field('at', to_char(line.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
    || weir.audit_field('who_id', line.who_id::text)
    || weir.audit_field('who', line.who)
    || weir.audit_field('who_kind', line.who_kind)
    || weir.audit_field('credential', line.credential_id::text)
    || weir.audit_field('action', line.action)
    || weir.audit_field('target_kind', line.target_kind)
    || weir.audit_field('target', line.target)
    || weir.audit_field('outcome', line.outcome)
    || weir.audit_field('problem', line.problem)
    || weir.audit_field('before', line.before::text)
    || weir.audit_field('after', line.after::text)
    || weir.audit_field('address', line.address)
    || weir.audit_field('user_agent', line.user_agent)
    || weir.audit_field('correlation', line.correlation)
    || weir.audit_field('previous', encode(line.previous_hash, 'hex'))
$$;

CREATE FUNCTION weir.audit_hash(line weir.audit_lines) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT sha256(convert_to(weir.audit_encoding(line), 'UTF8'))
$$;

-- WRITING -------------------------------------------------------------------------------------------------------------

-- Adds a line to an organization's chain. Whoever writes at the same moment waits until this transaction is over: write
-- at its end.
CREATE FUNCTION weir.chain_audit(organization uuid, entry jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE line weir.audit_lines; head weir.audit_heads;
BEGIN
  SELECT h.* INTO head FROM weir.audit_heads h WHERE h.organization_id = organization FOR NO KEY UPDATE;
  IF NOT FOUND THEN
    INSERT INTO weir.audit_heads (organization_id) VALUES (organization) ON CONFLICT DO NOTHING;
    SELECT h.* INTO STRICT head FROM weir.audit_heads h WHERE h.organization_id = organization FOR NO KEY UPDATE;
  END IF;
  line.organization_id := organization;
  line.sequence := head.sequence + 1;
  line.at := clock_timestamp();
  line.who_id := entry ->> 'who_id';
  line.who := entry ->> 'who';
  line.who_kind := entry ->> 'who_kind';
  line.credential_id := entry ->> 'credential_id';
  line.action := entry ->> 'action';
  line.target_kind := entry ->> 'target_kind';
  line.target := entry ->> 'target';
  line.outcome := coalesce(entry ->> 'outcome', 'done');
  line.problem := entry ->> 'problem';
  line.before := nullif(entry -> 'before', 'null');
  line.after := nullif(entry -> 'after', 'null');
  line.address := entry ->> 'address';
  line.user_agent := entry ->> 'user_agent';
  line.correlation := entry ->> 'correlation';
  line.previous_hash := head.hash;
  line.hash := weir.audit_hash(line);
  INSERT INTO weir.audit_lines SELECT (line).*;
  UPDATE weir.audit_heads h SET sequence = line.sequence, hash = line.hash WHERE h.organization_id = organization;
  RETURN line.sequence;
END $$;

-- The application's way: into the chain of the organization that its transaction is for.
CREATE FUNCTION weir.append_audit(entry jsonb) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF weir.current_organization() IS NULL THEN
    RAISE EXCEPTION 'a line of the audit needs an organization' USING ERRCODE = 'insufficient_privilege';
  END IF;
  -- What says that lines were cut is written by what cuts them.
  IF entry ->> 'action' = 'audit.cut' THEN
    RAISE EXCEPTION 'only weir.cut_audit says that lines were cut' USING ERRCODE = 'insufficient_privilege';
  END IF;
  RETURN weir.chain_audit(weir.current_organization(), entry);
END $$;

-- Runs that are removed are data that is deleted: by retention, which nobody asks for, or by hand.
CREATE FUNCTION weir.audit_removed_runs() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  PERFORM weir.chain_audit(g.organization_id, jsonb_build_object('who', 'Weirhouse', 'who_kind', 'system',
      'action', 'runs.remove', 'target_kind', 'runs', 'target', g.runs || ' runs',
      'before', jsonb_build_object('runs', g.runs, 'oldest', g.oldest, 'newest', g.newest)))
    -- In one order: two that remove of the same organizations do not wait for each other.
    FROM (SELECT organization_id, count(*) AS runs, min(created_at) AS oldest, max(created_at) AS newest
      FROM gone GROUP BY organization_id ORDER BY organization_id) g;
  RETURN NULL;
END $$;
CREATE TRIGGER audit_removed AFTER DELETE ON weir.runs REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
  EXECUTE FUNCTION weir.audit_removed_runs();

-- RETENTION -----------------------------------------------------------------------------------------------------------

-- How long the organization of this transaction keeps its lines.
CREATE FUNCTION weir.keep_audit(days int) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
  INSERT INTO weir.audit_heads (organization_id, keep_days) VALUES (weir.current_organization(), days)
    ON CONFLICT (organization_id) DO UPDATE SET keep_days = excluded.keep_days
$$;

-- Cuts at most `most` lines from the beginning of one chain whose oldest line has been kept for a day more than it must
-- be (so a chain is cut once a day); returns how many, 0 if no chain has such lines. The chain itself says what was cut:
-- a last line `audit.cut` holds the sequence and the hash of the last one that is gone, from which the rest goes on.
-- A chain that lacks lines already is left as it is: what somebody removed is not called cut.
CREATE FUNCTION weir.cut_audit(most int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE head weir.audit_heads; first weir.audit_lines; last weir.audit_lines; edge timestamptz; through bigint;
BEGIN
  FOR head IN SELECT h.* FROM weir.audit_heads h JOIN weir.audit_lines l
      ON l.organization_id = h.organization_id AND l.sequence = h.cut_through + 1
    WHERE l.at < now() - make_interval(days => h.keep_days + 1) ORDER BY l.at FOR NO KEY UPDATE OF h SKIP LOCKED
  LOOP
    edge := now() - make_interval(days => head.keep_days);
    SELECT l.* INTO first FROM weir.audit_lines l
      WHERE l.organization_id = head.organization_id AND l.sequence = head.cut_through + 1;
    SELECT coalesce(min(l.sequence) - 1, least(head.cut_through + most, head.sequence)) INTO through
      FROM weir.audit_lines l WHERE l.organization_id = head.organization_id AND l.at >= edge
        AND l.sequence > head.cut_through AND l.sequence <= head.cut_through + most;
    SELECT l.* INTO last FROM weir.audit_lines l
      WHERE l.organization_id = head.organization_id AND l.sequence = through;
    CONTINUE WHEN through <= head.cut_through OR through - head.cut_through <>
      (SELECT count(*) FROM weir.audit_lines l WHERE l.organization_id = head.organization_id
        AND l.sequence > head.cut_through AND l.sequence <= through);
    PERFORM weir.chain_audit(head.organization_id, jsonb_build_object('who', 'Weirhouse', 'who_kind', 'system',
      'action', 'audit.cut', 'target_kind', 'lines', 'target', first.sequence || ' to ' || through,
      'before', jsonb_build_object('from', first.at, 'until', last.at),
      'after', jsonb_build_object('through', through, 'hash', encode(last.hash, 'hex'), 'keep_days', head.keep_days)));
    UPDATE weir.audit_heads h SET cut_through = through WHERE h.organization_id = head.organization_id;
    DELETE FROM weir.audit_lines l WHERE l.organization_id = head.organization_id AND l.sequence <= through;
    RETURN through - head.cut_through;
  END LOOP;
  RETURN 0;
END $$;

-- CHECKING ------------------------------------------------------------------------------------------------------------

-- What the chain of this transaction's organization has to be held against, as of one moment: its head, the lines that
-- lie beyond its ends, and where it begins by its own word.
CREATE FUNCTION weir.audit_ends() RETURNS TABLE (
  sequence bigint, hash bytea, cut_through bigint, said_through bigint, said_hash bytea, before_begin bigint,
  beyond_end bigint)
LANGUAGE sql STABLE AS $$
  SELECT h.sequence, h.hash, h.cut_through, coalesce(c.through, 0), coalesce(c.hash, decode(repeat('00', 32), 'hex')),
    (SELECT min(l.sequence) FROM weir.audit_lines l WHERE l.organization_id = o.id AND l.sequence <= coalesce(c.through, 0)),
    (SELECT min(l.sequence) FROM weir.audit_lines l WHERE l.organization_id = o.id
      AND l.sequence > coalesce(h.sequence, 0))
  FROM (SELECT weir.current_organization() AS id) o
    LEFT JOIN weir.audit_heads h ON h.organization_id = o.id
    LEFT JOIN LATERAL (
      SELECT (l.after ->> 'through')::bigint AS through, decode(l.after ->> 'hash', 'hex') AS hash
      FROM weir.audit_lines l WHERE l.organization_id = o.id AND l.action = 'audit.cut' ORDER BY l.sequence DESC LIMIT 1) c
      ON true
$$;

-- Walks over at most `most` lines after the one at `place`, whose hash is `follows`; says which were changed (`changed`), which are not
-- there (`missing`, up to `through`), and which do not follow the one before (`unlinked`).
CREATE FUNCTION weir.check_audit(place bigint, follows bytea, up_to bigint, most int) RETURNS TABLE (
  lines bigint, last bigint, last_hash bytea, faults jsonb)
LANGUAGE sql STABLE AS $$
  WITH page AS MATERIALIZED (
    SELECT l.sequence, l.previous_hash, l.hash, weir.audit_hash(l) AS computed FROM weir.audit_lines l
    WHERE l.organization_id = weir.current_organization() AND l.sequence > place AND l.sequence <= up_to
    ORDER BY l.sequence LIMIT most),
  linked AS (
    SELECT p.*, coalesce(lag(p.sequence) OVER w, place) AS sequence_before, coalesce(lag(p.hash) OVER w, follows) AS hash_before
    FROM page p WINDOW w AS (ORDER BY p.sequence)),
  faults AS (
    SELECT p.sequence, jsonb_build_object('kind', 'changed', 'sequence', p.sequence, 'through', p.sequence) AS fault
      FROM linked p WHERE p.computed <> p.hash
    UNION ALL
    SELECT p.sequence_before + 1, jsonb_build_object('kind', 'missing', 'sequence', p.sequence_before + 1,
        'through', p.sequence - 1) FROM linked p WHERE p.sequence <> p.sequence_before + 1
    UNION ALL
    SELECT p.sequence, jsonb_build_object('kind', 'unlinked', 'sequence', p.sequence, 'through', p.sequence)
      FROM linked p WHERE p.sequence = p.sequence_before + 1 AND p.previous_hash <> p.hash_before)
  SELECT (SELECT count(*) FROM page), (SELECT max(p.sequence) FROM page p),
    (SELECT p.hash FROM page p ORDER BY p.sequence DESC LIMIT 1),
    (SELECT coalesce(jsonb_agg(f.fault ORDER BY f.sequence), '[]') FROM (SELECT * FROM faults ORDER BY 1 LIMIT 100) f)
$$;

-- RIGHTS --------------------------------------------------------------------------------------------------------------

ALTER FUNCTION weir.chain_audit OWNER TO weir_dispatch;
ALTER FUNCTION weir.append_audit OWNER TO weir_dispatch;
ALTER FUNCTION weir.audit_removed_runs OWNER TO weir_dispatch;
ALTER FUNCTION weir.keep_audit OWNER TO weir_dispatch;
ALTER FUNCTION weir.cut_audit OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.chain_audit, weir.append_audit, weir.audit_removed_runs, weir.keep_audit, weir.cut_audit
  FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.append_audit, weir.keep_audit, weir.cut_audit TO weir_app;
