/**
 * `body`, that calls `onBroken` when it breaks: nobody else is told of a web stream that does so in the middle of an answer. What that returns is
 * the error that its reader gets.
 */
export function guardBody(body: ReadableStream, onBroken: (error: unknown) => unknown): ReadableStream {
  const reader = body.getReader()
  return new ReadableStream({
    async pull(controller) {
      const piece = await reader.read().catch((error: unknown) => controller.error(onBroken(error)))
      // Outside of the catch: of a reader that has gone meanwhile they throw, and nothing is broken.
      if (piece?.done) controller.close()
      else if (piece) controller.enqueue(piece.value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
}
