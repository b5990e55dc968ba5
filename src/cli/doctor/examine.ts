import { type Config, parseConfig } from '../../config.ts'
import type { Environment } from '../../config-reader.ts'
import { createRedactor } from '../../log/redact.ts'
import { VERSION } from '../../resource.ts'
import { checkConnection } from './connection.ts'
import { createDeadline, type Deadline } from './deadline.ts'
import { checkDelivery } from './delivery.ts'
import { findEndpoints } from './endpoints.ts'
import { type Finding, problem, skipped } from './findings.ts'
import { checkNode, currentRuntime } from './node.ts'
import { checkPackages } from './packages.ts'
import { checkRegistration } from './registration.ts'
import { checkSettings, listSettings, type ShownSetting } from './settings.ts'
import { checkSpool } from './spool.ts'

export type ExamineOptions = {
  /** Where the app is. */
  readonly folder: string
  /** Its first file, when it was named. */
  readonly app: string | undefined
  readonly env: Environment
}

export type Section = { readonly title: string; readonly findings: readonly Finding[] }

/** All that was found. */
export type Examination = {
  readonly version: string
  readonly service: string | undefined
  readonly folder: string
  readonly sections: readonly Section[]
  readonly settings: readonly ShownSetting[]
  readonly durationMs: number
}

/** All steps on the network and the trial start together; the walk through the tree has a limit of its own. */
const TOTAL_MS_MAX = 15_000

/** Runs every check, bounded in time. Never throws: a check that breaks is a finding. */
export async function examine({ folder, app, env }: ExamineOptions): Promise<Examination> {
  const startMs = performance.now()
  const { config, problems } = parseConfig(env)
  const deadline = createDeadline(TOTAL_MS_MAX)
  const sections: readonly Promise<Section | readonly Section[]>[] = [
    section('Node', () => checkNode(currentRuntime())),
    section('Packages', () => checkPackages(folder)),
    section('Registration', () => checkRegistration({ folder, app, env, deadline, isDisabled: config.disabled })),
    section('Settings', () => checkSettings({ env, config, problems })),
    checkNetwork(config, deadline),
    section('Disk', () => checkSpool(config.spool)),
  ]
  const redactor = createRedactor()
  const clean = ({ title, findings }: Section) => ({
    title,
    findings: findings.map((finding) => ({ ...finding, detail: redactor.text(finding.detail) })),
  })
  return {
    version: VERSION,
    service: config.serviceName ?? config.resourceAttributes['service.name'],
    folder,
    sections: (await Promise.all(sections)).flat().map(clean),
    settings: listSettings(env),
    durationMs: Math.round(performance.now() - startMs),
  }
}

/** The way to each collector, then what is delivered there. */
async function checkNetwork(config: Config, deadline: Deadline): Promise<readonly Section[]> {
  const endpoints = findEndpoints(config)
  if (endpoints.length === 0) {
    const findings = [skipped('delivery', 'nothing is sent to a collector, as configured')]
    return [{ title: 'Delivery', findings }]
  }
  const ways = await Promise.all(
    endpoints.map(async (endpoint) => ({ endpoint, found: await section('', () => checkConnection(endpoint, deadline)) })),
  )
  const isOpen = ({ found }: (typeof ways)[number]) => found.findings.every(({ status }) => status !== 'problem')
  const [open, closed] = [ways.filter(isOpen), ways.filter((way) => !isOpen(way))]
  const delivery = await section('Delivery', () =>
    checkDelivery({ config, signals: open.flatMap(({ endpoint }) => endpoint.signals), deadline }),
  )
  const notTried = closed.map(({ endpoint }) =>
    skipped('delivery', `${endpoint.signals.join(', ')}: not tried, there is no way to ${endpoint.origin}`),
  )
  return [
    ...ways.map(({ endpoint, found }) => ({ title: `Connection to ${endpoint.origin}`, findings: found.findings })),
    { title: 'Delivery', findings: [...delivery.findings, ...notTried] },
  ]
}

async function section(title: string, check: () => readonly Finding[] | Promise<readonly Finding[]>): Promise<Section> {
  try {
    return { title, findings: await check() }
  } catch (error) {
    return { title, findings: [problem('doctor', `a check broke: ${error instanceof Error ? error.message : String(error)}`)] }
  }
}
