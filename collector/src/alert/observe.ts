import type { Labels } from '../notification.ts'
import type { Range, Reading, ReadSignals, SignalQuery } from '../signal.ts'
import type { Rule } from './rule.ts'
import { infoOf } from './signal-info.ts'

/** The values of a rule's signals for one combination of labels, in their order; NaN for one without data. */
export type Observation = {
  readonly labels: Labels
  readonly values: readonly number[]
  /** Of each value, where a part of a window was not seen; absent when all was. */
  readonly ranges?: readonly Range[]
}

/** What a rule sees: one observation for each combination of its labels. */
export type Observed = {
  readonly list: readonly Observation[]
  /** What the values can be, one array for each signal: what is asked of a million of them is asked of these. The same array twice where they are known. */
  readonly lows: readonly Float64Array[]
  readonly highs: readonly Float64Array[]
  /** Of the observations, in their order. */
  readonly keys: () => readonly string[]
  readonly byKey: () => ReadonlyMap<string, Observation>
}

/** Sees for all rules of one evaluation: what several of them ask is looked up, and put together, once. */
export function createObserver(read: ReadSignals, nowMs: number): (rule: Pick<Rule, 'signals' | 'by'>) => Observed {
  const known = new Map<string, Observed>()

  function once(key: string, make: () => Observed): Observed {
    const found = known.get(key) ?? make()
    known.set(key, found)
    return found
  }
  function look(query: SignalQuery): Observed {
    return once(keyOfQuery(query), () => {
      return toObserved(read(query, nowMs).map(toObservation), { by: query.by, signals: 1 })
    })
  }
  /** A signal that does not have all labels counts with its value for those that it has. */
  function join(queries: readonly SignalQuery[], by: readonly string[]): Observed {
    const sources = queries.map((query) => ({ own: query.by, observed: look(query) }))
    const combinations = new Map<string, Labels>()
    for (const { own, observed } of sources)
      if (own.length === by.length)
        for (const [index, key] of observed.keys().entries()) combinations.set(key, observed.list[index]!.labels)
    const list = [...combinations].map(([key, labels]) => {
      const found = sources.map(({ own, observed }) => observed.byKey().get(own.length === by.length ? key : keyOf(labels, own)) ?? NOTHING)
      const isSeen = found.every(({ ranges }) => ranges === undefined)
      return { labels, values: found.map(({ values }) => values[0]!), ...(!isSeen && { ranges: found.map(rangeOf) }) }
    })
    return toObserved(list, { by, signals: queries.length })
  }

  return function observe({ signals, by }) {
    const queries = signals.map(({ signal, windowMs }) => ({ signal, windowMs, by: by.filter((label) => hasLabel(signal, label)) }))
    const [first, ...others] = queries
    if (first === undefined) return NOTHING_TO_SEE
    return others.length === 0 ? look(first) : once(`${queries.map(keyOfQuery).join()} by ${by.join()}`, () => join(queries, by))
  }
}

/** Of a rule without signals. */
const NOTHING_TO_SEE = toObserved([{ labels: {}, values: [] }], { by: [], signals: 0 })

/** Of one signal. */
function toObservation({ labels, value, range }: Reading): Observation {
  return Number.isFinite(value) ? { labels, values: [value], ...(range && { ranges: [range] }) } : { labels, values: [Number.NaN] }
}

const NOTHING: Observation = { labels: {}, values: [Number.NaN] }

function rangeOf({ values, ranges }: Observation): Range {
  return ranges?.[0] ?? { low: values[0]!, high: values[0]! }
}

function hasLabel(signal: string, label: string): boolean {
  return infoOf(signal).labels.includes(label)
}

function keyOfQuery({ signal, windowMs, by }: SignalQuery): string {
  return `${signal} ${windowMs} ${by.join()}`
}

function toObserved(list: readonly Observation[], { by, signals }: { readonly by: readonly string[]; readonly signals: number }): Observed {
  let keys: readonly string[] | undefined
  let index: ReadonlyMap<string, Observation> | undefined
  const keysOf = (): readonly string[] => (keys ??= list.map(({ labels }) => keyOf(labels, by)))
  const column = (of: (observation: Observation, slot: number) => number) =>
    Array.from({ length: signals }, (_, slot) => Float64Array.from(list, (observation) => of(observation, slot)))
  const lows = column(({ values, ranges }, slot) => ranges?.[slot]?.low ?? values[slot]!)
  const isSeen = list.every(({ ranges }) => ranges === undefined)
  return {
    list,
    lows,
    highs: isSeen ? lows : column(({ values, ranges }, slot) => ranges?.[slot]?.high ?? values[slot]!),
    keys: keysOf,
    byKey: () => (index ??= new Map(keysOf().map((key, place) => [key, list[place]!]))),
  }
}

/** `{route="/v1/speak"}`; '' for no labels. */
export function keyOf(labels: Labels, names: readonly string[]): string {
  if (names.length === 0) return ''
  return `{${names.map((name) => `${name}=${JSON.stringify(labels[name] ?? '')}`).join(',')}}`
}
