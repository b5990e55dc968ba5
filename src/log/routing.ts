import type { LogConfig } from '../config.ts'
import { registered } from '../registered.ts'
import { createRoutes, type Routes } from './routes.ts'
import { openSettingsFile } from './settings/file.ts'
import { type LogPlan, planOfEnvironment } from './settings.ts'
import { closeUnused, type OpenOptions, type OpenSinks, openSinks } from './sinks.ts'

/** Says where records go, now. */
export type Routing = {
  /** Of all loggers; another object after each change. Never throws. */
  readonly current: () => Routes
  /** Says that there is a logger of this name. */
  readonly add: (logger: string) => void
}

export type RoutingOptions = {
  /** Asked once, at the first record. */
  readonly config: () => LogConfig
  readonly openFile: OpenOptions['openFile']
  /** Gets one message for a person, without line end. */
  readonly say: (message: string) => void
  /** Between two looks at the file of settings. */
  readonly intervalMs?: number
}

/** Names remembered for `disable_existing_loggers`; an app that makes more makes them from data. */
const NAMES_MAX = 10_000

/** Follows the `logging.yaml` of the configuration, or has the settings of the environment. Reads and opens nothing before it is asked. */
export function createRouting(options: RoutingOptions): Routing {
  const names = new Set<string>()
  let opened: OpenSinks | undefined
  let routes: Routes | undefined

  function use(plan: LogPlan, colors: boolean): Routes {
    const before = opened
    opened = openSinks(plan, { openFile: options.openFile, colors }, before)
    const next = createRoutes(plan, opened.sinks, routes === undefined ? new Set() : new Set(names))
    routes = next
    if (before !== undefined) closeUnused(before, opened)
    return next
  }

  function start(): Routes {
    const config = options.config()
    const fallback = planOfEnvironment(config)
    if (config.settingsPath === undefined) return use(fallback, config.color)
    const { say, intervalMs } = options
    const told = { say, saidMark: registered()?.saidSettings }
    const file = openSettingsFile({ path: config.settingsPath, fallback, ...told, ...(intervalMs === undefined ? {} : { intervalMs }) })
    file.follow((plan) => use(plan, config.color))
    return use(file.plan ?? fallback, config.color)
  }

  return {
    current: () => routes ?? start(),
    add(logger) {
      if (names.size < NAMES_MAX) names.add(logger)
    },
  }
}
