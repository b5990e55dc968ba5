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
  const cleanText = createCleaner()
  const clean = ({ title, findings }: Section) => ({
    title,
    findings: findings.map((finding) => ({ ...finding, detail: cleanText(finding.detail) })),
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

/** What a collector says that wants a token: it holds a name and a mark for the token, which a redactor would take for one. */
const PLACEHOLDERS = /("Authorization: Bearer <token>"|authorization=Bearer%20<token>)/

/** Takes secrets out of what was found, and leaves advice as it is. */
function createCleaner(): (text: string) => string {
  const redactor = createRedactor()
  return (text) =>
    text
      .split(PLACEHOLDERS)
      .map((part, index) => (index % 2 === 1 ? part : redactor.text(part)))
      .join('')
}
