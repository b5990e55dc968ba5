/** `: did you mean error_rate?`, or '' when nothing known is near. */
export function suggest(given: string, known: readonly string[]): string {
  const distances = known.map((name) => ({ name, distance: distanceOf(given.toLowerCase(), name.toLowerCase()) }))
  const [best] = distances.toSorted((a, b) => a.distance - b.distance)
  return best !== undefined && best.distance <= Math.max(1, Math.floor(given.length / 3)) ? `: did you mean ${best.name}?` : ''
}

const CHARS_MAX = 64

/** Letters to add, remove, change or swap with their neighbour (Damerau). */
function distanceOf(a: string, b: string): number {
  if (a.length > CHARS_MAX || b.length > CHARS_MAX) return Infinity
  const rows = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  )
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++) {
      const change = rows[i - 1]![j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      rows[i]![j] = Math.min(rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1, change, isSwap ? rows[i - 2]![j - 2]! + 1 : Infinity)
    }
  return rows[a.length]![b.length]!
}
