import { z } from 'zod';
import { findIpv4 } from '@/lib/core/cidr';
import { FIND_PROGRAM } from './find-program';
import { toProbe, toScript, toVerify } from './script';
import { JOURNAL } from './service-run';
import { StampValue } from './stamp';
import { defineStepKind } from './step-kind';

/** Stamp of a load balancer that was seen to listen with the configuration whose hash it holds. */
export const LB_READY_STAMP = 'lb-ready';

export const LbReadyParams = z.strictObject({
  /** The virtual IP that keepalived moves; null without one. */
  vip: z
    .string()
    .refine((text) => findIpv4(text) !== null, 'not an IPv4 address')
    .nullable(),
  stamp: StampValue,
});
export type LbReadyParams = z.infer<typeof LbReadyParams>;

/**
 * Listeners are read from /proc/net/tcp, where ports stand in hex (192B is 6443, 2481 is 9345) and 0A means listening
 * (Linux Documentation/networking/proc_net_tcp). The VIP counts as held when it is on this host or takes a connection:
 * whoever goes on to the next load balancer then never takes away the only one that serves.
 */
const SHARED = `${FIND_PROGRAM}
find_ports() {
  api=no
  join=no
  for table in "$root/proc/net/tcp" "$root/proc/net/tcp6"; do
    if [ ! -r "$table" ]; then continue; fi
    while read -r _ address _ mode _; do
      case "$mode $address" in '0A '*:192B) api=yes ;; '0A '*:2481) join=yes ;; esac
    done < "$table"
  done
}
is_active() { [ "$(systemctl is-active -- "$1" 2>/dev/null)" = active ]; }
is_held() {
  case "$(ip -o -4 addr show 2>/dev/null) " in *" $sp_vip/"*) return 0 ;; esac
  if curl=$(find_program curl); then
    # The time until the connection stood, and 0 where it never did; without TLS, because curl counts a failed handshake as no connection.
    took=$("$curl" -s -o /dev/null --noproxy '*' --connect-timeout 3 --max-time 3 -w '%{time_connect}' "http://$sp_vip:6443/" 2>/dev/null </dev/null) || :
    case "$took" in *[1-9]*) return 0 ;; esac
  elif ping=$(find_program ping); then
    if "$ping" -c 1 -W 2 "$sp_vip" >/dev/null 2>&1; then return 0; fi
  else
    note "neither curl nor ping is here to find out who holds the virtual IP $sp_vip; install curl"
    return 1
  fi
  note "no load balancer holds the virtual IP $sp_vip"
  return 1
}
is_ready() {
  if ! is_active nginx.service; then note 'nginx does not run'; return 1; fi
  find_ports
  if [ "$api" = no ]; then note 'nothing listens on port 6443'; return 1; fi
  if [ "$join" = no ]; then note 'nothing listens on port 9345'; return 1; fi
  if [ -z "$sp_vip" ]; then return 0; fi
  if ! is_active keepalived.service; then note 'keepalived does not run'; return 1; fi
  is_held || return 1
}
is_so() {
  is_ready || return 1
  if [ "$(read_stamp ${LB_READY_STAMP})" != "$sp_stamp" ]; then note 'not seen working with this configuration yet'; return 1; fi
}
`;

const ACT = `
begun=$(seconds_up)
told=0
while ! why=$(is_ready); do
  elapsed=$(($(seconds_up) - begun))
  if [ "$elapsed" -ge "$sp_wait_s" ]; then
    case "$why" in *keepalived*|*virtual*) sp_unit=keepalived.service ;; *) sp_unit=nginx.service ;; esac
    since=$((since - 300))
    give_up "$why after $elapsed s"
  fi
  if [ "$elapsed" -ge "$((told + 10))" ]; then told=$elapsed; note "$why ($elapsed s)"; fi
  sleep 0.5 2>/dev/null || sleep 1
done
write_stamp ${LB_READY_STAMP} "$sp_stamp"
note 'nginx passes 6443 and 9345 on'
`;

/** Waits until a load balancer listens for API and joins, keepalived runs, and the virtual IP is held by somebody. */
export const lbReady = defineStepKind({
  kind: 'lb.ready',
  params: LbReadyParams,
  probe: toProbe(SHARED),
  act: toScript(SHARED, JOURNAL, ACT),
  verify: toVerify(SHARED, 'if [ -n "$sp_vip" ]; then output vip "$sp_vip"; fi\n'),
  timeoutS: 180,
  uninterruptible: null,
  toTitle: ({ vip }) =>
    vip === null ? 'Check that nginx listens' : 'Check that nginx listens and the virtual IP is held',
  toVariables: ({ vip, stamp }) => ({ vip: vip ?? '', stamp, wait_s: '90' }),
});
