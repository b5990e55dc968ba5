/** Values from `start` on that are read together. */
export type Block = { readonly start: number; readonly count: number }

/** Most values of a block, so that the buffer for them stays small and the clock is asked often. */
export const BLOCK_VALUES = 1_024
/** Shorter pieces are read as a whole: 5.5 s at 24 kHz, half a millisecond. */
const WHOLE_VALUES_MAX = 131_072
/** Windows of longer ones. Their number makes the estimate good, not their length: 512 are right to 0.3 dB for the RMS of speech, 1.5 dB at worst. */
const WINDOWS = 512
/** 5 ms at 24 kHz, a period of a low voice. */
const WINDOW_VALUES = 128
/** How far from either end the first sound of a long piece is looked for: 2 s at 24 kHz, longer than a pause before speech. */
const EDGE_VALUES = 48_000

/** Whether a piece of `count` values is too long to look at all of them. */
export function isTooLong(count: number): boolean {
  return count > WHOLE_VALUES_MAX
}

/** What to look at for peak, clipping and RMS: all of `count` values, or windows evenly spread. Coarse first: whoever stops early has seen some of every part. */
export function spreadBlocks(count: number): Block[] {
  return coarseFirst(isTooLong(count) ? windows(count) : blocks(0, count))
}

/** The beginning of `count` values, to be read until something can be heard. */
export function headBlocks(count: number): Block[] {
  return blocks(0, Math.min(count, EDGE_VALUES))
}

/** The end, backwards. */
export function tailBlocks(count: number): Block[] {
  return blocks(Math.max(0, count - EDGE_VALUES), count).reverse()
}

function windows(count: number): Block[] {
  const step = count / WINDOWS
  return Array.from({ length: WINDOWS }, (_, i) => ({
    start: Math.floor((i + 0.5) * step - WINDOW_VALUES / 2),
    count: WINDOW_VALUES,
  }))
}

function blocks(from: number, to: number): Block[] {
  const list: Block[] = []
  for (let start = from; start < to; start += BLOCK_VALUES) list.push({ start, count: Math.min(BLOCK_VALUES, to - start) })
  return list
}

/** 0, 4, 2, 6, 1, 3, 5, 7 */
function coarseFirst<T>(list: readonly T[]): T[] {
  const ordered = list.slice(0, 1)
  for (let step = 2 ** Math.ceil(Math.log2(list.length)); step > 1; step /= 2)
    for (let i = step / 2; i < list.length; i += step) ordered.push(list[i]!)
  return ordered
}
