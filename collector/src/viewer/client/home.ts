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
  const [summary, errors, critical, traces] = await Promise.all([
    getSummary(new Date(Date.now() - HOUR_MS)).then(showSummary, showMissing),
    getLogs({ level: 'ERROR', limit }),
    getLogs({ level: 'CRITICAL', limit }),
    getTraces({ limit }),
  ])
  const newest = newestFirst([...errors, ...critical]).slice(0, ROWS)
  return [
    el('h1', {}, 'The last hour'),
    summary,
    el('h2', {}, 'Recent errors'),
    newest.length === 0 ? el('p', { class: 'none' }, 'No error is stored.') : showLogs(newest, { linked: true }),
    el('h2', {}, 'Recent requests'),
    showTraces(traces),
  ]
}

/** The rest of the page is worth having without the figures. A missing token is for the page to ask for. */
function showMissing(error: unknown): HTMLElement {
  if (error instanceof TokenError) throw error
  return el('p', { class: 'none' }, `There are no figures: ${error instanceof Error ? error.message : error}`)
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
