/** Public names, nothing else. `tts-otel/register` installs; what is here works with and without it. */
export { type Config, type ParsedConfig, parseConfig } from './config.ts'
export type { SignalHealth, TelemetryHealth } from './delivery/stats.ts'
export { instrumentGemini } from './instrument/google-genai.ts'
export { getLogger, type Logger } from './log/logger.ts'
export { getTelemetryHealth } from './registered.ts'
export { getRequestId, type RequestContext, type RequestNames, setUser, withRequest } from './request-context.ts'
export { createSdk, type Sdk, type SdkParts } from './sdk.ts'
export { type TtsOrder, type TtsRequest, ttsRequest } from './tts/request.ts'
