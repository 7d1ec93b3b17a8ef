-- Keys of the bastions on the way to a node stand beside the node's own key.
ALTER TABLE "host_key" ADD COLUMN "hop" TEXT NOT NULL DEFAULT '';
DROP INDEX "host_key_node_id_fingerprint_key";
CREATE UNIQUE INDEX "host_key_node_id_hop_fingerprint_key" ON "host_key"("node_id", "hop", "fingerprint");
