/** Thirty days of a small fleet: what really happened, and how word of it reached the collector. Times are in s since the start, on the right clock. */
import type { Batch, MetricPoint, Resource } from '../../../../collector/src/batch.ts'
import { seededRandom } from '../../../support/random.ts'

/** What one process told at one time: what each route has counted since `start`, and the queue as it saw it. */
export type Report = {
  readonly instance: string
  readonly start: number
  readonly time: number
  readonly routes: Readonly<Record<string, Counted>>
  readonly queue: number
}

/** `failingSince`: the first failure ever, where the series of failures begins. */
type Counted = { readonly all: number; readonly failed: number; readonly failingSince: number }

/** What happens to the collector at one time, in this order: it may begin anew, its clock may be wrong by `offset`, reports come, it evaluates. */
export type Tick = {
  readonly time: number
  readonly offset: number
  /** `takeover`: by one that was up all the time and was told of nothing. */
  readonly begins: 'restart' | 'takeover' | undefined
  /** Nobody listens and nobody evaluates. */
  readonly isDown: boolean
  readonly arrived: readonly Report[]
  /** What processes tell now, whenever that arrives. */
  readonly made: readonly Report[]
  /** Nobody can know what happens: reports are held back, or our clock is ahead so that all seem old. */
  readonly isHidden: boolean
}

export const EXPORT_S = 60
export const EVALUATION_S = 30
/** Each has one trouble, and time to get over it. */
const SLOT_S = 2 * 3_600
const ROUTES = ['/v1/speak', '/v1/voices']
const REQUESTS = 1_000

type Span = { readonly from: number; readonly to: number }
type Trouble = {
  readonly errors?: Span & { readonly route: string; readonly share: number }
  readonly queue?: Span & { readonly slot: number; readonly length: number }
  readonly deploy?: { readonly at: number; readonly slot: number; readonly isNewName: boolean; readonly downS: number }
  readonly hold?: Span & { readonly slot: number }
  readonly outage?: Span
  readonly restart?: number
  readonly takeover?: number
  readonly clock?: Span & { readonly offset: number }
}

/** The same for the same seed. */
export function* createWorld(seed: number, days: number): Generator<Tick> {
  const random = seededRandom(seed)
  const fleet = [0, 1, 2].map((slot) => createProcess(slot))
  let waiting: { readonly at: number; readonly report: Report }[] = []
  let recent: Report[] = []
  let trouble: Trouble = {}
  for (let time = EVALUATION_S; time <= days * 86_400; time += EVALUATION_S) {
    if ((time - EVALUATION_S) % SLOT_S === 0) trouble = createTrouble(time - EVALUATION_S, random)
    const { hold, outage, restart, takeover, clock } = trouble
    for (const one of fleet) one.deploy(time, trouble)
    const made: Report[] = []
    // Told 7 s after the minute, and there 3 s later: between two evaluations.
    if (time % EXPORT_S === 30)
      for (const one of fleet) {
        const report = one.report(time - EVALUATION_S + 7, trouble)
        const isHeld = hold !== undefined && hold.slot === one.slot && time >= hold.from && time < hold.to
        if (report === undefined) continue
        made.push(report)
        waiting.push({ at: isHeld ? hold.to : time, report })
      }
    const offset = clock !== undefined && time >= clock.from && time < clock.to ? clock.offset : 0
    const isHidden = offset > 0 || (hold !== undefined && time >= hold.from && time <= hold.to)
    if (outage !== undefined && time >= outage.from && time < outage.to) {
      yield { time, offset, begins: undefined, isDown: true, arrived: [], made, isHidden }
      continue
    }
    const begins = restart === time || outage?.to === time ? 'restart' : takeover === time ? 'takeover' : undefined
    if (begins !== undefined) recent = []
    const due = waiting.filter(({ at }) => at <= time).map(({ report }) => report)
    waiting = waiting.filter(({ at }) => at > time)
    const again = [...due.filter(() => random() < 0.1), ...recent.filter(() => random() < 0.01)]
    recent = [...recent, ...due].slice(-100)
    yield { time, offset, begins, isDown: false, arrived: shuffled([...due, ...again], random), made, isHidden }
  }
}

