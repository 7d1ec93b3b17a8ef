import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkLabSupport } from '@/e2e/lab/support';
import { NodeId } from '@/lib/core/ids';
import { checkHosts } from '@/lib/health/checks';
import { readFacts } from '@/lib/provision/read-facts';
import { PlanResult, PreflightResult, ScanResult } from '@/lib/run/job-view';
import { expectFault } from '@/lib/testing/expect-fault';
import type { FaultRow } from '@/lib/testing/fault-row';
import { findFaultKind } from '@/lib/testing/fault-step';
import { LAB_FAULTS } from '@/lib/testing/lab-faults';
import { runPlan } from '@/lib/worker/jobs/plan';
import { runPreflight } from '@/lib/worker/jobs/preflight';
import { runScan } from '@/lib/worker/jobs/scan';
import { createFaultJob, toFaultTopology } from './support/fault-jobs';
import { FAULT_NODE, startFaultWorld, type FaultWorld } from './support/fault-world';
import { PROVOCATIONS } from './support/provoke-faults';

const unsupported = checkLabSupport();
const nodeId = NodeId.parse(FAULT_NODE);
/** As the API gives it out. */
const sent = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe.skipIf(unsupported !== null)(
  `the fault matrix on a real host (I11)${unsupported ? `: ${unsupported}` : ''}`,
  () => {
    let world: FaultWorld;
    beforeAll(async () => {
      world = await startFaultWorld();
    });
    afterAll(() => world?.stop());

    it.for<FaultRow & { id: keyof typeof PROVOCATIONS }>(LAB_FAULTS)('$id: $provoked', async (row) => {
      const { provoke, heal } = PROVOCATIONS[row.id];
      try {
        const { rig, target } = await provoke(world);
        // The engine's own patience with a slow link, so that a busy machine is not taken for a lost host.
        const connect = () => createFaultJob(world, target).hosts.connect(nodeId);
        const failure = await expectFault(row, rig, { connect });
        if (row.layer !== 'connect' && row.layer !== 'start') return;
        // Jobs meet the same fault, and say the same.
        const job = createFaultJob(world, target);
        const preflight = PreflightResult.parse(sent(await runPreflight(job)));
        expect(preflight.unreachable).toEqual([{ nodeId: FAULT_NODE, failure }]);
        const { message, nextAction } = failure;
        const { problems, planId } = PlanResult.parse(sent(await runPlan(job, 'apply')));
        expect(planId).toBeNull();
        expect(problems).toEqual([{ nodeId: FAULT_NODE, code: row.code, message, nextAction }]);
        if (row.state !== 'unreachable') return;
        const { nodes } = ScanResult.parse(sent(await runScan(job)));
        expect(nodes).toMatchObject([{ state: 'failed', failure: { code: row.code, nextAction } }]);
      } finally {
        await world.onHost(heal);
      }
    });

    it('leaves a host that works, with a quiet standard input and the C locale, behind a banner', async () => {
      const act = `echo "locale $LC_ALL"
cat
read -r line || echo 'nothing to read'
unit=$(grep -o 'siteplan-acts\\{0,1\\}-[^/]*\\.service' /proc/self/cgroup | head -n 1)
systemctl show -p OOMPolicy -- "$unit"`;
      const rig = await world.rig([{ nodeId: FAULT_NODE, kind: 'test.fault', params: { act } }]);
      expect(await rig.execute({ findKind: findFaultKind, connect: world.connect })).toBe('done');
      const log = await rig.logOf(rig.plan.steps[0]?.id ?? '');
      expect(log).toBe('locale C\nnothing to read\nOOMPolicy=continue\n');
    });

    it('is foreseen where it can be: a clock that is off and a taken port fail their checks', async () => {
      await world.onHost(`set -eu
systemd-run --quiet --unit=squatter socat TCP-LISTEN:6443,fork,reuseaddr PIPE
cp /usr/bin/date /root/date
cat > /root/late <<'END'
#!/bin/sh
case "$1" in +%s%3N) echo "$(($(/root/date +%s%3N) - 60000))" ;; *) exec /root/date "$@" ;; esac
END
chmod 755 /root/late
mount --bind /root/late /usr/bin/date
until ss -Hltn | grep -q ':6443 '; do sleep 0.1; done`);
      const topology = toFaultTopology(world.root, 'server');
      const connection = await world.connect();
      try {
        const options = { nodeId, host: 's1', paths: [], knownSecrets: [], nowMs: Date.now };
        const cells = checkHosts(topology, [await readFacts(connection.openShell(), options)]);
        const cell = (id: string) => cells.find(({ checkId }) => checkId === id);
        expect(cell('clock')).toMatchObject({
          status: 'fail',
          value: expect.stringMatching(/^(59|60|61)\.\d s off$/) as string,
        });
        expect(cell('clock')?.fix).toContain('timedatectl');
        expect(cell('ports')).toMatchObject({ status: 'fail', value: '6443 (socat)' });
        expect(cell('ports')?.fix).toContain('ss -ltnup');
      } finally {
        connection.close();
        await world.onHost('umount /usr/bin/date; systemctl stop squatter');
      }
    });
  },
);
