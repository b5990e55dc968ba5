export type QueueLimits = {
  /** Items that may wait to be encoded; what comes on top is refused. */
  readonly queueItemsMax: number
  /** The same in estimated bytes: a thousand log records with long bodies are not a thousand small ones. */
  readonly queueBytesMax: number
  readonly batchItemsMax: number
  /** Estimated bytes of a batch; one item may be larger. */
  readonly batchBytesMax: number
  /** Longest time an item waits for others. */
  readonly delayMs: number
}

export type QueueOptions<T> = QueueLimits & {
  readonly estimateBytes: (item: T) => number
  /** Called when `take` has something to give: enough for a batch, or old enough. Must be cheap, it runs inside `push`. */
  readonly onReady: () => void
}

export type Queue<T> = {
  /** False when the item was refused because the queue is full. */
  readonly push: (item: T) => boolean
  /** The oldest batch that is ready, or undefined. */
  readonly take: () => readonly T[] | undefined
  /** Makes all that is in the queue ready now. */
  readonly flush: () => void
  readonly items: () => readonly T[]
  /** Empties the queue and returns what was in it. */
  readonly clear: () => readonly T[]
  /** Items taken so far: the number of the oldest one still here. */
  readonly taken: () => number
}

/**
 * Items on their way to the encoder, bounded in number and bytes. Gives batches by size or age.
 *
 * `push` is on the path of every request of the app: two array pushes, no promise, one timer for each batch.
 */
export function createQueue<T>(options: QueueOptions<T>): Queue<T> {
  const { queueItemsMax, queueBytesMax, batchItemsMax, batchBytesMax, delayMs, estimateBytes, onReady } = options
  const items: T[] = []
  const sizes: number[] = []
  let bytes = 0
  let taken = 0
  let due = 0 // items from the front that are old enough to go in a batch of any size
  let timer: NodeJS.Timeout | undefined

  function push(item: T): boolean {
    const size = estimateBytes(item)
    // An item larger than the whole queue still gets its chance when nothing else is there.
    if (items.length >= queueItemsMax || (bytes + size > queueBytesMax && items.length > 0)) return false
    items.push(item)
    sizes.push(size)
    bytes += size
    timer ??= setTimeout(flush, delayMs).unref()
    if (isBatchFull()) onReady()
    return true
  }

  function isBatchFull(): boolean {
    return items.length >= batchItemsMax || bytes >= batchBytesMax
  }

  function flush(): void {
    clearTimeout(timer)
    timer = undefined
    due = items.length
    if (due > 0) onReady()
  }

  function take(): readonly T[] | undefined {
    const countMax = isBatchFull() ? batchItemsMax : due
    if (countMax === 0) return undefined
    const count = countFitting(sizes, countMax, batchBytesMax)
    for (const size of sizes.splice(0, count)) bytes -= size
    taken += count
    due = Math.max(0, due - count)
    return items.splice(0, count)
  }

  function clear(): readonly T[] {
    clearTimeout(timer)
    timer = undefined
    bytes = 0
    due = 0
    taken += items.length
    sizes.length = 0
    return items.splice(0)
  }

  return { push, take, flush, items: () => items, clear, taken: () => taken }
}

/** How many of the first sizes fit into `bytesMax`, at least one and at most `countMax`. */
function countFitting(sizes: readonly number[], countMax: number, bytesMax: number): number {
  let bytes = 0
  let count = 0
  for (const size of sizes) {
    bytes += size
    if (count >= countMax || (count > 0 && bytes > bytesMax)) break
    count++
  }
  return count
}
