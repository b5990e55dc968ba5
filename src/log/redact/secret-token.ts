/** Credentials that are known by their shape alone, wherever they stand in a text. */
import { REDACTED } from './redacted.ts'

// Each starts at the edge of a word, which here may hold dashes, so that a long word is read once.
const WELL_KNOWN = new RegExp(
  `\\b(?<!-)(?:${[
    // A JWT, signed or encrypted (RFC 7519, RFC 7516).
    String.raw`eyJ[\w-]{8,}\.[\w-]*(?:\.[\w-]+)?(?:\.[\w-]*){0,2}`,
    // Google: API keys, the "auth keys" that AI Studio makes since 2026, client secrets, access and refresh tokens.
    String.raw`AIza[\w-]{30,}|[AI]Q\.[\w-]{20,}|GOCSPX-[\w-]{10,}|ya29\.[\w.-]{20,}|1\/\/0[\w-]{20,}`,
    // AWS key ids, Slack, GitHub, GitLab, npm, Stripe, OpenAI and those who copied its form.
    String.raw`A(?:KIA|SIA)[A-Z0-9]{16}|xox[abeprs]-[\w-]{10,}|gh[opsur]_\w{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}|npm_\w{30,}`,
    String.raw`[rs]k_(?:live|test)_\w{16,}|sk-[\w-]{20,}`,
    // SendGrid, Hugging Face, Stripe's webhooks, Shopify, DigitalOcean, PyPI.
    String.raw`SG\.[\w-]{16,}\.[\w-]{16,}|hf_\w{30,}|whsec_[\w+/=]{24,}|shp(?:at|ca|pa|ss)_\w{30,}|do[opr]_v1_\w{60,}|pypi-[\w-]{50,}`,
  ].join('|')})`,
  'g',
)
/** Behind a dash or an underscore. */
const JOINED_GOOGLE_KEY = /(?<![A-Za-z0-9])AIza[\w-]{30,}/g
const TELEGRAM_BOT = /\b\d{8,10}:AA[\w-]{33,}/g
const PRIVATE_KEY =
  /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|$)/g
/** Whoever has the path may post. */
const WEBHOOK =
  /\b(hooks\.slack\.com\/\w{1,16}\/|discord(?:app)?\.com\/api\/webhooks\/|api\.telegram\.org\/bot|webhook\.office\.com\/webhookb2\/|outlook\.office(?:365)?\.com\/webhook\/|hooks\.zapier\.com\/hooks\/catch\/)[^\s"'<>?#]+/g

// Two starts searched for at once take half of the time of two searches.
const LOWER_CASE_STARTS = /sk-|ya29\.|1\/\/0|glpat-/
const WEBHOOK_HINT = /hook|telegram/

/** `text` without the tokens in it that have a shape of their own. */
export function redactWellKnown(text: string): string {
  let clean = text.replace(WELL_KNOWN, REDACTED)
  if (clean.includes('AIza')) clean = clean.replace(JOINED_GOOGLE_KEY, REDACTED)
  return clean.includes(':AA') ? clean.replace(TELEGRAM_BOT, REDACTED) : clean
}

/** `text` without private keys in PEM. Before all other rules, which could take its first line away. */
export function redactPrivateKeys(text: string): string {
  return text.includes('-----BEGIN') ? text.replace(PRIVATE_KEY, REDACTED) : text
}

/** Whether {@link redactWellKnown} may find a token that none of the rare characters gives away. */
export function mayHoldLowerCaseToken(text: string): boolean {
  return LOWER_CASE_STARTS.test(text) || text.includes('SG.') || text.includes(':AA')
}

/** `text` without the secret part of webhook addresses. */
export function redactWebhooks(text: string): string {
  return WEBHOOK_HINT.test(text) ? text.replace(WEBHOOK, `$1${REDACTED}`) : text
}
