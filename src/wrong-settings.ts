/** One message about all wrong settings, `end` between their number and their list. */
export function describeProblems(problems: readonly string[], end: string): string {
  const count = `${problems.length} wrong setting${problems.length === 1 ? '' : 's'}.`
  // What has several lines itself is a list in the list.
  return `${count} ${end}\n${problems.map((problem) => `  - ${problem.replaceAll('\n', '\n  ')}`).join('\n')}`
}
