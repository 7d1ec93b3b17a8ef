import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLab, type Lab } from '@/e2e/lab/lab';
import { checkLabSupport } from '@/e2e/lab/support';
import { sha256Hex } from '@/lib/core/hash';
import { SecretId, SiteId } from '@/lib/core/ids';
import { toShellAssignments } from '@/lib/core/shell-quote';
import { FACTS_SCRIPT } from '@/lib/health/facts-script';
import { checkHosts } from '@/lib/health/checks';
import type { NodeFacts } from '@/lib/health/facts';
import { parseFacts } from '@/lib/health/parse-facts';
import { findSample } from '@/lib/health/sample-line';
import { SAMPLER_SCRIPT, toSamplerVariables } from '@/lib/health/sampler-script';
import { toVerdict } from '@/lib/health/verdict';
import { buildPlan } from '@/lib/plan/build-plan';
import type { PlanKind, PlanStep } from '@/lib/plan/plan';
import { planWrites } from '@/lib/plan/plan-writes';
import { fillSecretSlots, toSlottedText } from '@/lib/render/secret-slot';
import { RKE2_CONFIG_PATH } from '@/lib/render/rke2-config';
import { findStepKind } from '@/lib/steps/catalogue';
import { findStepFailure, parseStepOutputs } from '@/lib/steps/script-output';
import { PROBE_NEEDED, PROBE_SATISFIED } from '@/lib/steps/step-kind';
import { applyPlanToFacts } from '@/lib/testing/apply-plan-to-facts';
import { toDefaultTopology } from '@/lib/topology/create-topology';
import { Topology } from '@/lib/topology/topology';

const siteId = SiteId.parse('site-steps');
const ref = { id: SecretId.parse('sec-join'), version: 1 };
const secret = 'a-join-token-of-more-than-32-characters';

