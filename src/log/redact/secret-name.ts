/** What a name says about the value under it. `held`: it is what another field of the record names. */
export type NameKind = 'plain' | 'secret' | 'identity' | 'raw headers' | 'held'

/** Words that make a name secret wherever they stand in it. */
const SECRET_WORDS = new Set(
  (
    'password passwords passwd pwd pw passwort kennwort passphrase passcode secret secrets authorization cookie cookies credential credentials cred creds ' +
    'token bearer jwt otp totp cvv cvc ssn signature sig'
  ).split(' '),
)
/** Words that make a name secret only at its end: `smtp.auth` holds a login, `auth.failures` does not. */
const SECRET_LAST_WORDS = new Set(['auth', 'pass'])
/** `key` and `tokens` are harmless (`cache_key`, `input_tokens`) unless one of these stands before them. */
const KEY_KINDS = new Set(
  (
    'api private secret access encryption signing ssh account master subscription shared auth hmac hash session client service server admin ' +
    'root deploy license webhook app gemini google speech openai anthropic azure deepl elevenlabs'
  ).split(' '),
)
const TOKEN_KINDS = new Set('access refresh auth api id session bearer csrf xsrf secret device bot'.split(' '))
/** A name that ends so tells something about a secret, not the secret: `token_count`, `password_policy`, `cookie.name`. */
const HARMLESS_ENDS = new Set(
  (
    'count counts length size type types usage limit limits budget modality policy strength expiry expires expired expiration ttl age ' +
    'at in changed required enabled present valid missing failures errors rotation name names url uri endpoint domain path'
  ).split(' '),
)
/** Where lists of headers, and the errors of express-validator, class-validator, Joi and Zod, have what belongs to a name. */
const HOLDERS = new Set(['value', 'input'])
/** Words run together, as environment variables and old headers have them: `apikey`, `dbpassword`, `accesstoken`; of signed URLs. */
const JOINED =
  /(?:password|passwd|passphrase|apikey|privatekey|secretkey|accesskey|clientsecret|googleaccessid|(?:access|refresh|auth|session|csrf|xsrf|api)token)s?$/
/** Between snake, kebab, dotted and camel case words: `x-goog-api-key`, `APIKey`, `gen_ai.usage.outputTokens`. */
const WORD_BREAK = /[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/
/** Longer names are judged by their beginning and their end; real ones have about 30 characters. */
const NAME_CHARS_MAX = 256
/** `user_id`, `userId`, `user.id`, `enduser.id`, and as the last words of a longer name. */
const USERS = new Set(['user', 'enduser'])
const USER_IDS = new Set(['userid', 'enduserid'])

/** Whether a value under this name must not leave the process. Looks at whole words, so that `author`, `cache_key` and `token_count` may. */
export function isSecretName(name: string): boolean {
  return kindOfName(name) === 'secret'
}

/** As {@link isSecretName}; `identity` is a user's id, which may leave, and which a keyed hash can stand for; `raw headers` are names and values in turns; `held` is what {@link NameKind} says. */
export function kindOfName(name: string): NameKind {
  const words = shorten(name).split(WORD_BREAK).filter(Boolean).map(normalize)
  const last = words.at(-1)
  if (words.join('') === 'rawheaders') return 'raw headers'
  if (HOLDERS.has(name)) return 'held'
  if (last === undefined || HARMLESS_ENDS.has(last)) return 'plain'
  if (SECRET_LAST_WORDS.has(last) || JOINED.test(words.join(''))) return 'secret'
  if (words.some((word, index) => isSecretWord(word, words[index - 1]))) return 'secret'
  return USER_IDS.has(last) || (last === 'id' && USERS.has(words.at(-2) ?? '')) ? 'identity' : 'plain'
}

function isSecretWord(word: string, before: string | undefined): boolean {
  if (SECRET_WORDS.has(word) || JOINED.test(word)) return true
  if (before === undefined) return false
  if (word === 'key' || word === 'keys') return KEY_KINDS.has(before)
  return word === 'tokens' && TOKEN_KINDS.has(before)
}

/** `Token2` is a token. */
function normalize(word: string): string {
  return word.toLowerCase().replace(/\d+$/, '')
}

function shorten(name: string): string {
  const half = NAME_CHARS_MAX / 2
  return name.length <= NAME_CHARS_MAX ? name : `${name.slice(0, half)} ${name.slice(-half)}`
}
