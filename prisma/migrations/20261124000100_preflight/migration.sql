-- CreateTable
CREATE TABLE "check_override" (
    "id" TEXT NOT NULL,
    "site_id" TEXT NOT NULL,
    "node_id" TEXT NOT NULL,
    "check_id" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_by" TEXT NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),
    "revoked_by" TEXT,
    "run_id" TEXT,

    CONSTRAINT "check_override_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "check_override_site_id_created_at_idx" ON "check_override"("site_id", "created_at");

-- AddForeignKey
ALTER TABLE "check_override" ADD CONSTRAINT "check_override_site_id_fkey" FOREIGN KEY ("site_id") REFERENCES "site"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "check_override" ADD CONSTRAINT "check_override_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What a person let pass, and why, stays as it was said: it can be used by a run or taken back, nothing else.
GRANT SELECT, INSERT, UPDATE ("revoked_at", "revoked_by", "run_id") ON "check_override" TO siteplan_web;
GRANT SELECT ON "check_override" TO siteplan_worker;
