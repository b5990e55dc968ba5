/** Public names, nothing else. `tts-otel/register` installs; what is here works with and without it. */
export { type Config, type ParsedConfig, parseConfig } from './config.ts'
export type { SignalHealth, TelemetryHealth } from './delivery/stats.ts'
export {
  AuthenticationError,
  AuthorizationError,
  DatabaseError,
  type ErrorDetails,
  GeminiApiError,
  RateLimitError,
  RedisError,
  TtsApiError,
  type TtsApiErrorOptions,
  TtsProcessingError,
  ValidationError,
} from './errors.ts'
export type { CheckAnswer, CheckContext, HealthCheck } from './health/check.ts'
export { type GeminiClient, geminiCheck } from './health/gemini.ts'
export { createHealth, type Health, type HealthOptions, type ProbeAnswer } from './health/health.ts'
export { type PostgresClient, type PostgresPool, type PostgresPoolClient, postgresCheck } from './health/postgres.ts'
export { type RedisClient, redisCheck } from './health/redis.ts'
export type { HealthReport, HealthStatus, ServiceHealth, ServiceStatus } from './health/report.ts'
export { serveHealth } from './health/serve.ts'
export { type GeminiOptions, instrumentGemini } from './instrument/gemini-client.ts'
export type { GenAiContent } from './instrument/genai-content.ts'
export { addGenAiUploadHook, type GenAiUploadHook } from './instrument/genai-upload.ts'
export { instrumentPg } from './instrument/pg.ts'
export { getLogger, type Logger } from './log/logger.ts'
export { getTelemetryHealth } from './registered.ts'
export { getRequestId, type RequestContext, type RequestNames, setUser, withRequest } from './request-context.ts'
export { createSdk, type Sdk, type SdkParts } from './sdk.ts'
export type { AudioFacts } from './tts/audio.ts'
export { recordProcessingTime, recordRequest } from './tts/measure.ts'
export { observeActiveConnections, observeQueueLength, type ReadNumber } from './tts/observed.ts'
export {
  type StartedTtsRequest,
  startTtsRequest,
  type TtsCallFacts,
  type TtsOrder,
  type TtsOutcome,
  type TtsRequest,
  ttsRequest,
} from './tts/request.ts'
export { type MetricsSummary, metricsSummary } from './tts/summary.ts'
