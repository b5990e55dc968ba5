/** What is shown when the traffic is over. Everything here was read back from the collector. */
import { toBar } from '../../src/cli/trace-bars.ts'
import { drawWaterfall, formatMs } from '../../src/cli/waterfall.ts'
import type { Notice } from './alert-listener.ts'
import { drawFacts } from './facts.ts'
import type { Paint } from './paint.ts'
import type { StoredLog, StoredSpan, Summary } from './readback.ts'
import type { Verdict } from './verdict.ts'

export type Page = { readonly width: number; readonly paint: Paint }

const MARGIN = '  '

/** One request as it went through the service, and below it what the innermost span that failed has to say. */
export function tellTrace(spans: readonly StoredSpan[], { width, paint }: Page): readonly string[] {
  const reason = spans.findLast((span) => span.status === 'error' && span.status_message !== '')
  const drawn = drawWaterfall(spans.map(toBar), width - MARGIN.length, paint)
  return [...drawn, ...(reason ? [paint('dim', `${reason.name}: ${reason.status_message}`)] : [])].map(inset)
}

/** Its log lines, as a person reads them. */
export function tellLogs(logs: readonly StoredLog[], { width, paint }: Page): readonly string[] {
  const sourceWidth = Math.max(0, ...logs.map((log) => log.source.length))
  return logs.map(({ timestamp, level, source, message }) => {
    const time = timestamp.slice(11, 23)
    const head = `${time}  ${level.padEnd(8)}  ${source.padEnd(sourceWidth)}  `
    const room = Math.max(20, width - MARGIN.length - head.length)
    const text = message.length > room ? `${message.slice(0, room - 1)}…` : message
    const colour = level === 'ERROR' || level === 'CRITICAL' ? 'red' : level === 'WARNING' ? 'yellow' : 'dim'
    return inset(`${time}  ${paint(colour, level.padEnd(8))}  ${source.padEnd(sourceWidth)}  ${text}`)
  })
}

/** The figures of the whole run. */
export function tellSummary(summary: Summary): readonly string[] {
  const table = drawFacts([
    [
      ['requests', String(summary.total_requests)],
      ['failed', String(summary.failed_requests)],
      ['error rate', `${(summary.error_rate * 100).toFixed(1)} %`],
    ],
    [
      ['half took under', duration(summary.p50)],
      ['95 % under', duration(summary.p95)],
      ['first audio', duration(summary.time_to_first_audio)],
    ],
    [
      ['audio made', `${summary.audio_seconds.toFixed(1)} s`],
      ['real-time factor', summary.rtf === null ? '-' : summary.rtf.toFixed(3)],
      ['estimated cost', `${summary.estimated_cost_usd.toFixed(4)} USD`],
    ],
  ])
  return [...table, '', `by outcome  ${counts(summary.by_outcome)}`, ...tellVoices(summary.voices)].map(inset)
}

/** What the webhook was told, one line for each notification. */
export function tellAlerts(notices: readonly Notice[], { paint }: Page): readonly string[] {
  if (notices.length === 0) return [inset('none')]
  return notices.map(({ atMs, status, rule, summary }) => {
    const shown = paint(status === 'firing' ? 'red' : 'green', status.padEnd(8))
    return inset(`${new Date(atMs).toISOString().slice(11, 19)}  ${shown}  ${rule}${status === 'firing' ? `: ${summary}` : ''}`)
  })
}

/** What a voice costs: dollars for each minute that it spoke. */
function tellVoices(voices: Summary['voices']): readonly string[] {
  const sorted = Object.entries(voices).sort(([, a], [, b]) => b.requests - a.requests)
  const lines = sorted.map(([name, { requests, audio_seconds, rtf, estimated_cost_usd }]) => {
    const speed = rtf === null ? '-' : rtf.toFixed(3)
    const usdPerMinute = audio_seconds === 0 ? '-' : ((estimated_cost_usd / audio_seconds) * 60).toFixed(4)
    return `${name.padEnd(8)} ${String(requests).padStart(3)} requests, real-time factor ${speed}, ${usdPerMinute} USD a minute`
  })
  return lines.map((line, index) => `${index === 0 ? 'by voice' : '        '}    ${line}`)
}

function duration(value: number | null): string {
  return value === null ? '-' : formatMs(value * 1_000)
}

function counts(groups: Readonly<Record<string, number>>): string {
  const sorted = Object.entries(groups).sort(([, a], [, b]) => b - a)
  return sorted.map(([name, count]) => `${name} ${count}`).join(', ') || 'none'
}

function inset(line: string): string {
  return line === '' ? '' : `${MARGIN}${line}`
}

/** The request that was shown. */
export type Told = { readonly requestId: string; readonly traceId: string }

/** Commands to go on with, for as long as everything is up. */
export function tellWhereNext(
  { collectorUrl, apiUrl }: { collectorUrl: string; apiUrl: string },
  { requestId, traceId }: Told,
): readonly string[] {
  return [
    'Let it speak, as demo-alice, demo-bob or, three times a minute, demo-carol:',
    `curl ${apiUrl}/api/v1/tts/generate -o hello.wav \\`,
    `  -H 'authorization: Bearer demo-alice' -H 'content-type: application/json' \\`,
    `  -d '{"text": "Hello, world", "voice": "Kore", "language": "en-US"}'`,
    '',
    'Look at it in a browser:',
    `${collectorUrl}/#/${requestId}`,
    '',
    'Ask the collector:',
    `curl '${collectorUrl}/api/logs?request_id=${requestId}'`,
    `curl '${collectorUrl}/api/traces/${traceId}'`,
    `curl '${collectorUrl}/api/traces?error=true'`,
    `curl '${collectorUrl}/api/metrics/summary'`,
    `curl '${collectorUrl}/api/alerts'`,
  ].map(inset)
}

/** Whether all of it arrived. */
export function tellCounts({ spans, logs, metrics }: Omit<Verdict, 'losses' | 'summary'>): readonly string[] {
  const pair = (sent: number, stored: number) => `${sent} -> ${stored}`
  return drawFacts([
    [
      ['spans', pair(spans.sent, spans.stored)],
      ['log records', pair(logs.sent, logs.stored)],
      ['metric points', pair(metrics.sent, metrics.acknowledged)],
    ],
  ]).map(inset)
}
