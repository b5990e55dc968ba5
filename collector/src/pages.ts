/** Where a text is: UTF-8 from `start` to `end` of `page`. */
export type Place = { readonly page: Buffer; readonly start: number; readonly end: number }

/** Texts on their way to a server, as UTF-8 one behind the other. */
export type Pages = {
  readonly add: (text: string) => Place
  /** All that was added, in its order, in pieces that end between two texts. */
  readonly written: () => readonly Buffer[]
}

/** Of the first page, and of the largest, unless a text is longer: a single record must not take the memory of a hundred. */
const PAGE_BYTES_MIN = 4 * 2 ** 10
const PAGE_BYTES_MAX = 64 * 2 ** 10
/** UTF-8 of one UTF-16 code unit. */
const BYTES_PER_UNIT_MAX = 3

/**
 * A text that is put together of many parts takes several times its bytes as long as it is a string, and each small collection
 * copies what is kept: so what waits for others is to be in here as soon as it is made.
 */
export function createPages(): Pages {
  const full: Buffer[] = []
  let page = Buffer.allocUnsafe(PAGE_BYTES_MIN)
  let length = 0
  let pageBytes = PAGE_BYTES_MIN

  function turn(text: string): void {
    if (length > 0) full.push(page.subarray(0, length))
    pageBytes = Math.min(2 * pageBytes, PAGE_BYTES_MAX)
    page = Buffer.allocUnsafe(Math.max(pageBytes, Buffer.byteLength(text)))
    length = 0
  }

  return {
    add(text) {
      // Counted only where it may be too much.
      if (length + text.length * BYTES_PER_UNIT_MAX > page.length && length + Buffer.byteLength(text) > page.length) turn(text)
      const start = length
      length += page.write(text, start)
      return { page, start, end: length }
    },
    written: () => [...full, page.subarray(0, length)],
  }
}

/** What is in the places, in their order, in as few pieces as that takes without copying. */
export function piecesOf(places: readonly Place[]): readonly Buffer[] {
  const joined: Place[] = []
  for (const place of places) {
    const last = joined.at(-1)
    if (last?.page === place.page && last.end === place.start) joined[joined.length - 1] = { ...last, end: place.end }
    else joined.push(place)
  }
  return joined.map(({ page, start, end }) => page.subarray(start, end))
}
