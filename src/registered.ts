import { createStats, type TelemetryHealth } from './delivery/stats.ts'

/** What `register` leaves for the rest of the process to find. */
export type Registered = {
  readonly stats: () => TelemetryHealth
  readonly forceFlush: (timeoutMs?: number) => Promise<boolean>
  /** State of the `logging.yaml` whose faults were said at the start. */
  readonly saidSettings?: string | undefined
}

/** On `globalThis`, so that a second copy of this package (another path, another bundle) finds the first. */
const REGISTERED = Symbol.for('tts-otel.registered')

/** The SDK that `register` installed in this thread. */
export function registered(): Registered | undefined {
  return Reflect.get(globalThis, REGISTERED)
}

/** Makes `sdk` the one of this thread. */
export function setRegistered(sdk: Registered): void {
  Reflect.set(globalThis, REGISTERED, sdk)
}

/** What became of the telemetry of this thread so far, by signal; all zero when nothing is registered. */
export function getTelemetryHealth(): TelemetryHealth {
  return (registered()?.stats ?? createStats().snapshot)()
}
