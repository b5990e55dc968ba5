import { setTimeout as sleep } from 'node:timers/promises'
import { context, logs } from '@opentelemetry/api'
import { afterAll, beforeAll } from 'vitest'
import { type Open, openSdk } from '../sdk/open.ts'
import { attribute, type OtlpItem } from '../support/otlp-receiver.ts'

/** For a logger that hands its lines on later. */
const WAIT_MS_MAX = 10_000

export type Bridged = {
  /** The record with this message; fails the test when it does not arrive. */
  logged(message: string): Promise<OtlpItem>
  /** What has arrived so far. */
  all(): Promise<readonly OtlpItem[]>
  tracer: Open['sdk']['tracerProvider']
}

/** An SDK that is registered for this test file, with a receiver behind it. */
export function openBridged(env: Readonly<Record<string, string>> = {}): Bridged {
  let open: Open
  beforeAll(async () => {
    open = await openSdk(env)
    context.setGlobalContextManager(open.sdk.contextManager)
    logs.setGlobalLoggerProvider(open.sdk.loggerProvider)
  })
  afterAll(() => open.close())
  async function all(): Promise<readonly OtlpItem[]> {
    await open.sdk.forceFlush(5_000)
    return open.receiver.logs
  }
  return {
    all,
    async logged(message) {
      for (const endMs = Date.now() + WAIT_MS_MAX; ; await sleep(20)) {
        const records = await all()
        const found = records.find(({ body }) => body?.stringValue === message)
        if (found !== undefined) return found
        if (Date.now() > endMs) throw new Error(`no record "${message}" among ${records.map(({ body }) => body?.stringValue).join(', ')}`)
      }
    },
    get tracer() {
      return open.sdk.tracerProvider
    },
  }
}

/** Some attributes of a record by name. */
export function attributesOf(record: OtlpItem, ...names: readonly string[]): readonly unknown[] {
  return names.map((name) => attribute(record, name))
}
