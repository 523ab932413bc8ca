-- Whoever follows a run goes on after the last line he has, so a line must never appear before one that is already
-- there: lines are written one after the other. The lock is taken before the row gets its sequence, held to the commit.
CREATE FUNCTION weir.order_log_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_advisory_xact_lock(hashtextextended('weir.log_lines', 0)); RETURN NULL; END $$;
CREATE TRIGGER in_order BEFORE INSERT ON weir.log_lines FOR EACH STATEMENT EXECUTE FUNCTION weir.order_log_lines();