function createTrouble(slotStart: number, random: () => number): Trouble {
  const minutes = (from: number, to: number) => slotStart + Math.round(from + random() * (to - from)) * 60
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  const slot = pick([0, 1, 2])
  const middle = minutes(48, 52)
  const happens = (share: number): boolean => random() < share
  const errors = { from: minutes(20, 25), to: minutes(95, 100), route: pick(ROUTES), share: pick([0.02, 0.08, 0.3, 0.9]) }
  const queue = { from: minutes(20, 25), to: minutes(95, 100), slot: pick([0, 1, 2]), length: pick([50, 150, 900]) }
  const disturbances: readonly Trouble[] = [
    {},
    { deploy: { at: middle, slot, isNewName: happens(0.5), downS: pick([0, 60, 600]) } },
    { hold: { slot, from: middle, to: middle + pick([120, 300, 900, 1_500]) } },
    { outage: { from: minutes(12, 60), to: minutes(61, 110) } },
    { restart: middle },
    { takeover: middle },
    { restart: middle, clock: { from: middle + 90, to: middle + 1_200, offset: pick([-3_600, -900, -60]) } },
    { clock: { from: middle, to: middle + 1_200, offset: pick([-3_600, -900, -60, 900, 7_200]) } },
  ]
  return { ...(happens(0.6) && { errors }), ...(happens(0.4) && { queue }), ...pick(disturbances) }
}

/** A process of the fleet, and those that come after it in its place. */
function createProcess(slot: number) {
  let life = 0
  let [instance, start, upFrom] = [`api-${slot}`, 0, 0]
  let counted = new Map(ROUTES.map((route) => [route, { all: 0, failed: 0, failingSince: 0 }]))
  return {
    slot,
    deploy(time: number, { deploy }: Trouble): void {
      if (deploy === undefined || deploy.slot !== slot || deploy.at !== time) return
      life++
      if (deploy.isNewName) instance = `api-${slot}-${life}`
      start = time + deploy.downS + 1
      upFrom = start
      counted = new Map(ROUTES.map((route) => [route, { all: 0, failed: 0, failingSince: 0 }]))
    },
    report(time: number, { errors, queue }: Trouble): Report | undefined {
      if (time <= upFrom) return undefined
      for (const [route, sums] of counted) {
        const isFailing = errors !== undefined && errors.route === route && time > errors.from && time <= errors.to
        sums.all += REQUESTS
        if (isFailing && sums.failed === 0) sums.failingSince = time - EXPORT_S + 1
        sums.failed += isFailing ? REQUESTS * errors.share : 0
      }
      const isLong = queue !== undefined && queue.slot === slot && time > queue.from && time <= queue.to
      const routes = Object.fromEntries([...counted].map(([route, sums]) => [route, { ...sums }]))
      return { instance, start, time, routes, queue: isLong ? Math.min(queue.length, time > queue.from + 3_600 ? 900 : 150) : 1 }
    },
  }
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ item }) => item)
}

const resources = new Map<string, Resource>()

/** The report as the collector decodes it. */
export function toBatch({ instance, start, time, routes, queue }: Report, epochMs: number): Batch {
  const resource = resources.get(instance) ?? {
    attributes: { 'service.name': 'tts', 'service.instance.id': instance },
    service: 'tts',
    instanceId: instance,
  }
  resources.set(instance, resource)
  const scope = { name: 'tts-otel', version: '1', attributes: {} }
  const base = { resource, scope, startUs: (epochMs + start * 1_000) * 1_000, timeUs: (epochMs + time * 1_000) * 1_000 }
  const histogram = (route: string, status: number, count: number, since: number): MetricPoint => ({
    ...base,
    startUs: (epochMs + since * 1_000) * 1_000,
    name: 'http.server.request.duration',
    unit: 's',
    type: 'histogram',
    temporality: 'cumulative',
    monotonic: true,
    attributes: { 'http.route': route, 'http.response.status_code': status },
    value: null,
    distribution: { count, sum: count, min: null, max: null, bounds: [1], counts: [count, 0], detail: null },
  })
  const points = Object.entries(routes).flatMap(([route, { all, failed, failingSince }]) => [
    histogram(route, 200, all - failed, start),
    ...(failed > 0 ? [histogram(route, 500, failed, failingSince)] : []),
  ])
  const gauge: MetricPoint = {
    ...base,
    name: 'tts.queue.length',
    unit: '{job}',
    type: 'gauge',
    temporality: 'unspecified',
    monotonic: false,
    attributes: {},
    value: queue,
    distribution: null,
  }
  return { signal: 'metrics', records: [...points, gauge] }
}
