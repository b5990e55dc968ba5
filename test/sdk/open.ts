import { type Config, parseConfig } from '../../src/config.ts'
import { createSdk, type Sdk } from '../../src/sdk.ts'
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts'

export type Open = {
  readonly sdk: Sdk
  readonly config: Config
  readonly receiver: OtlpReceiver
  close(): Promise<void>
}

/** Nothing of one test is delivered in another. */
export const NO_DISK = { TTS_OTEL_SPOOL_MAX_MB: '0' }

/** An SDK of its own that sends to a receiver of its own. `env` are further variables. */
export async function openSdk(env: Readonly<Record<string, string>> = {}): Promise<Open> {
  const receiver = await startOtlpReceiver()
  const { config } = parseConfig({
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    ...NO_DISK,
    ...env,
  })
  const sdk = createSdk(config, { warn: () => {} })
  return {
    sdk,
    config,
    receiver,
    async close() {
      await sdk.shutdown(1_000)
      await receiver.close()
    },
  }
}
