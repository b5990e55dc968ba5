/** A fact and its figure: `['requests', '52']`. */
export type Fact = readonly [label: string, figure: string]

/** Facts in columns, figures to the right. Each inner list is one column. */
export function drawFacts(columns: readonly (readonly Fact[])[]): readonly string[] {
  const widths = columns.map((facts) => ({
    label: Math.max(0, ...facts.map(([label]) => label.length)),
    figure: Math.max(0, ...facts.map(([, figure]) => figure.length)),
  }))
  const height = Math.max(0, ...columns.map((facts) => facts.length))
  return Array.from({ length: height }, (_, row) =>
    columns
      .map((facts, column) => {
        const [label, figure] = facts[row] ?? ['', '']
        const { label: labelWidth = 0, figure: figureWidth = 0 } = widths[column] ?? {}
        return `${label.padEnd(labelWidth)}  ${figure.padStart(figureWidth)}`
      })
      .join('    ')
      .trimEnd(),
  )
}
