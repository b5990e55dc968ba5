/** The key of a signature. */
export type WebhookSecret = Buffer

/** Bytes that a key may have. */
const BYTES_MIN = 24
const BYTES_MAX = 64

/** `whsec_` and base64 of 24 to 64 random bytes, as Standard Webhooks writes them; undefined for anything else. */
export function parseWebhookSecret(text: string): WebhookSecret | undefined {
  const [, base64] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? []
  const key = Buffer.from(base64 ?? '', 'base64')
  // Node decodes what it can of a text that is cut off; what was copied whole comes back the same.
  const isWhole = key.toString('base64').replace(/=+$/, '') === base64?.replace(/=+$/, '')
  return isWhole && key.length >= BYTES_MIN && key.length <= BYTES_MAX ? key : undefined
}

/** Several with spaces between them, so that one can be replaced without a gap; undefined when one of them is none. */
export function parseWebhookSecrets(text: string): readonly WebhookSecret[] | undefined {
  const secrets = text.split(/\s+/).map(parseWebhookSecret)
  const valid = secrets.filter((secret) => secret !== undefined)
  return valid.length === secrets.length ? valid : undefined
}
