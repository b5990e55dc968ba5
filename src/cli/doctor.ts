import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { processEnvironment } from '../config.ts'
import { examine } from './doctor/examine.ts'
import { toJson, toText, worst } from './doctor/report.ts'
import type { CommandResult } from './main.ts'

export const DOCTOR_HELP = `npx tts-otel doctor [--json] [--app FILE]

Finds out why telemetry does not arrive. Run it in the folder of the app and with its environment: it looks at Node, the installed packages,
how tts-otel/register is loaded, every setting and the way to the collector, and sends a span, a metric point and a log record that are
marked tts_otel.doctor. It takes 20 s at most.

  --json      one JSON object with all findings and settings
  --app FILE  the first file of the app, when it is not in this folder

Exit code: 0 nothing wrong (there may be warnings), 1 a problem, 2 wrong usage.
`

/** `npx tts-otel doctor`. */
export async function runDoctor(words: readonly string[]): Promise<CommandResult> {
  const usage = readUsage(words)
  if (usage.kind === 'wrong') return { code: 2, stderr: `tts-otel doctor: ${usage.message}\n\n${DOCTOR_HELP}` }
  if (usage.help) return { code: 0, stdout: DOCTOR_HELP }
  const { app } = usage
  const folder = app === undefined ? process.cwd() : dirname(app)
  const examination = await examine({ folder, app, env: processEnvironment() })
  const isWell = worst(examination.sections.flatMap(({ findings }) => findings)) !== 'problem'
  return { code: isWell ? 0 : 1, stdout: usage.json ? toJson(examination) : toText(examination) }
}

type Usage =
  | { readonly kind: 'right'; readonly json: boolean; readonly help: boolean; readonly app: string | undefined }
  | { readonly kind: 'wrong'; readonly message: string }

function readUsage(words: readonly string[]): Usage {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
        app: { type: 'string' },
      },
    })
    const app = values.app === undefined ? undefined : resolve(values.app)
    if (app !== undefined && !isFile(app)) return { kind: 'wrong', message: `--app ${values.app} is no file` }
    return { kind: 'right', json: values.json, help: values.help, app }
  } catch (error) {
    // parseArgs throws for an unknown option and says which.
    return { kind: 'wrong', message: error instanceof Error ? error.message : String(error) }
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}