describe.skipIf(checkLabSupport() !== null)('every step on a real host', () => {
  let lab: Lab;
  let topology: Topology;

  beforeAll(async () => {
    lab = await startLab({ name: 'test-steps', hosts: [{ name: 's1' }] });
    const url = await lab.startMirror();
    const hosts = lab.hosts.map(({ name, address }) => ({ id: `n-${name}`, name, internalIp: address }));
    topology = Topology.parse({
      ...toDefaultTopology('custom', hosts),
      rke2: { artifacts: { from: 'mirror', url } },
      security: { serverToken: ref },
    });
  });
  afterAll(() => lab?.stop());

  async function runOnHost(script: string, variables: Readonly<Record<string, string>>, input = '') {
    const command = toShellAssignments(variables) + script;
    return lab.exec('s1', ['sh', '-c', command], { input, timeoutMs: 200_000 });
  }

  async function readFacts(): Promise<NodeFacts> {
    const [node] = topology.nodes;
    if (!node) throw new Error('one node');
    const sentAtMs = Date.now();
    const paths = planWrites(topology).get(node.id) ?? [];
    const result = await runOnHost(FACTS_SCRIPT, { paths: paths.join('\n') });
    const toSlotted = (text: string) => toSlottedText(text, [{ ref, value: secret }]);
    return parseFacts(result.stdout, node.id, { sentAtMs, receivedAtMs: Date.now() }, toSlotted);
  }

  async function runPart(step: PlanStep, part: 'probe' | 'act' | 'verify') {
    const kind = findStepKind(step.kind);
    if (!kind) throw new Error(step.kind);
    const slotted = kind.toPayload(step.params);
    const payload =
      slotted === null ? null : fillSecretSlots(slotted, kind.toSecrets(step.params), () => secret);
    const variables = {
      ...kind.toVariables(step.params),
      ...(payload !== null && { payload_sha256: sha256Hex(payload) }),
    };
    const result = await runOnHost(kind[part], variables, part === 'act' ? (payload ?? '') : '');
    expect(`${result.stdout}${result.stderr}`).not.toContain(secret);
    return result;
  }

  async function plan(kind: PlanKind = 'apply') {
    const facts = await readFacts();
    return { facts, steps: buildPlan({ siteId, topology, revision: 1, kind, facts: [facts] }).steps };
  }

  /** Probe, act, verify, probe. That the act may come twice is for the drivers (`plan-drivers.lab.test.ts`). */
  async function runStep(step: PlanStep): Promise<void> {
    expect((await runPart(step, 'probe')).code, `${step.title}: probe before`).toBe(PROBE_NEEDED);
    const act = await runPart(step, 'act');
    expect(act.code, `${step.title}: ${act.stdout}\n${act.stderr}`).toBe(0);
    const verify = await runPart(step, 'verify');
    expect(verify.code, `${step.title}: ${verify.stderr}`).toBe(0);
    expect((await runPart(step, 'probe')).code, `${step.title}: probe after`).toBe(PROBE_SATISFIED);
  }

  it('makes a server of a bare host; the facts then are what the plan foretold, and the next plan is empty', async () => {
    const { facts, steps } = await plan();
    expect(checkHosts(topology, [facts]).filter(({ status }) => status === 'fail')).toEqual([]);
    for (const step of steps) await runStep(step);
    const ready = steps.at(-1);
    if (!ready) throw new Error('the plan has steps');
    const outputs = parseStepOutputs((await runPart(ready, 'verify')).stdout);
    expect(outputs).toEqual({ node: 's1', node_ready: 'True', version: topology.rke2.version });
    const after = await plan();
    expect(after.steps).toEqual([]);
    const [foretold] = applyPlanToFacts([facts], steps);
    for (const key of ['files', 'stamps', 'rke2Version', 'hasEtcdData'] as const) {
      expect(after.facts[key]).toEqual(foretold?.[key]);
    }
    expect(after.facts.units['rke2-server.service']).toEqual(foretold?.units['rke2-server.service']);
  });

  it('is then seen healthy by the sampler', async () => {
    const variables = toSamplerVariables({ role: 'server', nodeName: 's1', intervalS: 1, slowEvery: 2 });
    const { stdout } = await runOnHost(
      `sp_me=$$; (sleep 6; kill -TERM "$sp_me") & ${SAMPLER_SCRIPT}`,
      variables,
    );
    const samples = stdout.split('\n').flatMap((line) => findSample(line, Date.now()) ?? []);
    const last = samples.at(-1) ?? null;
    expect(last).toMatchObject({
      apiReadyCode: 200,
      etcdHealthy: true,
      etcdHasLeader: true,
      etcdIsLeader: true,
      nodeReady: 'True',
      units: { 'rke2-server.service': 'active' },
    });
    expect(last?.listening).toEqual(expect.arrayContaining([2379, 6443, 9345]));
    expect(((last?.certificateEndS ?? 0) * 1_000 - Date.now()) / 86_400_000).toBeGreaterThan(300);
    expect(toVerdict({ role: 'server' }, last, last?.receivedAtMs ?? 0, { intervalS: 5 })).toEqual({
      state: 'healthy',
      reasons: [],
    });
    expect((await lab.exec('s1', ['sh', '-c', 'ls /run | grep -c siteplan-sampler || :'])).stdout).toBe(
      '0\n',
    );
  });

  it('restarts for a changed configuration, and a cut restart goes on waiting instead of starting again', async () => {
    topology = Topology.parse({
      ...topology,
      security: { serverToken: ref, extraSans: ['k8s.example.net'] },
    });
    const { steps } = await plan();
    expect(steps.map(({ kind }) => kind)).toEqual(['file.put', 'service.restart', 'rke2.ready']);
    const [put, restart, ready] = steps;
    if (!put || !restart || !ready) throw new Error('three steps');
    await runStep(put);
    const kind = findStepKind(restart.kind);
    const variables = kind?.toVariables(restart.params) ?? {};
    const mark = '/var/lib/siteplan-host/starting/rke2-server.service';
    const invocation = async () =>
      (await lab.exec('s1', ['systemctl', 'show', '-p', 'InvocationID', 'rke2-server.service'])).stdout
        .trim()
        .slice(13);

    // Cut after the mark, before systemd was asked: the next act must ask.
    const first = await invocation();
    await lab.exec('s1', ['sh', '-c', `mkdir -p ${mark.slice(0, -20)}; cat > ${mark}`], {
      input: `${variables['stamp']} ${first}\n`,
    });
    expect((await runPart(restart, 'act')).stdout).toContain('restart rke2-server.service');
    const second = await invocation();
    expect(second).not.toBe(first);

    // Cut after systemd was asked: the next act only waits.
    await lab.exec('s1', ['rm', '/var/lib/siteplan-host/stamps/rke2-server.service']);
    const cut = `(${kind?.act ?? ''}) & act=$!; until [ "$(systemctl show -p InvocationID rke2-server.service)" != InvocationID=${second} ]; do sleep 0.02; done; kill -KILL $act`;
    await runOnHost(cut, variables);
    const third = await invocation();
    const again = await runPart(restart, 'act');
    expect(again).toMatchObject({ code: 0 });
    expect(again.stdout).toContain('already starting with this configuration');
    expect((await runPart(restart, 'verify')).code).toBe(0);
    expect(await invocation()).toBe(third);
    await runStep(ready);
    expect((await plan()).steps).toEqual([]);
  });

  it('gives up on a service that keeps failing, with the end of its journal and without the token', async () => {
    const good = topology;
    const config = (await lab.exec('s1', ['cat', RKE2_CONFIG_PATH])).stdout;
    await lab.exec('s1', ['sh', '-c', `cat > ${RKE2_CONFIG_PATH}`], {
      input: `${config}profile: nonsense\n`,
    });
    const kind = findStepKind('service.restart');
    if (!kind) throw new Error('service.restart');
    const params = { unit: 'rke2-server.service', stamp: 'broken' };
    const variables = { ...kind.toVariables(params), max_failures: '2' };
    const act = await runOnHost(kind.act, variables);
    expect(act.code).toBe(1);
    expect(findStepFailure(act.stderr)?.message).toMatch(/rke2-server.service failed \d times/);
    expect(act.stdout).toContain('last lines of the journal');
    expect(`${act.stdout}${act.stderr}`).not.toContain(secret);
    topology = good;
    const { steps } = await plan();
    for (const step of steps) expect((await runPart(step, 'act')).code, step.title).toBe(0);
    expect((await plan()).steps).toEqual([]);
  });

  it('uninstalls to where it came from', async () => {
    const { facts, steps } = await plan('uninstall');
    expect(steps.map(({ kind }) => kind)).toContain('rke2.uninstall');
    for (const step of steps) await runStep(step);
    const after = await plan('uninstall');
    expect(after.steps).toEqual([]);
    const [foretold] = applyPlanToFacts([facts], steps);
    for (const key of ['files', 'stamps', 'rke2Version', 'hasEtcdData', 'units'] as const) {
      expect(after.facts[key]).toEqual(foretold?.[key]);
    }
    expect((await plan()).steps.length).toBeGreaterThan(5);
  });
});
