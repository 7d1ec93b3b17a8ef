-- SHA-256 of all that the check had found, which the shown value may be only the beginning of. Older overrides have none: they
-- go by the shown value until they are used or lapse, a day after they were made at the latest.
ALTER TABLE "check_override" ADD COLUMN "value_hash" TEXT;
