import type { Report } from './world.ts'

/** What can be known of error rates and queues from the reports that have come so far; a second opinion on the signals of the collector. */
export function createHearsay(sinceS: number) {
  const processes = new Map<string, Report[]>()
  const firstHeard = new Map<string, number>()

  return {
    hear(report: Report): void {
      firstHeard.set(report.instance, Math.min(report.time, firstHeard.get(report.instance) ?? report.time))
      const key = `${report.instance} ${report.start}`
      const known = processes.get(key) ?? []
      if (!known.some(({ time }) => time === report.time))
        processes.set(key, [...known, report].sort((a, b) => a.time - b.time).slice(-200))
    },
    /** By route, or '' for all. */
    errorRates(now: number, windowS: number, byRoute: boolean): Map<string, number | undefined> {
      const sums = new Map<string, { all: number; failed: number }>()
      for (const reports of processes.values()) {
        const [first, last] = [reports[0]!, reports.at(-1)!]
        const end = now - last.time > 150 ? now : last.time
        const isFromZero = first.start >= sinceS || first.start > firstHeard.get(first.instance)!
        if (end - windowS >= last.time || (!isFromZero && end <= first.time)) continue
        for (const route of Object.keys(last.routes)) {
          const at = (time: number) =>
            reports.findLast((one) => one.time <= time)?.routes[route] ?? (isFromZero ? { all: 0, failed: 0 } : first.routes[route]!)
          const sum = sums.get(byRoute ? route : '') ?? { all: 0, failed: 0 }
          sum.all += at(end).all - at(end - windowS).all
          sum.failed += at(end).failed - at(end - windowS).failed
          sums.set(byRoute ? route : '', sum)
        }
      }
      return new Map([...sums].map(([route, { all, failed }]) => [route, all > 0 ? failed / all : undefined]))
    },
    /** A second, over all. */
    requestRate(now: number, windowS: number): number {
      let count = 0
      for (const reports of processes.values()) {
        const last = reports.at(-1)!
        const end = now - last.time > 150 ? now : last.time
        const at = (time: number) => total(reports.findLast((one) => one.time <= time))
        if (end - windowS < last.time) count += at(end) - at(end - windowS)
      }
      return count / windowS
    },
    /** By instance, or the longest. */
    queues(now: number, byInstance: boolean): Map<string, number | undefined> {
      const latest = new Map<string, Report>()
      for (const reports of processes.values()) {
        const last = reports.at(-1)!
        if ((latest.get(last.instance)?.time ?? Number.NEGATIVE_INFINITY) < last.time) latest.set(last.instance, last)
      }
      const alive = [...latest.values()].filter(({ time }) => now - time <= 150)
      if (byInstance) return new Map(alive.map(({ instance, queue }) => [instance, queue]))
      return alive.length === 0 ? new Map() : new Map([['', Math.max(...alive.map(({ queue }) => queue))]])
    },
  }
}

function total(report: Report | undefined): number {
  return report === undefined ? 0 : Object.values(report.routes).reduce((sum, { all }) => sum + all, 0)
}
