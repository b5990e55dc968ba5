import { createRedactor } from '../log/redact.ts'

/** One short line is read; the rest of a hostile text is not looked at. */
const CHARS_READ_MAX = 500
const CHARS_MAX = 200

const URL_LIKE = /\b[a-z][a-z0-9+.-]{1,20}:\/\/\S+/gi
const SQL =
  /\b(?:select\b.*\bfrom\b|insert into\b|update\b.*\bset\b|delete from\b|(?:create|alter|drop|truncate) (?:table|index|view)\b).*/gi
const QUOTED = /"[^"]*"|'[^']*'|`[^`]*`/g
const IP_V6 = /(?<![\w:])\[?(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}\]?(?::\d+)?(?![\w:])/gi
const IP_V4 = /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g
/** `db.internal`, `db.internal:5432`; also `localhost:5432`, `redis:6379`. */
const HOST = /\b[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?::\d+)?\b|\b[a-z][a-z0-9-]*:\d{2,5}\b/gi
const PATH = /(?<!\w)(?:[a-z]:\\|\.{0,2}\/)[^\s:,;)]+/gi

const redactor = createRedactor()

/** The first line of `text` for strangers: without secrets, URLs, hosts, statements, quoted values and paths. */
export function cleanText(text: string): string {
  const [line = ''] = text
    .slice(0, CHARS_READ_MAX)
    .trim()
    .split(/[\r\n]/, 1)
  return redactor
    .text(line)
    .replace(URL_LIKE, '[url]')
    .replace(SQL, '[sql]')
    .replace(QUOTED, '"…"')
    .replace(IP_V6, '[host]')
    .replace(IP_V4, '[host]')
    .replace(PATH, '[path]')
    .replace(HOST, '[host]')
    .slice(0, CHARS_MAX)
    .trim()
}
