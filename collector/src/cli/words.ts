import { parseArgs } from 'node:util'

/** The words of a command line that are no options, and the options: `--url http://…` or `--json`. */
export type Words = {
  readonly plain: readonly string[]
  readonly options: Readonly<Record<string, string | true>>
  /** Why they cannot be used; undefined when they can. */
  readonly problem: string | undefined
}

/** Splits the words of a command. `known` says which options there are, and whether each takes a value. */
export function readWords(words: readonly string[], known: Readonly<Record<string, 'value' | 'flag'>>): Words {
  const types = Object.entries(known).map(([name, kind]) => [name, { type: kind === 'flag' ? ('boolean' as const) : ('string' as const) }])
  const { positionals, tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(types),
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  const given = tokens.filter((token) => token.kind === 'option')
  const problems = given.flatMap(({ name, rawName, value }) => {
    if (!Object.hasOwn(known, name)) return [`${rawName} is no option`]
    return known[name] === 'value' && value === undefined ? [`${rawName} needs a value`] : []
  })
  return {
    plain: positionals,
    options: Object.fromEntries(given.map(({ name, value }) => [name, known[name] === 'value' && value !== undefined ? value : true])),
    problem: problems[0],
  }
}

/** Rows as columns with two spaces between them. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
