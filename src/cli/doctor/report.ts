import { styleText } from 'node:util'
import type { Examination } from './examine.ts'
import { CHECKS, type Finding, remedyOf, type Status } from './findings.ts'
import type { ShownSetting } from './settings.ts'

/** Also where the terminal is wider: longer lines are hard to read. */
const COLUMNS = 80

const SYMBOLS: Readonly<Record<Status, string>> = { ok: '✓', warning: '!', problem: '✗', skipped: '–' }
const COLOURS = { ok: 'green', warning: 'yellow', problem: 'red', skipped: 'dim' } as const

/** Settings that are shown even when they have their defaults: those that people look for first. */
const ALWAYS_SHOWN = ['OTEL_SERVICE_NAME', 'OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_PROTOCOL']

/** For people: what was found, section by section, with the remedy under each finding that needs one. Colour only on a terminal. */
export function toText(examination: Examination): string {
  const { version, service, folder, sections, settings } = examination
  const head = `${paint('bold', `tts-otel doctor ${version}`)}\n${wrap(`${service ?? 'a service without a name'} in ${folder}`, '')}\n`
  const parts = sections.map(({ title, findings }) => {
    const rows = title === 'Settings' ? settingLines(settings) : []
    return [paint('bold', title), ...rows, ...findings.map(findingLines)].join('\n')
  })
  return `${[head, ...parts.map((part) => `${part}\n`), conclusion(examination)].join('\n')}\n`
}

/** For programs: one JSON object; each finding with what was checked and, when it needs one, its remedy. */
export function toJson({ version, service, folder, sections, settings, durationMs }: Examination): string {
  const findings = sections.flatMap((section) =>
    section.findings.map((finding) => {
      const remedy = remedyOf(finding)
      const { code, status, detail } = finding
      return { code, section: section.title, checked: CHECKS[code].checked, status, detail, ...(remedy === undefined ? {} : { remedy }) }
    }),
  )
  const status = worst(findings)
  return `${JSON.stringify({ status, version, service: service ?? null, folder, duration_ms: durationMs, findings, settings }, null, 2)}\n`
}

/** `problem`, `warning` or `ok`: the worst of them. */
export function worst(findings: readonly Pick<Finding, 'status'>[]): Status {
  const has = (status: Status) => findings.some((finding) => finding.status === status)
  return has('problem') ? 'problem' : has('warning') ? 'warning' : 'ok'
}

function findingLines(finding: Finding): string {
  const { code, status, detail } = finding
  const remedy = remedyOf(finding)
  const mark = paint(COLOURS[status], SYMBOLS[status])
  const said = wrap(remedy === undefined ? detail : `${code}: ${detail}`, '    ').slice(4)
  return [`  ${mark} ${said}`, ...(remedy === undefined ? [] : [`    ${paint('dim', '→')} ${wrap(remedy, '      ').slice(6)}`])].join('\n')
}

function settingLines(settings: readonly ShownSetting[]): readonly string[] {
  const shown = settings.filter(({ name, origin }) => origin !== 'default' || ALWAYS_SHOWN.includes(name))
  const lines = shown.map(({ name, value, origin }) =>
    wrap(`${name} = ${value ?? '(unset)'}${origin === 'environment' ? '' : ` (${origin})`}`, '      ').replace(/^ {6}/, '    '),
  )
  return [...lines, `    ${paint('dim', `and ${settings.length - shown.length} with their defaults (--json lists them)`)}`]
}

function conclusion({ sections, durationMs }: Examination): string {
  const findings = sections.flatMap((section) => section.findings)
  const count = (status: Status) => findings.filter((finding) => finding.status === status).length
  const counts = [
    [count('problem'), 'problem'],
    [count('warning'), 'warning'],
  ] as const
  const told = counts.filter(([number]) => number > 0).map(([number, name]) => `${number} ${name}${number === 1 ? '' : 's'}`)
  const skipped = count('skipped') > 0 ? `, ${count('skipped')} not checked` : ''
  const state = worst(findings)
  return (
    paint(COLOURS[state], `${told.length === 0 ? 'All is well' : told.join(', ')}`) +
    `: ${count('ok')} fine${skipped}, ${(durationMs / 1_000).toFixed(1)} s`
  )
}

/** Breaks at spaces; a word that is longer than a line keeps it whole, so that it can be copied. */
function wrap(text: string, indent: string): string {
  const lines: string[] = []
  let line = indent
  for (const word of text.split(/\s+/)) {
    if (line !== indent && line.length + 1 + word.length > COLUMNS) {
      lines.push(line)
      line = indent
    }
    line += line === indent ? word : ` ${word}`
  }
  return [...lines, line].join('\n')
}

function paint(style: Parameters<typeof styleText>[0], text: string): string {
  return styleText(style, text, { stream: process.stdout })
}
