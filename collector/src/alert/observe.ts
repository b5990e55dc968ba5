import type { Labels } from '../notification.ts'
import type { ReadSignals, SignalQuery } from '../signal.ts'
import type { Rule } from './rule.ts'
import { infoOf } from './signal-info.ts'

/** The values of a rule's signals for one combination of labels, in their order; NaN for one without data. */
export type Observation = { readonly labels: Labels; readonly values: readonly number[] }

/** What a rule sees: one observation for each combination of its labels. */
export type Observed = { readonly list: readonly Observation[]; readonly byKey: () => ReadonlyMap<string, Observation> }

/** Sees for all rules of one evaluation: what several of them ask is looked up once. */
export function createObserver(read: ReadSignals, nowMs: number): (rule: Rule) => Observed {
  const known = new Map<string, Observed>()

  function look({ signal, windowMs, by }: SignalQuery): Observed {
    const key = `${signal} ${windowMs} ${by.join()}`
    const found = known.get(key)
    if (found !== undefined) return found
    const readings = read({ signal, windowMs, by }, nowMs)
    const observed = toObserved(
      readings.map(({ labels, value }) => ({ labels, values: [Number.isFinite(value) ? value : Number.NaN] })),
      by,
    )
    known.set(key, observed)
    return observed
  }

  /** A signal that does not have all labels counts with its value for those that it has. */
  return function observe({ signals, by }) {
    const [first, ...others] = signals
    if (first === undefined) return toObserved([{ labels: {}, values: [] }], [])
    if (others.length === 0) return look({ signal: first.signal, windowMs: first.windowMs, by })
    const sources = signals.map(({ signal, windowMs }) => {
      const own = by.filter((label) => infoOf(signal).labels.includes(label))
      return { own, observed: look({ signal, windowMs, by: own }) }
    })
    const whole = sources.filter(({ own }) => own.length === by.length).flatMap(({ observed }) => observed.list)
    const combinations = new Map(whole.map(({ labels }) => [keyOf(labels, by), labels] as const))
    const list = [...combinations.values()].map((labels) => ({
      labels,
      values: sources.map(({ own, observed }) => observed.byKey().get(keyOf(labels, own))?.values[0] ?? Number.NaN),
    }))
    return toObserved(list, by)
  }
}

function toObserved(list: readonly Observation[], by: readonly string[]): Observed {
  let index: ReadonlyMap<string, Observation> | undefined
  return {
    list,
    byKey: () => (index ??= new Map(list.map((observation) => [keyOf(observation.labels, by), observation]))),
  }
}

/** `{route="/v1/speak"}`; '' for no labels. */
export function keyOf(labels: Labels, names: readonly string[]): string {
  if (names.length === 0) return ''
  return `{${names.map((name) => `${name}=${JSON.stringify(labels[name] ?? '')}`).join(',')}}`
}
