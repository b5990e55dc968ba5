import { leastOf } from './levels.ts'
import type { LoggerSettings, LogPlan } from './settings.ts'
import type { Sink } from './sinks.ts'

/** Where the records of one logger go. */
export type Route = {
  /** Least severity that is written anywhere. */
  readonly least: number
  readonly sinks: readonly Sink[]
}

/** A plan with its sinks opened; another object whenever the plan has changed. */
export type Routes = { readonly find: (logger: string) => Route }

const NOWHERE: Route = { least: Number.POSITIVE_INFINITY, sinks: [] }

/**
 * Levels and sinks as Python's logging finds them: the level of the nearest logger above that has one, the sinks of all of them up to one that
 * does not propagate. A sink that is met twice gets a record once. `existing` are loggers from before this plan.
 * https://docs.python.org/3/library/logging.html#logging.Logger.propagate
 */
export function createRoutes(plan: LogPlan, sinks: ReadonlyMap<string, Sink>, existing: ReadonlySet<string>): Routes {
  return {
    find(logger) {
      const chain = chainOf(plan, logger)
      if (plan.disableExisting && existing.has(logger) && chain.length === 1 && !isRoot(logger)) return NOWHERE
      const found = sinksOf(chain).flatMap((name) => sinks.get(name) ?? [])
      if (found.length === 0) return NOWHERE
      return { least: Math.max(leastOfChain(chain), Math.min(...found.map(({ least }) => least))), sinks: found }
    },
  }
}

/** The settings that apply, nearest first; the root's are the last. */
function chainOf(plan: LogPlan, logger: string): readonly LoggerSettings[] {
  const chain: LoggerSettings[] = []
  for (let name = isRoot(logger) ? '' : logger; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
    if (Object.hasOwn(plan.loggers, name)) chain.push(plan.loggers[name]!)
  }
  return [...chain, plan.root]
}

function isRoot(logger: string): boolean {
  return logger === '' || logger === 'root'
}

function leastOfChain(chain: readonly LoggerSettings[]): number {
  return leastOf(chain.find(({ level }) => level !== 'NOTSET')?.level)
}

/** Each once, however many loggers name it. */
function sinksOf(chain: readonly LoggerSettings[]): readonly string[] {
  const names = new Set<string>()
  for (const { sinks, propagate } of chain) {
    for (const name of sinks) names.add(name)
    if (!propagate) break
  }
  return [...names]
}
