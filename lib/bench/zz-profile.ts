import { createEngineRig } from '@/lib/testing/engine-rig';
import { startBenchDatabase } from './bench-database';
import { buildBenchEngine } from './bench-engine';
import { startBenchHosts, toStepPath } from './bench-hosts';
import { readLabCpuMs } from './cpu-time';
const n = Number(process.argv[2] ?? 100);
const hostsN = Number(process.argv[3] ?? 1);
const hosts = await startBenchHosts('zzprof' + process.pid, hostsN);
const db = await startBenchDatabase();
const engines = await buildBenchEngine();
const engine = engines.start(db.workerUrl);
let c = 0;
for (let k = 0; k < 4; k++) {
  const count = k === 0 ? 5 : n;
  const steps = hosts.hosts.flatMap((host) => Array.from({ length: count }, () => ({ nodeId: host.nodeId, kind: 'bench.copy', params: { from: '/etc/passwd', path: toStepPath(host, 'c' + c++) } })));
  const rig = await createEngineRig(db.worker, hosts.hosts, steps);
  const h0 = await readLabCpuMs(hosts.lab!), d0 = await db.readCpuMs(), e0 = (await engine.readUsage()).cpuMs;
  const ms = await engine.run(rig);
  const h1 = await readLabCpuMs(hosts.lab!), d1 = await db.readCpuMs(), e1 = (await engine.readUsage()).cpuMs;
  const N = steps.length;
  console.log(`${N} steps: ${(ms / count).toFixed(1)} ms wall/step(per host), cpu/step host ${((h1 - h0) / N).toFixed(1)} pg ${((d1 - d0) / N).toFixed(1)} engine ${((e1 - e0) / N).toFixed(1)}; fixed? total ${ms.toFixed(0)}`);
}
await engine.end(); await engines.remove(); await db.stop(); await hosts.stop();
