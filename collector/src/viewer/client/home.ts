import { getLogs, getSummary, getTraces, TokenError } from './api.ts'
import { el } from './dom.ts'
import { showLogs } from './log-list.ts'
import type { LogRow, Summary } from './rows.ts'
import { showMs } from './time.ts'
import { showTraces } from './trace-list.ts'

const HOUR_MS = 3_600_000
const ROWS = 20

/** How it goes, what went wrong last, and what was asked for last. */
export async function showHome(): Promise<readonly HTMLElement[]> {
  const limit = String(ROWS)
  const parts = await Promise.allSettled([
    getSummary(new Date(Date.now() - HOUR_MS)).then(showSummary),
    Promise.all([getLogs({ level: 'ERROR', limit }), getLogs({ level: 'CRITICAL', limit })]).then(showErrors),
    getTraces({ limit }).then(showTraces),
  ])
  throwIfWorthless(parts)
  const [summary, errors, traces] = parts
  return [
    el('h1', {}, 'The last hour'),
    partOf(summary, 'figures'),
    el('h2', {}, 'Recent errors'),
    partOf(errors, 'errors'),
    el('h2', {}, 'Recent requests'),
    partOf(traces, 'requests'),
  ]
}

/** The page is worth having without some of its parts, not without all. A missing token is for the page to ask for. */
function throwIfWorthless(parts: readonly PromiseSettledResult<HTMLElement>[]): void {
  const reasons = parts.flatMap((part) => (part.status === 'rejected' ? [part.reason] : []))
  const token = reasons.find((reason) => reason instanceof TokenError)
  if (token !== undefined || reasons.length === parts.length) throw token ?? reasons[0]
}

function partOf(part: PromiseSettledResult<HTMLElement>, what: string): HTMLElement {
  if (part.status === 'fulfilled') return part.value
  return el('p', { class: 'none' }, `There are no ${what} to show: ${part.reason instanceof Error ? part.reason.message : part.reason}`)
}

function showErrors(levels: readonly (readonly LogRow[])[]): HTMLElement {
  const newest = newestFirst(levels.flat()).slice(0, ROWS)
  return newest.length === 0 ? el('p', { class: 'none' }, 'No error is stored.') : showLogs(newest, { linked: true })
}

function newestFirst(logs: readonly LogRow[]): readonly LogRow[] {
  return logs.toSorted((a, b) => (a.timestamp < b.timestamp ? 1 : -1))
}

function showSummary(summary: Summary): HTMLElement {
  const { total_requests, failed_requests, error_rate, p95, audio_seconds, rtf, time_to_first_audio, estimated_cost_usd, by_outcome } =
    summary
  const spoken = Object.values(by_outcome).reduce((sum, count) => sum + count, 0)
  const silent = spoken - (by_outcome.ok ?? 0) - (by_outcome.cancelled ?? 0)
  const seconds = (value: number | null) => (value === null ? '–' : showMs(value * 1_000))
  return el(
    'div',
    { class: 'tiles' },
    tile('requests', String(total_requests)),
    tile('failed', String(failed_requests), total_requests === 0 ? '' : `${(error_rate * 100).toFixed(1)} %`, failed_requests > 0),
    tile('95 % took under', seconds(p95)),
    tile('spoken', String(spoken), `${audio_seconds.toFixed(0)} s of audio`),
    tile('not spoken well', String(silent), spoken === 0 ? '' : `${((silent / spoken) * 100).toFixed(1)} %`, silent > 0),
    tile('first audio after', seconds(time_to_first_audio)),
    tile('real-time factor', rtf === null ? '–' : rtf.toFixed(2)),
    tile('estimated cost', `$${estimated_cost_usd.toFixed(3)}`),
  )
}

function tile(label: string, value: string, more = '', isBad = false): HTMLElement {
  return el(
    'div',
    { class: isBad ? 'tile bad' : 'tile' },
    el('div', { class: 'label' }, label),
    el('div', { class: 'value' }, value),
    el('div', { class: 'more' }, more),
  )
}
