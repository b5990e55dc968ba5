import { ALERT_SEVERITIES, type Labels } from '../notification.ts'
import { parseDuration } from './duration.ts'
import type { RulePhase } from './explain.ts'
import { createFields, type Fields, type Tell } from './fields.ts'
import { parseSeriesValues } from './series-values.ts'
import { type Path, readYaml, type YamlText } from './yaml-text.ts'

/** Values of a signal over time, and what is to come of them. Times are ms since the start of the test. */
export type RuleTest = {
  readonly name: string
  /** ms since 1970, for mute times and silences. */
  readonly startMs: number
  readonly intervalMs: number
  readonly evaluationMs: number
  readonly series: readonly TestSeries[]
  readonly checks: readonly RuleCheck[]
  /** All that are told, in their order; undefined: not looked at. */
  readonly notifications: readonly ExpectedNotification[] | undefined
  readonly path: Path
}

export type TestSeries = {
  readonly signal: string
  /** undefined: any. */
  readonly windowMs: number | undefined
  readonly labels: Labels
  /** null: no data. After the last one there is none either. */
  readonly values: readonly (number | null)[]
  readonly path: Path
}

export type RuleCheck = {
  readonly atMs: number
  readonly rule: string
  readonly state: RulePhase | undefined
  /** Those that fire; undefined: not looked at. */
  readonly alerts: readonly { readonly labels: Labels; readonly annotations: Labels | undefined }[] | undefined
  readonly path: Path
}

/** What is not given is not looked at. */
export type ExpectedNotification = { readonly fields: Readonly<Record<string, unknown>>; readonly path: Path }

/** Tests of rules as a file describes them; `describe` says something about a part of the file. */
export type ParsedRuleTests = {
  readonly ruleFiles: readonly string[]
  readonly tests: readonly RuleTest[]
  readonly problems: readonly string[]
  readonly describe: (path: Path, message: string) => string
}

const STATES = ['inactive', 'pending', 'firing', 'no_data'] as const satisfies readonly RulePhase[]
const REASONS = ['first', 'more_instances', 'severity_raised', 'repeat', 'resolved'] as const
const EVALUATION_MS = 30_000
const START = '2026-01-01T00:00:00Z'
const SERIES = /^([A-Za-z_]\w*)(?:\[(\w+)\])?\s*(?:\{(.*)\})?$/s
const LABEL = /\s*([A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)/gy

/** Reads a test file, which has the names of `promtool test rules`. Never throws. */
export function parseRuleTests(text: string, file: string): ParsedRuleTests {
  const yaml = readYaml(text)
  const describe = (path: Path, message: string): string => `${file}:${yaml.describe(path, message)}`
  if (yaml.problems.length > 0)
    return { ruleFiles: [], tests: [], problems: yaml.problems.map((problem) => `${file}:${problem}`), describe }
  const problems: string[] = []
  const tell: Tell = (path, message) => void problems.push(describe(path, `${path.join('.')} ${message}`))
  const fields = createFields(yaml.value ?? {}, [], tell)
  const evaluationMs = fields.duration('evaluation_interval') ?? EVALUATION_MS
  if (evaluationMs <= 0) fields.tell('evaluation_interval', 'has to be more than 0')
  const ruleFiles = fields.texts('rule_files') ?? []
  if (ruleFiles.length !== 1) fields.tell('rule_files', 'has to name the one file whose rules are tested')
  const tests = fields.each('tests').map((test, index) => readTest(test, { index, evaluationMs, sourceAt: yaml.sourceAt }))
  fields.refuseOthers()
  return { ruleFiles, tests, problems, describe }
}

type TestContext = { readonly index: number; readonly evaluationMs: number; readonly sourceAt: YamlText['sourceAt'] }

function readTest(fields: Fields, { index, evaluationMs, sourceAt }: TestContext): RuleTest {
  const start = fields.text('start') ?? START
  const startMs = Date.parse(start)
  if (Number.isNaN(startMs)) fields.tell('start', `is "${start}": it has to be a time, 2026-11-22T10:00:00Z`)
  const intervalMs = fields.duration('interval') ?? evaluationMs
  if (intervalMs <= 0) fields.tell('interval', 'has to be more than 0')
  const test: RuleTest = {
    name: fields.text('name') ?? `test ${index + 1}`,
    startMs,
    intervalMs,
    evaluationMs,
    series: fields.each('input_series').map((series) => readSeries(series, sourceAt)),
    checks: fields.each('alert_rule_test').map(readCheck),
    notifications: fields.has('exp_notifications') ? fields.each('exp_notifications').map(readNotification) : undefined,
    path: fields.path,
  }
  fields.refuseOthers()
  return test
}

function readSeries(fields: Fields, sourceAt: YamlText['sourceAt']): TestSeries {
  const series = fields.text('series') ?? ''
  const given = fields.has('values') ? sourceAt([...fields.path, 'values']) : undefined
  const [, signal, window, inner] = SERIES.exec(series.trim()) ?? []
  const labels = inner === undefined ? {} : readLabels(inner)
  const windowMs = window === undefined ? undefined : parseDuration(window)
  if (signal === undefined || labels === undefined || (window !== undefined && windowMs === undefined))
    fields.tell('series', `is "${series}": it has to be like error_rate[1m]{route="/v1/speak"}`)
  const values = parseSeriesValues(given ?? '')
  if (values === undefined) fields.tell('values', `is ${JSON.stringify(given) ?? 'nothing'}: it has to be like 0x5 0.08x10 _x2 0+0.1x3`)
  fields.refuseOthers()
  return { signal: signal ?? '', windowMs, labels: labels ?? {}, values: values ?? [], path: fields.path }
}

function readLabels(text: string): Labels | undefined {
  const found = [...text.matchAll(LABEL)]
  const length = found.reduce((sum, [whole]) => sum + whole.length, 0)
  return length === text.length
    ? Object.fromEntries(found.map(([, name, value]) => [name!, JSON.parse(`"${value}"`) as string]))
    : undefined
}

function readCheck(fields: Fields): RuleCheck {
  const [atMs, rule] = [fields.duration('eval_time'), fields.text('alertname')]
  for (const name of ['eval_time', 'alertname']) if (!fields.has(name)) fields.tell(name, 'is missing')
  const alerts = fields.has('exp_alerts') ? fields.each('exp_alerts').map(readAlert) : undefined
  const state = fields.oneOf('exp_state', STATES)
  fields.refuseOthers()
  return { atMs: atMs ?? 0, rule: rule ?? '', state, alerts, path: fields.path }
}

function readAlert(fields: Fields): { readonly labels: Labels; readonly annotations: Labels | undefined } {
  const alert = {
    labels: fields.labels('exp_labels'),
    annotations: fields.has('exp_annotations') ? fields.labels('exp_annotations') : undefined,
  }
  fields.refuseOthers()
  return alert
}

function readNotification(fields: Fields): ExpectedNotification {
  const read = {
    at: fields.duration('at'),
    alertname: fields.text('alertname'),
    reason: fields.oneOf('reason', REASONS),
    status: fields.oneOf('status', ['firing', 'resolved']),
    severity: fields.oneOf('severity', ALERT_SEVERITIES),
    alerts: fields.number('alerts'),
    channels: fields.texts('channels'),
    group: fields.has('group') ? fields.labels('group') : undefined,
    summary: fields.text('summary'),
  }
  fields.refuseOthers()
  return { fields: Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined)), path: fields.path }
}
