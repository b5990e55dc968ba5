/** More is no test that a person has written. */
const VALUES_MAX = 100_000
const ITEM = /^(?:(_|[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(?:([+-](?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?))?)(?:x(\d+))?$/i

/**
 * Values of a series as `promtool test rules` writes them: `0.1` is one value, `0.1x5` five, `0+0.1x3` goes 0, 0.1, 0.2, 0.3, `_` has no
 * data and `_x5` has none five times. undefined for anything else.
 */
export function parseSeriesValues(text: string): readonly (number | null)[] | undefined {
  const values: (number | null)[] = []
  for (const item of text.trim().split(/\s+/)) {
    const [whole, first, growth, times] = ITEM.exec(item) ?? []
    if (whole === undefined || first === undefined || (growth !== undefined && (times === undefined || first === '_'))) return undefined
    const count = Number(times ?? 1) + (growth === undefined ? 0 : 1)
    if (values.length + count > VALUES_MAX) return undefined
    for (let index = 0; index < count; index++) values.push(first === '_' ? null : Number(first) + Number(growth ?? 0) * index)
  }
  return values
}
