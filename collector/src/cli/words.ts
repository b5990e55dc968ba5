/** The words of a command line that are no options, and the options: `--url http://…` or `--json`. */
export type Words = {
  readonly plain: readonly string[]
  readonly options: Readonly<Record<string, string | true>>
  /** Why they cannot be used; undefined when they can. */
  readonly problem: string | undefined
}

/** Splits the words of a command. `known` says which options there are, and whether each takes a value. */
export function readWords(words: readonly string[], known: Readonly<Record<string, 'value' | 'flag'>>): Words {
  const plain: string[] = []
  const options: Record<string, string | true> = {}
  const rest = [...words]
  let problem: string | undefined
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, name, given] = /^--([a-z-]+)(?:=(.*))?$/s.exec(word) ?? []
    const kind = name === undefined || !Object.hasOwn(known, name) ? undefined : known[name]
    if (!word.startsWith('-')) plain.push(word)
    else if (name === undefined || kind === undefined) problem ??= `${word} is no option`
    else if (kind === 'flag') options[name] = true
    else {
      const value = given ?? rest.shift()
      if (value === undefined) problem ??= `--${name} needs a value`
      else options[name] = value
    }
  }
  return { plain, options, problem }
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
