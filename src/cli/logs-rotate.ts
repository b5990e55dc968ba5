import { statSync } from 'node:fs'
import { relative } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { listFolder } from '../log/file/archive-files.ts'
import { type Archived, type ArchivePlan, carryOut, planArchives } from '../log/file/archive-sweep.ts'
import { readAgeMs } from './age.ts'
import type { CommandResult } from './main.ts'

export const ROTATE_HELP = `npx tts-otel logs rotate DIR [--older-than 1d] [--keep 30] [--dry-run] [--json]

Compresses the log files of a folder (*.log, and *.log.1 and so on) whose last line is older than a day, to NAME.log.TIME.gz with the time of
that line, and keeps the newest 30 archives of the folder (*.log*.gz). A younger file is taken to be in use and is left alone, and so are
symbolic links and the folders below. It may run while services write there, and again after it was interrupted.

  --older-than AGE  1d by default; s, m, h and d are understood
  --keep N          archives to keep, 30 by default
  --dry-run         says what it would do
  --json            one JSON object

Exit code: 0 done, 1 a file could not be compressed or removed, 2 wrong usage.
`

/** `npx tts-otel logs rotate`. */
export async function runLogsRotate(words: readonly string[]): Promise<CommandResult> {
  const usage = readUsage(words)
  if (usage.kind === 'wrong') return { code: 2, stderr: `tts-otel logs rotate: ${usage.message}\n\n${ROTATE_HELP}` }
  if (usage.kind === 'help') return { code: 0, stdout: ROTATE_HELP }
  const { dir, olderThanMs, archivesMax, json, dryRun } = usage
  const { files, others } = await listFolder(dir)
  const plan = planArchives(files, { olderThanMs, archivesMax, nowMs: Date.now() })
  const outcomes: Outcome[] = others.map((path) => ({ kind: 'left', path, reason: 'it is no regular file' }))
  for await (const outcome of dryRun ? wouldDo(plan) : carryOut(plan, { sleep: setTimeout, pauseMs: 0 })) outcomes.push(outcome)
  const report = outcomes.map((outcome) => toEntry(outcome, dir))
  return {
    code: outcomes.some(({ kind }) => kind === 'failed') ? 1 : 0,
    stdout: json ? `${JSON.stringify({ dir, dryRun, files: report }, undefined, 2)}\n` : toText(report, dir, dryRun),
  }
}

type Usage =
  | { readonly kind: 'wrong'; readonly message: string }
  | { readonly kind: 'help' }
  | {
      readonly kind: 'right'
      readonly dir: string
      readonly olderThanMs: number
      readonly archivesMax: number
      readonly dryRun: boolean
      readonly json: boolean
    }

function readUsage(words: readonly string[]): Usage {
  try {
    const { values, positionals } = parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        'older-than': { type: 'string', default: '1d' },
        keep: { type: 'string', default: '30' },
        'dry-run': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return { kind: 'help' }
    const [dir, ...others] = positionals
    if (dir === undefined || others.length > 0) return wrong('name one folder')
    if (!statSync(dir, { throwIfNoEntry: false })?.isDirectory()) return wrong(`${dir} is no folder`)
    const olderThanMs = readAgeMs(values['older-than'])
    if (olderThanMs === undefined) return wrong(`--older-than ${values['older-than']} is no age: 12h, 1d, 7d`)
    if (!/^[1-9]\d{0,5}$/.test(values.keep)) return wrong(`--keep ${values.keep} is no number from 1 on`)
    return { kind: 'right', dir, olderThanMs, archivesMax: Number(values.keep), dryRun: values['dry-run'], json: values.json }
  } catch (error) {
    // parseArgs throws for an unknown option and says which.
    return wrong(error instanceof Error ? error.message : String(error))
  }
}

function wrong(message: string): Usage {
  return { kind: 'wrong', message }
}

type Outcome = Archived | { readonly kind: 'would compress' | 'would remove'; readonly path: string }

function wouldDo({ clean, remove, compress }: ArchivePlan): readonly Outcome[] {
  return [
    ...[...clean, ...remove].map(({ path }) => ({ kind: 'would remove' as const, path })),
    ...compress.map(({ path }) => ({ kind: 'would compress' as const, path })),
  ]
}

type Entry = {
  readonly action: Outcome['kind']
  /** From the folder on. */
  readonly file: string
  readonly archive?: string
  readonly bytesBefore?: number
  readonly bytesAfter?: number
  readonly reason?: string
}

function toEntry(outcome: Outcome, dir: string): Entry {
  const entry = { action: outcome.kind, file: relative(dir, outcome.path) }
  if (outcome.kind === 'compressed')
    return { ...entry, archive: relative(dir, outcome.archive), bytesBefore: outcome.bytesBefore, bytesAfter: outcome.bytesAfter }
  if (outcome.kind === 'left') return { ...entry, reason: outcome.reason }
  if (outcome.kind === 'failed') return { ...entry, reason: outcome.error instanceof Error ? outcome.error.message : String(outcome.error) }
  return entry
}

function toText(entries: readonly Entry[], dir: string, dryRun: boolean): string {
  const lines = entries.map(({ action, file, archive, bytesBefore, bytesAfter, reason }) => {
    const what = archive === undefined ? '' : ` to ${archive}: ${bytesBefore} bytes, now ${bytesAfter}`
    return `${action} ${file}${what}${reason === undefined ? '' : `: ${reason}`}\n`
  })
  const count = (kinds: readonly string[]): number => entries.filter(({ action }) => kinds.includes(action)).length
  const compressed = count(['compressed', 'would compress'])
  const removed = count(['removed', 'would remove'])
  const failed = count(['failed'])
  return `${lines.join('')}${dir}: ${dryRun ? 'would compress' : 'compressed'} ${compressed}, ${dryRun ? 'remove' : 'removed'} ${removed}${failed > 0 ? `, failed ${failed}` : ''}\n`
}
