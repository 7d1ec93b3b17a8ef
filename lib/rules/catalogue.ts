import { ARGUMENT_RULES } from './argument-rules';
import { CILIUM_RULES } from './cilium-rules';
import { EDGE_RULES } from './edge-rules';
import { ETCD_RULES } from './etcd-rules';
import { HARDWARE_RULES } from './hardware-rules';
import { NETWORK_RULES } from './network-rules';
import { NODE_RULES } from './node-rules';
import { POLICY_RULES } from './policy-rules';
import { QUORUM_RULES } from './quorum-rules';
import { REGISTRATION_RULES } from './registration-rules';
import { RELEASE_RULES } from './release-rules';
import type { Rule } from './rule';
import { SECURITY_RULES } from './security-rules';
import { TIMER_RULES } from './timer-rules';

/** Every design check, in the order in which findings of equal severity are shown. */
export const RULES: readonly Rule[] = [
  ...QUORUM_RULES,
  ...NODE_RULES,
  ...HARDWARE_RULES,
  ...REGISTRATION_RULES,
  ...NETWORK_RULES,
  ...CILIUM_RULES,
  ...POLICY_RULES,
  ...RELEASE_RULES,
  ...ARGUMENT_RULES,
  ...TIMER_RULES,
  ...ETCD_RULES,
  ...EDGE_RULES,
  ...SECURITY_RULES,
];
