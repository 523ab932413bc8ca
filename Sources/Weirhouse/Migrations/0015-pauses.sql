-- A key is held by a person's pause and by maintenance windows, each for itself: whichever ends, the other stays
-- (docs/jobs.md). And the oldest wait is told from when a job could run.

-- `paused_until` and `paused_because` are a person's. `paused_window` is written by servers of the version before, which
-- have windows pause in a person's place.
ALTER TABLE weir.limits
  -- Until the last of the key's open windows closes, and that window's reason.
  ADD COLUMN window_until timestamptz,
  ADD COLUMN window_because text;
ALTER TABLE weir.maintenance_windows
  -- When it closes, or when it last did.
  ADD COLUMN open_until timestamptz;

UPDATE weir.maintenance_windows w SET open_until = l.paused_until FROM weir.limits l
  WHERE l.key = w.key AND l.paused_window = w.window_id;
UPDATE weir.limits SET window_until = paused_until, window_because = paused_because,
    paused_until = NULL, paused_because = NULL, paused_window = NULL
  WHERE paused_window IS NOT NULL;

-- What holds: the pause that lasts longer.
ALTER TABLE weir.limits
  ADD COLUMN held_until timestamptz GENERATED ALWAYS AS (greatest(paused_until, window_until)) STORED,
  ADD COLUMN held_because text GENERATED ALWAYS AS
    (CASE WHEN greatest(paused_until, window_until) = paused_until THEN paused_because ELSE window_because END) STORED;

-- All that looks at pauses looks at what holds. `run_after` of a job that was paused is when the pause would have ended,
-- so a wait is counted from `ready_at`, as a claim does.
DO $$
DECLARE f regprocedure; body text;
BEGIN
  FOREACH f IN ARRAY ARRAY['weir.take_limits(text[])', 'weir.wake_jobs(interval)', 'weir.queue_gauges()']::regprocedure[]
  LOOP
    body := replace(pg_get_functiondef(f), 'paused_until', 'held_until');
    EXECUTE replace(body, 'min(run_after) AS since',
      'min(coalesce(ready_at, greatest(created_at, run_after))) AS since');
  END LOOP;
END $$;
