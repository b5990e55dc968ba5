import type { Attributes } from '@opentelemetry/api'
import { SERVER_ADDRESS, SERVER_PORT } from '../tts/semconv.ts'
import { DB_CLIENT_CONNECTION_POOL_NAME, DB_NAMESPACE, DB_SYSTEM_NAME } from './db-semconv.ts'

/** A database that connections lead to. */
export type DbTarget = {
  readonly namespace: string | undefined
  /** `db.client.connection.pool.name` of a pool of such connections. */
  readonly pool: Readonly<Attributes>
  /** Attributes of all calls there that have `value` for `name`: the same frozen object each time. Without a value: of all calls. */
  with(name: string, value: string | undefined): Readonly<Attributes>
}

/** Where a client is configured to connect. Never with user or password. */
export type DbAddress = {
  readonly system: 'postgresql' | 'redis'
  /** A host name, an address, or the path of a socket. */
  readonly address: string | undefined
  readonly port: number | undefined
  readonly namespace: string | undefined
}

/** An app with a database for each of its customers has more; those are made anew when they come again. */
const TARGETS_MAX = 256
/** Attribute sets of one target. The metrics SDK gives an instrument 2,000 series. */
const SERIES_MAX = 1_024

/** Makes targets and remembers them, so that all connections of a pool share one. */
export function createDbTargets(): (address: DbAddress) => DbTarget {
  const known = new Map<string, DbTarget>()
  return function targetOf(address) {
    const key = `${address.system}|${address.address}|${address.port}|${address.namespace}`
    const found = known.get(key)
    if (found) return found
    if (known.size >= TARGETS_MAX) known.clear()
    const target = createTarget(address)
    known.set(key, target)
    return target
  }
}

function createTarget({ system, address, port, namespace }: DbAddress): DbTarget {
  const base: Attributes = { [DB_SYSTEM_NAME]: system }
  if (namespace !== undefined) base[DB_NAMESPACE] = namespace
  if (address !== undefined) base[SERVER_ADDRESS] = address
  if (port !== undefined) base[SERVER_PORT] = port
  Object.freeze(base)
  const series = new Map<string, Map<string, Readonly<Attributes>>>()

  function seriesOf(name: string): Map<string, Readonly<Attributes>> {
    const known = series.get(name) ?? new Map<string, Readonly<Attributes>>()
    series.set(name, known)
    if (known.size >= SERIES_MAX) known.clear()
    return known
  }

  return {
    namespace,
    pool: Object.freeze({ [DB_CLIENT_CONNECTION_POOL_NAME]: poolName(address, port, namespace) }),
    with(name, value) {
      if (value === undefined) return base
      const found = series.get(name)?.get(value)
      if (found) return found
      const attributes = Object.freeze({ ...base, [name]: value })
      seriesOf(name).set(value, attributes)
      return attributes
    },
  }
}

/** As the convention builds the name of a pool that has none. */
function poolName(address = 'unknown', port: number | undefined, namespace: string | undefined): string {
  return `${address}${port === undefined ? '' : `:${port}`}${namespace === undefined ? '' : `/${namespace}`}`
}
