import type { KeptRecord, RecordTable } from '../../../collector/src/record.ts'

export type Table = RecordTable & { rows: Map<string, KeptRecord>; fault: Error | undefined; calls: number }

/** A database in memory, with the promises of the real one; `test/engines/alerts.test.ts` has that. */
export function createTable(): Table {
  const rows = new Map<string, KeptRecord>()
  return {
    rows,
    fault: undefined,
    calls: 0,
    async load() {
      if (this.fault !== undefined) throw this.fault
      return [...rows.values()]
    },
    async apply(changes, mayWrite) {
      this.calls++
      if (this.fault !== undefined) throw this.fault
      if (!mayWrite(rows.get('meta owner')?.text)) return false
      for (const { kind, key, text } of changes)
        if (text === undefined) rows.delete(`${kind} ${key}`)
        else rows.set(`${kind} ${key}`, { kind, key, text })
      return true
    },
  }
}
