/** Every kind of secret, in a text as it would stand in; `needle` is the part that must be found nowhere. */
export type Secret = { readonly kind: string; readonly text: string; readonly needle: string }

const random = 'Zq7Wv3Kx9Lm2Np5Rt8Yb4Hc6Jd1Fg0Sa'

export const SECRETS: readonly Secret[] = [
  { kind: 'bearer token', text: `Authorization: Bearer bEaReR-${random}`, needle: `bEaReR-${random}` },
  { kind: 'bearer token in a sentence', text: 'sent Bearer bEaReR2.4711 to it', needle: 'bEaReR2' },
  { kind: 'basic login', text: 'sent Basic YmFzaWM6bG9naW4= to it', needle: 'YmFzaWM6bG9naW4' },
  { kind: 'JWT', text: 'jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0NzExIn0.sIgNaTuReOfTheJwt', needle: 'eyJzdWIiOiI0NzExIn0' },
  { kind: 'Google API key', text: `key AIzaSyNeEdLe${random} is invalid`, needle: `NeEdLe${random}` },
  { kind: 'Google auth key', text: `key AQ.Ab8NeEdLe2${random} is invalid`, needle: `NeEdLe2${random}` },
  { kind: 'Google access token', text: `got ya29.NeEdLe3${random}`, needle: `NeEdLe3${random}` },
  { kind: 'AWS key id', text: 'for AKIAIOSFODNN7NEEDLES', needle: 'IOSFODNN7NEEDLES' },
  { kind: 'login in a URL', text: 'postgres://app:nEeDlE4@db:5432/tts', needle: 'nEeDlE4' },
  { kind: 'pair', text: 'connect password=nEeDlE5 host=db', needle: 'nEeDlE5' },
  { kind: 'JSON in a text', text: '{"client_secret":"nEeDlE6","n":1}', needle: 'nEeDlE6' },
  { kind: 'cookie', text: 'Cookie: sid=nEeDlE7', needle: 'nEeDlE7' },
  { kind: 'query key', text: 'GET https://h.test/v1?key=nEeDlE8&alt=sse', needle: 'nEeDlE8' },
  { kind: 'query token', text: 'GET https://h.test/v1?access_token=nEeDlE9', needle: 'nEeDlE9' },
  { kind: 'signed URL', text: 'https://b.s3.amazonaws.com/a.wav?X-Amz-Expires=60&X-Amz-Signature=nEeDlE10', needle: 'nEeDlE10' },
  { kind: 'signed URL of Google', text: 'https://storage.googleapis.com/b/a.wav?X-Goog-Signature=nEeDlE11', needle: 'nEeDlE11' },
  { kind: 'encoded query', text: '/login?next=%2F%3Ftoken%3DnEeDlE12', needle: 'nEeDlE12' },
  { kind: 'e-mail address', text: 'mail to nEeDlE13@example.com now', needle: 'nEeDlE13' },
  { kind: 'card number', text: 'card 4111 1111 1111 1111.', needle: '4111 1111 1111' },
  { kind: 'scheme of its own', text: 'Authorization: Genie nEeDlE15', needle: 'nEeDlE15' },
  { kind: 'XML element', text: '<password>nEeDlE16</password>', needle: 'nEeDlE16' },
  { kind: 'key of PostgreSQL', text: 'Key (token)=(nEeDlE17) already exists.', needle: 'nEeDlE17' },
  { kind: 'login of curl', text: 'curl -u admin:nEeDlE18 https://h.test', needle: 'nEeDlE18' },
  { kind: 'private key', text: '-----BEGIN PRIVATE KEY-----\nnEeDlE14\n-----END PRIVATE KEY-----', needle: 'nEeDlE14' },
]

/** Values under names that make them secret. */
export const SECRET_FIELDS: Readonly<Record<string, string>> = {
  password: 'nEeDlEbYnAmE1',
  'x-goog-api-key': 'nEeDlEbYnAmE2',
  authorization: 'nEeDlEbYnAmE3',
  refreshToken: 'nEeDlEbYnAmE4',
}

export const NEEDLES: readonly string[] = [...SECRETS.map(({ needle }) => needle), ...Object.values(SECRET_FIELDS)]

/** Kinds whose needle is in `bytes`, also where it is written in another way. */
export function findSecrets(bytes: Buffer | string): readonly string[] {
  const text = (typeof bytes === 'string' ? bytes : bytes.toString('latin1')).toLowerCase()
  const base64 = (needle: string) => Buffer.from(needle).toString('base64').slice(0, -4).toLowerCase()
  return NEEDLES.filter(
    (needle) =>
      text.includes(needle.toLowerCase()) || text.includes(encodeURIComponent(needle).toLowerCase()) || text.includes(base64(needle)),
  )
}

/** Freezes a value at any depth, so that whoever writes into it throws. */
export function freezeDeep<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value) && !ArrayBuffer.isView(value)) {
    Object.freeze(value)
    for (const inner of Object.values(value)) freezeDeep(inner)
  }
  return value
}
