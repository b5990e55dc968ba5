type Uuidv7Options = {
  readonly nowMs?: () => number
  readonly fillRandom?: (bytes: Uint8Array) => unknown
}

/** One request to the random source fills this many; asking for 8 bytes at a time costs ten times as much. */
const POOL_BYTES = 4_096
/** 8 random bytes for the tail, 2 to seed the counter of a new millisecond. */
const TAIL_BYTES = 8
const SEED_BYTES = 2
/** Bits of `rand_a`: a counter inside one millisecond (RFC 9562, section 6.2, method 1). */
const COUNTER_MAX = 0xfff
/** A clock that steps back less than this is ignored, so that ids keep their order; one that steps further is believed. */
const STEP_BACK_MS_MAX = 10_000

/** Two hex digits for each byte. */
export const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/**
 * A fresh UUIDv7 in lower case: 48 bits of Unix milliseconds, a counter, 62 random bits. Ids of one process sort in the
 * order in which they were made. https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7
 */
export const uuidv7: () => string = createUuidv7()

/** Makes a generator with its own pool of random bytes, clock and counter. */
export function createUuidv7({ nowMs = Date.now, fillRandom = fillFromCrypto }: Uuidv7Options = {}): () => string {
  const pool = new Uint8Array(POOL_BYTES)
  let used = POOL_BYTES
  let lastMs = Number.NEGATIVE_INFINITY
  let counter = 0
  let prefix = ''

  function startMillisecond(ms: number): void {
    lastMs = ms
    prefix = formatTime(ms)
    // The top bit stays free, so that at least 2,048 ids fit before the counter spills into the next millisecond.
    counter = ((pool[used]! << 8) | pool[used + 1]!) & (COUNTER_MAX >> 1)
    used += SEED_BYTES
  }

  function advance(): void {
    const ms = nowMs()
    const isNew = ms > lastMs || lastMs - ms > STEP_BACK_MS_MAX
    if (isNew) startMillisecond(ms)
    else if (++counter > COUNTER_MAX) startMillisecond(lastMs + 1)
  }

  return function nextUuidv7() {
    if (used + SEED_BYTES + TAIL_BYTES > POOL_BYTES) {
      fillRandom(pool)
      used = 0
    }
    advance()
    const at = used
    used += TAIL_BYTES
    return `${prefix}${HEX[0x70 | (counter >> 8)]}${HEX[counter & 0xff]}-${formatTail(pool, at)}`
  }
}

/** `node:crypto` takes 5 ms to load: it comes with the first id, not with the first line of the app. */
function fillFromCrypto(bytes: Uint8Array): void {
  process.getBuiltinModule('node:crypto').randomFillSync(bytes)
}

function formatTime(ms: number): string {
  const hex = ms.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-`
}

/** The variant bits `10`, then 62 random ones. */
function formatTail(pool: Uint8Array, at: number): string {
  const head = HEX[(pool[at]! & 0x3f) | 0x80]! + HEX[pool[at + 1]!]!
  const node = HEX[pool[at + 2]!]! + HEX[pool[at + 3]!]! + HEX[pool[at + 4]!]! + HEX[pool[at + 5]!]!
  return `${head}-${node}${HEX[pool[at + 6]!]!}${HEX[pool[at + 7]!]!}`
}
