// Compiled by types.test.ts against the published declarations; never run.
import {
  type AlertState,
  addRule,
  type Breach,
  checkAlerts,
  createAlertState,
  evaluate,
  type Notification,
  type NotificationReason,
  parseRules,
  type ReadSignals,
  type RuleSet,
  SHIPPED_RULES,
  SIGNALS,
  type SignalName,
} from 'tts-otel-collector/alerts'

const { rules, problems } = parseRules(SHIPPED_RULES, { file: 'alerts.yaml' })
export const messages: readonly string[] = problems
export const more: RuleSet = addRule(rules, {
  name: 'Slow speech',
  condition: 'rtf_p95[10m] > 1',
  severity: 'error',
  channels: ['slack'],
  for: '5m',
  by: ['voice'],
})
addRule(rules, { name: 'SLO', burn_rate: { objective: '99.9%' } })
// @ts-expect-error a severity is one of four
addRule(rules, { name: 'Slow speech', condition: 'rtf_p95 > 1', severity: 'fatal' })
// @ts-expect-error a rule has a condition or a burn rate
addRule(rules, { name: 'Nothing' })

export const breaches: readonly Breach[] = checkAlerts(more, { error_rate: 0.07, queue_length: null })
export const message: string | undefined = breaches[0]?.message

const read: ReadSignals = ({ signal, windowMs, by }, atMs) => [{ labels: {}, value: signal.length + windowMs + by.length + atMs }]
let state: AlertState = createAlertState(Date.now())
const output = evaluate({ state, rules: more, read, nowMs: Date.now() })
state = output.state
export const told: readonly Notification[] = output.notifications
export const reason: NotificationReason | undefined = told[0]?.reason
const name: SignalName = 'error_rate'
export const unit: string = SIGNALS[name].unit
