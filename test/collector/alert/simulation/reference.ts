/**
 * What alerts are to do, written down once more, without a line of the collector's code: small enough to be read and believed.
 * Values come by label ('' for the whole), undefined where there is no data; all times are in s.
 */
export type Model = {
  readonly name: string
  readonly values: () => ReadonlyMap<string, number | undefined>
  readonly levels: readonly (readonly [limit: number, severity: number])[] // the lowest first: above it, it holds
  readonly forS?: number
  readonly keepS?: number
  readonly waitS?: number
  readonly repeatS: number
  readonly noData?: 'keep' | 'resolve' | 'alert'
  readonly quiet?: (label: string, now: number) => boolean
  readonly inhibitedBy?: string
}
export type Expected = { at: number; rule: string; reason: string; severity: number; firing: string[]; ended: string[] }
type Memory = { since: number; held: number; fires: boolean; severity: number }
type Group = { seen: Map<string, Memory>; told: Set<string>; severity: number; toldAt: number; newSince?: number | undefined }

export function createReference(models: readonly Model[]): (now: number) => Expected[] {
  const groups = new Map<string, Group>(models.map(({ name }) => [name, { seen: new Map(), told: new Set(), severity: -1, toldAt: 0 }]))
  let [passed, before] = [0, Number.NaN] // a stopwatch: what a clock that is set back says does not count

  return function check(now) {
    if (now > before) passed += now - before
    before = now
    for (const model of models) watch(model, groups.get(model.name)!)
    return models.flatMap((model) => tell(model, groups.get(model.name)!, now))
  }

  function watch({ values, levels, forS = 0, keepS = 0, noData = 'keep' }: Model, { seen, told }: Group): void {
    const now = values()
    const isBlind = [...now.values()].every((value) => value === undefined)
    if (isBlind && noData === 'alert' && seen.size === 0) now.size === 0 ? (now as Map<string, undefined>).set('', undefined) : undefined
    for (const label of new Set([...now.keys(), ...seen.keys()])) {
      const value = now.get(label)
      const holds =
        value !== undefined
          ? value > levels[0]![0]
          : isBlind || now.has(label)
            ? { keep: undefined, resolve: false, alert: true }[noData]
            : false
      const known = seen.get(label)
      if (holds === true) {
        const severity = value === undefined ? levels[0]![1] : Math.max(...levels.filter(([limit]) => value > limit).map(([, one]) => one))
        const since = known?.since ?? passed
        const fires = known?.fires === true || told.has(label) || passed - since >= forS
        seen.set(label, { since, held: passed, fires, severity: known?.fires ? Math.max(known.severity, severity) : severity })
      } else if (known?.fires !== true || (holds === false && passed - known.held >= keepS)) seen.delete(label)
    }
  }

  function tell({ name, repeatS, waitS = 0, quiet, inhibitedBy }: Model, group: Group, now: number): Expected[] {
    const firing = [...group.seen].filter(([, { fires }]) => fires).map(([label]) => label).sort() // biome-ignore format: one thought
    const worse = inhibitedBy === undefined ? undefined : groups.get(inhibitedBy)?.seen
    const seenBy = firing.filter((label) => quiet?.(label, now) !== true && !worse?.get(label)?.fires)
    const fresh = seenBy.filter((label) => !group.told.has(label))
    const known = firing.filter((label) => group.told.has(label))
    const ended = [...group.told].filter((label) => !firing.includes(label)).sort()
    group.newSince = fresh.length > 0 ? (group.newSince ?? passed) : undefined
    const isTime = group.newSince !== undefined && passed - group.newSince >= waitS
    const worst = Math.max(...seenBy.map((label) => group.seen.get(label)!.severity), known.length > 0 ? group.severity : -1)
    const isSeen = known.some((label) => seenBy.includes(label))
    let reason: string | undefined
    if (group.told.size === 0) reason = isTime ? 'first' : undefined
    else if (known.length === 0) reason = fresh.length > 0 ? 'more_instances' : 'resolved'
    else if (worst > group.severity && (isSeen || isTime)) reason = 'severity_raised'
    else if (isTime) reason = 'more_instances'
    else if (ended.length > 0) reason = 'resolved'
    else if (isSeen && passed - group.toldAt >= repeatS) reason = 'repeat'
    if (reason === undefined) return []
    const all = [...known, ...fresh].sort()
    const severity = all.length > 0 ? worst : group.severity
    Object.assign(group, { told: new Set(all), severity, toldAt: passed, newSince: undefined })
    return [{ at: now, rule: name, reason, severity, firing: all, ended }]
  }
}
