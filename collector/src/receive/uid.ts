import { hash } from 'node:crypto'
import type { Value } from '../batch.ts'
import type { Reader } from './text.ts'

/** The attribute in which a sender names a record once and for all. https://opentelemetry.io/docs/specs/semconv/registry/attributes/log/ */
export const UID_KEY = 'log.record.uid'

/** Identifiers that somebody forgot to fill in; taken at their word, all records with them would be one record. */
const UNSET = ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']

/** What a record's uid is derived from when its sender gave none. */
export type Origin = {
  /** Resource and scope as received. */
  readonly sources: readonly [resource: Uint8Array, scope: Uint8Array]
  /** Of `sources`, made when the first record asks for it. */
  digest?: Buffer
  /** How many records of this request have had the same content so far. */
  readonly seen: Map<string, number>
}

/**
 * The sender's uid in canonical form: a UUID in lower case; any other text (a ULID, a number) as the UUIDv8 of its hash.
 * Undefined where it is absent or no identifier.
 */
export function canonicalUid(value: Value | undefined): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  if (isLowerUuid(value)) return UNSET.includes(value) ? undefined : value
  const lower = value.toLowerCase()
  if (isLowerUuid(lower)) return canonicalUid(lower)
  return uuidOf(Buffer.from(`${UID_KEY} ${value}`))
}

/** The same for the value of an attribute that `reader` has just read: in the bytes it takes a fifth of the time. */
export function readUid(reader: Reader, value: Value): string | undefined {
  const isText = typeof value === 'string' && value.length === UUID_LENGTH && reader.textEnd === reader.pos
  if (!isText || !isLowerUuidAt(reader.bytes, reader.pos - UUID_LENGTH)) return canonicalUid(value)
  return UNSET.includes(value) ? undefined : value
}

const UUID_LENGTH = 36
/** What a character is in a UUID in lower case, and what has to be where. */
const [HEX, HYPHEN] = [1, 2]
const KINDS = Uint8Array.from({ length: 256 }, (_, code) => kindOf(String.fromCharCode(code)))
const SHAPE = Uint8Array.from('01234567-9012-4567-9012-456789012345', kindOf)

function kindOf(character: string): number {
  return character === '-' ? HYPHEN : /[0-9a-f]/.test(character) ? HEX : 0
}

/** A regular expression takes several times as long, and each record has one. */
function isLowerUuid(text: string): boolean {
  if (text.length !== UUID_LENGTH) return false
  for (let at = 0; at < UUID_LENGTH; at++) if (KINDS[text.charCodeAt(at)] !== SHAPE[at]) return false
  return true
}

function isLowerUuidAt(bytes: Buffer, start: number): boolean {
  for (let at = 0; at < UUID_LENGTH; at++) if (KINDS[bytes[start + at]!] !== SHAPE[at]) return false
  return true
}

/**
 * A UUIDv8 from the record's own bytes, so that the same request sent again gets the same uids; equal records of one request differ by their ordinal.
 * JSON and protobuf of one record give different ones.
 */
export function deriveUid(origin: Origin, record: Uint8Array): string {
  const digest = origin.digest ?? digestSources(origin.sources)
  origin.digest = digest
  const content = Buffer.allocUnsafe(digest.length + record.length)
  content.set(digest)
  content.set(record, digest.length)
  const first = uuidOf(content)
  const ordinal = origin.seen.get(first) ?? 0
  origin.seen.set(first, ordinal + 1)
  return ordinal === 0 ? first : uuidOf(Buffer.from(`${first} ${ordinal}`))
}

function digestSources([resource, scope]: Origin['sources']): Buffer {
  return hash('sha256', Buffer.concat([Buffer.from(`${resource.length} `), resource, scope]), 'buffer')
}

/** SHA-256 cut to the 122 free bits of a UUIDv8. https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-8 */
function uuidOf(content: Uint8Array): string {
  const hex = hash('sha256', content, 'hex')
  const variant = '89ab'[Number.parseInt(hex[16]!, 16) & 3]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
