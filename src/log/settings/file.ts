import { AsyncLocalStorage } from 'node:async_hooks'
import { type BigIntStats, closeSync, fstatSync, openSync, readFileSync, stat, statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { LogPlan } from '../settings.ts'
import { parseSettings } from './yaml.ts'

export type SettingsFileOptions = {
  readonly path: string
  /** What holds where the file says nothing. */
  readonly fallback: LogPlan
  /** Gets one message for a person, without line end. */
  readonly say: (message: string) => void
  /** Of the file that `examineSettings` has looked at: what is wrong with that one has been said. */
  readonly saidMark?: string | undefined
  /** Default 1,000. */
  readonly intervalMs?: number
}

export type SettingsFile = {
  /** What it said at the start; undefined, and said why, when it was wrong. */
  readonly plan: LogPlan | undefined
  /** Calls `onPlan` for each change of the file that is right; one that is wrong is said and changes nothing. Never keeps the process alive. */
  readonly follow: (onPlan: (plan: LogPlan) => void) => void
}

/** A change is seen within this time: a look costs one `stat`. `fs.watch` would miss files that are mounted, or replaced through a link. */
const INTERVAL_MS = 1_000
/** More is no file of settings, and would hold up the app. */
const FILE_BYTES_MAX = 1_048_576

/** What is wrong with a file, for a person; undefined where it is right. `mark` tells one state of the file from another. */
export type SettingsExam = { readonly mark: string; readonly message: string | undefined }

type Reading = { readonly mark: string; readonly plan: LogPlan | undefined; readonly problem: string | undefined }

/** Reads a `logging.yaml`, now. Never throws. */
export function openSettingsFile({ fallback, say, saidMark, intervalMs = INTERVAL_MS, ...options }: SettingsFileOptions): SettingsFile {
  const path = resolve(options.path) // an app may change its directory later
  const outside = AsyncLocalStorage.snapshot()
  const first = read(path, fallback)
  if (first.problem !== undefined && first.mark !== saidMark) say(describe(path, first.problem))
  let seen = first.mark

  function look(onPlan: (plan: LogPlan) => void): void {
    stat(path, { bigint: true }, (_, stats) => {
      if (markOf(stats) !== seen) readAgain(onPlan)
    })
  }

  /** In a timer, where an error would end the app. */
  function readAgain(onPlan: (plan: LogPlan) => void): void {
    const { mark, plan, problem } = read(path, fallback)
    seen = mark
    try {
      if (plan !== undefined) onPlan(plan)
      say(
        plan === undefined ? `${path} ${problem}\n  The settings from before stay.` : `${path} has changed: its levels and sinks hold now.`,
      )
    } catch (error) {
      say(`${path} has changed, and cannot be used: ${messageOf(error)}`)
    }
  }

  return {
    plan: first.plan,
    // Outside of the request that happened to write the first record.
    follow: (onPlan) => outside(() => void setInterval(look, intervalMs, onPlan).unref()),
  }
}

/** Reads the file without using it, to say at the start what is wrong with it. Never throws. */
export function examineSettings(given: string, fallback: LogPlan): SettingsExam {
  const path = resolve(given)
  const { mark, problem } = read(path, fallback)
  return { mark, message: problem === undefined ? undefined : describe(path, problem) }
}

function describe(path: string, problem: string): string {
  return `${path} ${problem}\n  LOG_LEVEL, LOG_FORMAT and LOG_FILE_PATH hold until it is right; it is read again when it changes.`
}

function read(path: string, fallback: LogPlan): Reading {
  const { mark, text, problem } = readText(path)
  if (text === undefined) return { mark, plan: undefined, problem }
  try {
    const { plan, problems } = parseSettings(text, fallback)
    if (problems.length === 0) return { mark, plan, problem: undefined }
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`
    return { mark, plan: undefined, problem: `has ${count}:\n${problems.map((line) => `  - ${line}`).join('\n')}` }
  } catch (error) {
    return { mark, plan: undefined, problem: `cannot be read: ${messageOf(error)}` }
  }
}

/** The mark is that of the very file whose text was read. */
function readText(path: string): { readonly mark: string; readonly text?: string; readonly problem?: string } {
  let descriptor: number | undefined
  let mark = ''
  try {
    // Before the file is opened: one that may not be read has a mark all the same, and is not tried again every second.
    mark = markOf(statSync(path, { bigint: true }))
    descriptor = openSync(path, 'r')
    const stats = fstatSync(descriptor, { bigint: true })
    mark = markOf(stats)
    if (stats.size > FILE_BYTES_MAX) return { mark, problem: `has ${stats.size} bytes and is not read: ${FILE_BYTES_MAX} are the most` }
    return { mark, text: readFileSync(descriptor, 'utf8') }
  } catch (error) {
    return { mark, problem: `cannot be read: ${messageOf(error)}` }
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}

/** Changes with every way to change a file: written over, replaced by another, linked elsewhere. Empty without a file. */
function markOf(stats: BigIntStats | undefined): string {
  return stats === undefined ? '' : `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
