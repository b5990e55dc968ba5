import type { Labels } from '../notification.ts'

/** Keeps alerts from being told of, for a time and a reason. */
export type Silence = {
  readonly id: string
  /** What an alert has to have, all of it: its labels, with `alertname` and `severity`. `*` stands for any characters. */
  readonly matchers: Labels
  readonly author: string
  readonly reason: string
  /** ms since 1970. */
  readonly startsAtMs: number
  readonly endsAtMs: number
}

/** The first that silences an alert with `labels` at `nowMs`. */
export function findSilence(silences: readonly Silence[], labels: Labels, nowMs: number): Silence | undefined {
  return silences.find(
    ({ startsAtMs, endsAtMs, matchers }) =>
      startsAtMs <= nowMs && nowMs < endsAtMs && Object.entries(matchers).every(([name, pattern]) => fits(labels[name] ?? '', pattern)),
  )
}

/** Parts between stars are looked for from left to right: linear, unlike a regular expression made of the pattern. */
function fits(text: string, pattern: string): boolean {
  const [head = '', ...rest] = pattern.split('*')
  const tail = rest.pop()
  if (tail === undefined) return text === pattern
  if (!text.startsWith(head) || !text.endsWith(tail) || text.length < head.length + tail.length) return false
  const end = text.length - tail.length
  let from = head.length
  for (const part of rest) {
    const found = text.indexOf(part, from)
    if (found < 0 || found + part.length > end) return false
    from = found + part.length
  }
  return true
}
