-- How long data that was superseded is kept, by environment (docs/decisions/0016-data-retention.md).

ALTER TABLE weir.environments
  ADD COLUMN keep_data_days int NOT NULL DEFAULT 30 CHECK (keep_data_days BETWEEN 1 AND 36500);

-- Of all organizations, for the caretaker. What is being deleted goes as a whole.
CREATE FUNCTION weir.data_retention()
RETURNS TABLE (organization_id uuid, slug text, environment text, keep_data_days int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  SELECT e.organization_id, o.slug, e.environment, e.keep_data_days
  FROM weir.environments e JOIN weir.organizations o ON o.organization_id = e.organization_id
  WHERE o.state <> 'deleting' ORDER BY 1, 3
$$;
ALTER FUNCTION weir.data_retention OWNER TO weir_dispatch;
REVOKE ALL ON FUNCTION weir.data_retention FROM PUBLIC;
GRANT EXECUTE ON FUNCTION weir.data_retention TO weir_app;
