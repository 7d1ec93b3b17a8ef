-- AlterTable
ALTER TABLE "run" ADD COLUMN     "log_bytes" BIGINT NOT NULL DEFAULT 0,
ADD COLUMN     "log_dropped_at" TIMESTAMPTZ(3),
ADD COLUMN     "only_node_id" TEXT,
ADD COLUMN     "steps_skipped" INTEGER NOT NULL DEFAULT 0;

-- CreateTable
CREATE TABLE "history_cut" (
    "topic" TEXT NOT NULL,
    "dropped" BIGINT NOT NULL,
    "newest_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "history_cut_pkey" PRIMARY KEY ("topic")
);

GRANT SELECT ON "history_cut" TO siteplan_web;
GRANT SELECT, INSERT, UPDATE ON "history_cut" TO siteplan_worker;

-- Nobody deletes events but by this: a run that is over and marked, so many rows at once, and never a lock on the run.
CREATE FUNCTION "drop_run_events"("run" TEXT, "most" INT) RETURNS INT LANGUAGE sql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
    WITH doomed AS (SELECT e.run_id, e.seq FROM run_event e JOIN run r ON r.id = e.run_id
                     WHERE e.run_id = $1 AND r.log_dropped_at IS NOT NULL
                       AND r.state NOT IN ('queued', 'running')
                     ORDER BY e.seq LIMIT LEAST(GREATEST($2, 0), 1000)),
         gone AS (DELETE FROM run_event USING doomed
                   WHERE run_event.run_id = doomed.run_id AND run_event.seq = doomed.seq RETURNING 1)
    SELECT count(*)::int FROM gone
$$;

-- Sessions and one-time links that ended a day ago: the worker may drop them, and still see none of them.
CREATE FUNCTION "drop_ended_sign_ins"("most" INT) RETURNS INT LANGUAGE sql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
    WITH sessions AS (DELETE FROM session WHERE id IN
                        (SELECT id FROM session WHERE expires_at < now() - interval '1 day' LIMIT most) RETURNING 1),
         links AS (DELETE FROM verification WHERE id IN
                     (SELECT id FROM verification WHERE expires_at < now() - interval '1 day' LIMIT most) RETURNING 1)
    SELECT ((SELECT count(*) FROM sessions) + (SELECT count(*) FROM links))::int
$$;

-- After a restore from a backup the hosts' fences are ahead of the sequence. It is raised above them, never a fence lowered: an old
-- worker that is still alive somewhere stays fenced off. The lock of the sequence keeps every nextval out until this commits. The
-- leases are locked before it, as a claim does (its lease, then nextval): in the other order each could wait for the other.
CREATE FUNCTION "raise_epoch"("above" BIGINT, "site" TEXT) RETURNS BIGINT LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT AS $$
DECLARE reached BIGINT;
BEGIN
    LOCK TABLE site_lease IN SHARE ROW EXCLUSIVE MODE;
    IF above < 1 OR above > 1000000000000000 THEN
        RAISE EXCEPTION 'epoch % is out of range', above USING ERRCODE = 'numeric_value_out_of_range';
    END IF;
    ALTER SEQUENCE epoch_seq OWNED BY NONE;
    SELECT last_value INTO reached FROM epoch_seq;
    IF above >= reached THEN
        EXECUTE format('ALTER SEQUENCE epoch_seq RESTART WITH %s', above + 1);
        reached := above;
    END IF;
    -- Leases below the host's fence are of no use for its site, and of none to idle sites: the next claim takes a new epoch.
    UPDATE site_lease l SET epoch = nextval('epoch_seq'), holder = NULL, lease_until = NULL
     WHERE l.site_id = site
        OR l.holder IS NOT NULL AND l.epoch <= above
           AND NOT EXISTS (SELECT 1 FROM run r WHERE r.site_id = l.site_id AND r.state IN ('queued', 'running'));
    RETURN reached;
END $$;

REVOKE EXECUTE ON FUNCTION "drop_run_events"(TEXT, INT), "drop_ended_sign_ins"(INT), "raise_epoch"(BIGINT, TEXT) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION "drop_run_events"(TEXT, INT), "drop_ended_sign_ins"(INT) TO siteplan_worker;
GRANT EXECUTE ON FUNCTION "raise_epoch"(BIGINT, TEXT) TO siteplan_web;

COMMENT ON TABLE "history_cut" IS 'retention: one row per kind of history';

-- Log bodies are not compressed: pglz was half of the database's work in a flood, and a run's log is bounded.
ALTER TABLE "run_event" ALTER COLUMN "body" SET STORAGE EXTERNAL;
