import { toCount, toSafeLine } from '@/lib/core/text';
import type { Plan } from '@/lib/plan/plan';
import { CLUSTER_CA_COMMAND } from '@/lib/render/cluster-ca';
import type { SecretRef } from '@/lib/topology/topology';
import { toRunLine } from './print-order';
import type { NamedTurn } from './print-order';
import { listReleaseFiles } from './release-files';
import { CLUSTER_CA_NAME, toSecretName } from './secret-names';

export interface ReadMeInput {
  readonly siteName: string;
  readonly plan: Plan;
  /** True when no host was read: the steps are those of bare hosts. */
  readonly isBare: boolean;
  readonly turns: readonly NamedTurn[];
  readonly secrets: readonly SecretRef[];
  /** Whether a step writes the hash of the cluster's CA. */
  readonly withClusterCa: boolean;
  readonly purposeOf: (ref: SecretRef) => string;
}

/** How to work through the bundle by hand, in order, with what each turn does and restarts. */
export function printReadMe(input: ReadMeInput): string {
  const { siteName, plan, turns } = input;
  const hosts = new Set(plan.steps.map(({ nodeId }) => nodeId)).size;
  const title = `Site ${toSafeLine(siteName, 200)}, revision ${plan.revision}: ${plan.kind} by hand`;
  const made = input.isBare
    ? `These are all steps from bare hosts to this revision. No host was read for them. Each step looks first and passes
over what is already so, hence they also fit hosts that are on the way or that run an older configuration. What a
former revision left behind and this one no longer asks for stays; a plan of Siteplan would remove it.`
    : `These are the steps of plan ${plan.id}, made from what stood on the hosts when it was made. Each step looks first
and passes over what is already so.`;
  return `${title}
${'='.repeat(title.length)}

${toCount(plan.steps.length, 'step')} on ${toCount(hosts, 'host')}. ${made}
They run with no Siteplan anywhere near: a POSIX shell, coreutils, systemd and root are all that they need.

1. Check that the bundle is whole:    sha256sum -c SHA256SUMS
2. Read it: plan.txt tells each step with its effect and the difference of each file; nodes/*/files holds every file at
   its real path; nodes/*/steps the scripts, numbered, parameters at the top; kinds/ what each kind of step does.
${printSecrets(input)}${printReleaseFiles(plan)}4. Copy the whole folder to each host, for instance:    scp -r . HOST:/root/siteplan-bundle
5. Follow order.txt. On each host, as root, in this folder:
     sh nodes/HOST/check.sh      says what is to do; changes nothing
     sh nodes/HOST/run-all.sh    does it; stops at the first step that fails; safe to run again
   A long step lives as long as its terminal: use tmux or screen where the connection may break.
6. At the end check.sh says on each host that all is as wanted, and Siteplan plans nothing any more${
    input.secrets.length > 0 ? ' (with the\n   same values of the secrets)' : ''
  }.

Do not run it while a run of Siteplan is active on the site: a step refuses where it sees one.
Exit codes: a step and run-all.sh end with 0 or, when something failed, with 1; check.sh with 0, 10 (to do) or 1.

Order
-----
${turns.map(printTurn).join('\n') || 'Nothing to do: every host already is as the drawing says.\n'}`;
}

function printSecrets({ secrets, withClusterCa, purposeOf }: ReadMeInput): string {
  if (secrets.length === 0) return '3. There are no secrets to fill in.\n';
  const lines = secrets.map((ref) => `     ${toSecretName(ref)}: ${purposeOf(ref)}\n`);
  return `3. The bundle holds no secret, only places for them: ⟦secret ID VERSION⟧ in the files. Write the values into secrets.env
   (cp secrets.env.example secrets.env; chmod 600 secrets.env), or type them when a step asks:
${lines.join('')}   Where the cluster exists, they stand in the same file on a host that is done, at the place of the slot. For a new
   cluster make its tokens:  od -A n -t x1 -N 32 /dev/urandom | tr -d ' \\n'   and keep them: a joining host needs the same.
   Keys of a store come from whoever runs it.
${withClusterCa ? printClusterCa() : ''}   A Siteplan that is to look after the cluster later holds values of its own: with others it plans to change them.
   Remove secrets.env from every host at the end.
`;
}

function printReleaseFiles({ steps }: Plan): string {
  const folders = listReleaseFiles(steps);
  if (folders.length === 0) return '';
  const lines = folders.map(
    ({ version, files }) =>
      `     artifacts/${version}: ${files.map((file) => toSafeLine(file)).join(', ')}\n`,
  );
  return `   The hosts fetch no release files of RKE2: they take them from folders beside this file, which you have to fill:
${lines.join('')}`;
}

/** The one value that nobody can know beforehand. */
function printClusterCa(): string {
  return `     ${CLUSTER_CA_NAME}: hash of the CA of the cluster, at ⟦cluster-ca⟧. The first server makes that CA, and the
   other nodes hand their token to nobody who shows another one. When the turn of the first server has ended, run there,
   as root, and write what it prints, 64 hex digits, beside the secrets of each other host:
     ${CLUSTER_CA_COMMAND}
`;
}

function printTurn(named: NamedTurn): string {
  const { number, steps, after } = named.turn;
  const restarts = steps.filter(({ step }) => step.restarts.length > 0);
  const lines = [
    `Turn ${number}: ${named.node.name} (${named.node.role}, ${named.node.internalIp}), ${toCount(steps.length, 'step')}`,
    `  ${toRunLine(named)}`,
    `  after ${after.length > 0 ? `turn ${after.join(', ')}` : 'nothing: it may begin at once'}`,
    ...restarts.map(({ number: ordinal, step }) => `  step ${ordinal} ${toSafeLine(step.effect)}`),
  ];
  return `${lines.join('\n')}\n`;
}
