/** HAProxy with the configuration that we ship. */
import { fileURLToPath } from 'node:url'
import { createDaemon, type Daemon } from './daemon.ts'
import { isTaken } from './is-taken.ts'

const CONFIG = fileURLToPath(new URL('../../../deploy/haproxy.cfg', import.meta.url))

export type HaproxyOptions = {
  /** host:port, each. */
  readonly listen: string
  readonly fanouts: readonly [string, string]
  readonly evaluator: string
  /** Towards who sends and towards the sinks, as words of HAProxy. */
  readonly tls?: { readonly listen: string; readonly sinks: string }
}

export function createHaproxy({ listen, fanouts, evaluator, tls }: HaproxyOptions): Daemon {
  return createDaemon({
    name: 'HAProxy',
    program: '/usr/sbin/haproxy',
    args: ['-db', '-f', CONFIG],
    env: {
      HAPROXY_LISTEN: listen,
      FANOUT_1: fanouts[0],
      FANOUT_2: fanouts[1],
      EVALUATOR: evaluator,
      ...(tls && { HAPROXY_TLS: tls.listen, FANOUT_TLS: tls.sinks }),
    },
    isReady: () => isTaken(listen),
  })
}
