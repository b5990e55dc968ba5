import type { Labels } from './notification.ts'

/** Those of `labels` that are named; '' for one that is not there. */
export function pickLabels(labels: Labels, names: readonly string[]): Labels {
  return Object.fromEntries(names.map((name) => [name, labels[name] ?? '']))
}
