/** Secrets behind their name without a separator: on command lines, in SQL, in XML, in what PostgreSQL says about a key. */
import { REDACTED } from './redacted.ts'
import { isSecretName } from './secret-name.ts'

/** `CREATE USER … PASSWORD '…'`, `IDENTIFIED BY '…'`. */
const SQL_PASSWORD = /\b(password|identified by)([ \t]{1,3})(["'])(?!\[REDACTED\])(?:(?!\3)[^\\]|\3\3|\\.)+\3?/gi
const SQL_HINT = /(?:word|by)[ \t]{1,3}["']/i
/** `--password hunter2`: an option with a value that is no word of a sentence. */
const OPTION = /(?<![\w-])--([A-Za-z][\w-]{0,63})([ \t]{1,3})(?!-)(?=[^\s"']*[^a-z\s"'])[^\s"']+/g
/** `curl -u admin:hunter2`; `docker run -u 1000:1000` has no password. */
const LOGIN = /(?<![\w-])((?:-u|--(?:proxy-)?user)[ \t=]{1,3}["']?[^\s:"'@/]{1,128}:)(?!\d+(?!\S)|\[REDACTED\])[^\s"']+/g
const LOGIN_HINT = /-u[ \t=]|-user[ \t=]/
/** `<password>…</password>`, with a namespace and attributes too. */
const ELEMENT = /(<(?:\w{1,64}:)?([A-Za-z][\w.-]{0,63})(?:\s[^<>]{0,256})?>)(?!\s*\[REDACTED\])[^<]*[^\s<][^<]*(?=<\/)/g
/** `Key (user_id, token)=(5, abc) already exists.` */
const KEY_DETAIL = /\(([\w", ]{1,256})\)=\((?!\[REDACTED\])[^)]{1,4096}/g

/** `text` without the values of options, logins and SQL passwords. Linear. */
export function redactSpaced(text: string): string {
  let clean = text.includes('--') ? text.replace(OPTION, redactOption) : text
  if (LOGIN_HINT.test(clean)) clean = clean.replace(LOGIN, `$1${REDACTED}`)
  return SQL_HINT.test(clean) ? clean.replace(SQL_PASSWORD, `$1$2$3${REDACTED}$3`) : clean
}

/** `text` without what stands in XML elements with a secret name. Linear. */
export function redactElements(text: string): string {
  if (!text.includes('</')) return text
  return text.replace(ELEMENT, (whole: string, tag: string, name: string) => (isSecretName(name) ? tag + REDACTED : whole))
}

/** `text` without the values of keys that PostgreSQL names where one of their columns is secret. Linear. */
export function redactKeyDetails(text: string): string {
  if (!text.includes(')=(')) return text
  return text.replace(KEY_DETAIL, (whole: string, columns: string) => {
    const isSecret = columns.split(',').some((column) => isSecretName(column))
    return isSecret ? `(${columns})=(${REDACTED}` : whole
  })
}

function redactOption(whole: string, name: string, space: string): string {
  return isSecretName(name) ? `--${name}${space}${REDACTED}` : whole
}
