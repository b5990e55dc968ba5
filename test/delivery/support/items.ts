import { type ReadableSpan, TracerProvider } from '@opentelemetry/sdk-trace'
import { itemName } from './collector.ts'

/** Finished spans as the SDK makes them, named `item-0;` and so on. */
export function makeSpans(count: number, attributes: Record<string, string | number> = { 'http.route': '/hello/:id' }): ReadableSpan[] {
  const ended: ReadableSpan[] = []
  const provider = new TracerProvider({
    spanProcessors: [
      { onStart() {}, onEnd: (span) => void ended.push(span), forceFlush: async () => undefined, shutdown: async () => undefined },
    ],
  })
  const tracer = provider.getTracer('test')
  for (let index = 0; index < count; index++) tracer.startSpan(itemName(index), { attributes }).end()
  return ended
}

export const names = (count: number) => Array.from({ length: count }, (_, index) => itemName(index))
