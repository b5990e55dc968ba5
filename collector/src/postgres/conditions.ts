import type { Param } from './queryable.ts'

/** Collects the WHERE of a statement. Values only ever travel as parameters. */
export type Conditions = {
  /** Adds a condition. */
  add(condition: string): void
  /** Adds a condition unless `value` is undefined; `?` in it stands for the value. */
  addIf(condition: string, value: Param | undefined): void
  /** The number of another parameter, as `$3`. */
  param(value: Param): string
  /** The conditions joined by AND; `true` when there is none. */
  where(): string
  readonly params: readonly Param[]
}

export function createConditions(): Conditions {
  const params: Param[] = []
  const conditions: string[] = []
  const param = (value: Param) => `$${params.push(value)}`
  return {
    params,
    param,
    add: (condition) => void conditions.push(condition),
    addIf(condition, value) {
      if (value !== undefined) conditions.push(condition.replaceAll('?', () => param(value)))
    },
    where: () => conditions.join(' AND ') || 'true',
  }
}
