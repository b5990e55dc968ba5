import { type LogEntry, PATH_CHARS_MAX } from './failure-log.ts'

/** What is known of a request from its start. */
export type RequestFacts = {
  readonly method: string
  /** Without query. */
  readonly path: string
  /** Of the app: `/users/:id`; undefined where none matched. */
  readonly route: string | undefined
  readonly userAgent: string | undefined
  readonly ipAddress: string | undefined
}

/** How a request ended. */
export type RequestEnd = {
  readonly status: number
  readonly durationMs: number
  /** `aborted`: the client went away before it had the whole answer. `broken`: an error of ours ended the answer in its middle. */
  readonly how: 'complete' | 'aborted' | 'broken'
}

/** Node takes headers of 16 KB; what is longer than this names no client. */
const USER_AGENT_CHARS_MAX = 512

/**
 * The record of a request: INFO, or where somebody should look (a status from 400 on, longer than `slowRequestS`) WARNING, from 500 on ERROR; so is
 * an answer that broke off, whatever status it began with.
 */
export function describeRequest(request: RequestFacts, { status, durationMs, how }: RequestEnd, slowRequestS: number): LogEntry {
  const durationS = durationMs / 1_000
  const fields = {
    method: request.method,
    path: request.path.slice(0, PATH_CHARS_MAX),
    route: request.route,
    status_code: status,
    duration: Math.round(durationMs * 1_000) / 1_000_000,
    user_agent: request.userAgent?.slice(0, USER_AGENT_CHARS_MAX),
    ip_address: request.ipAddress,
    ended: how === 'complete' ? undefined : how,
  }
  const isError = status >= 500 || how === 'broken'
  if (!isError && status < 400 && durationS <= slowRequestS) return { level: 'INFO', message: 'HTTP Request', fields }
  return { level: isError ? 'ERROR' : 'WARNING', message: `HTTP ${status} in ${durationS.toFixed(2)}s`, fields }
}
