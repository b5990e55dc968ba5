/** `unknown`: never examined yet, not examined lately, or the check gave no answer that can be read. */
export type ServiceStatus = 'healthy' | 'unhealthy' | 'unknown'

/** The same for the whole; `degraded`: what is critical is healthy, and something else is not. */
export type HealthStatus = ServiceStatus | 'degraded'

/** One thing the app depends on. */
export type ServiceHealth = {
  readonly status: ServiceStatus
  /** Seconds that the last check took; absent before the first. */
  readonly response_time?: number
  /** Why it is not healthy: no credentials, hosts, statements or paths. */
  readonly error?: string
  /** ISO time of the last check; of {@link createHealth} before the first. */
  readonly timestamp: string
}

/** What `/health` answers. */
export type HealthReport = {
  readonly status: HealthStatus
  /** ISO time of this answer. */
  readonly timestamp: string
  readonly services: Readonly<Record<string, ServiceHealth>>
}

/** The worst of the critical services; `degraded` when those are healthy and another is not. */
export function overallStatus(services: HealthReport['services'], isCritical: (name: string) => boolean): HealthStatus {
  const failing = Object.entries(services).filter(([, { status }]) => status !== 'healthy')
  const critical = failing.filter(([name]) => isCritical(name)).map(([, { status }]) => status)
  if (critical.includes('unhealthy')) return 'unhealthy'
  if (critical.length > 0) return 'unknown'
  return failing.length > 0 ? 'degraded' : 'healthy'
}

/** Whether requests can be served: by orchestrators everything else is answered with 503. */
export function isServing(status: HealthStatus): boolean {
  return status === 'healthy' || status === 'degraded'
}
