/**
 * What only the instrumentation of the Gemini client writes; the rest is in `tts/semconv.ts`. Vendored for the same reason as there.
 * https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/client-inference.md
 */

// The request

/** Double. Only the models before 3.8 take it. */
export const GEN_AI_REQUEST_TEMPERATURE = 'gen_ai.request.temperature'
/** Double. */
export const GEN_AI_REQUEST_TOP_P = 'gen_ai.request.top_p'
/** Integer. */
export const GEN_AI_REQUEST_TOP_K = 'gen_ai.request.top_k'
/** Integer, tokens that the answer may have. */
export const GEN_AI_REQUEST_MAX_TOKENS = 'gen_ai.request.max_tokens'
/** Integer. */
export const GEN_AI_REQUEST_SEED = 'gen_ai.request.seed'
/** String list. */
export const GEN_AI_REQUEST_STOP_SEQUENCES = 'gen_ai.request.stop_sequences'
/** Double. */
export const GEN_AI_REQUEST_FREQUENCY_PENALTY = 'gen_ai.request.frequency_penalty'
/** Double. */
export const GEN_AI_REQUEST_PRESENCE_PENALTY = 'gen_ai.request.presence_penalty'
/** String: `low`, `high`. How much the model is to think. */
export const GEN_AI_REQUEST_REASONING_LEVEL = 'gen_ai.request.reasoning.level'
/** Integer, candidates asked for; absent when it is one. */
export const GEN_AI_REQUEST_CHOICE_COUNT = 'gen_ai.request.choice.count'

// What it took

/** Integer, tokens the model thought with; a part of the output. */
export const GEN_AI_USAGE_REASONING_OUTPUT_TOKENS = 'gen_ai.usage.reasoning.output_tokens'
/** Integer, tokens of the input that came from a cache; a part of the input. */
export const GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS = 'gen_ai.usage.cache_read.input_tokens'
/** Integer, tokens of audio in the input; a part of the total. */
export const GEN_AI_USAGE_AUDIO_INPUT_TOKENS = 'gen_ai.usage.audio.input_tokens'
/** Integer, tokens of text in the output; a part of the total. */
export const GEN_AI_USAGE_TEXT_OUTPUT_TOKENS = 'gen_ai.usage.text.output_tokens'

/** Integer. HTTP requests of the call, repetitions included; absent where HTTP is not instrumented. */
export const GEMINI_ATTEMPTS = 'gcp.gemini.attempts'
/** Integer. Requests that brought pieces of the answer: 1, and one more for each continuation. Repetitions of failed requests do not count. */
export const GEMINI_HOPS = 'gcp.gemini.hops'
/**
 * Double, milliseconds. Time of the call's HTTP requests outside Google's own server time (`gcp.gemini.server_timing_ms`): connecting,
 * the way there and back and, unless the answer is streamed, its transfer. Pauses between repetitions are in neither.
 */
export const GEMINI_NETWORK_MS = 'gcp.gemini.network_ms'
/** String. What the quota counts: `generativelanguage.googleapis.com/generate_content_free_tier_requests`. */
export const GEMINI_QUOTA_METRIC = 'gcp.gemini.quota_metric'
/** Double, seconds. When Google says to come back after a 429. */
export const GEMINI_RETRY_DELAY = 'gcp.gemini.retry_delay'
/** String: `safety`, `prohibited_content`. Why the prompt was blocked. */
export const GEMINI_BLOCK_REASON = 'gcp.gemini.block_reason'

// The Live API: one span for each connection

/** String. Id of the session, where the server tells it; the connections that resume one another may share it. */
export const GEN_AI_CONVERSATION_ID = 'gen_ai.conversation.id'
/** Double, seconds. From `connect` until the server was ready. */
export const GEMINI_LIVE_SETUP_TIME = 'gcp.gemini.live.setup_time'
/** Boolean, only ever true. The connection goes on with an earlier session. */
export const GEMINI_LIVE_RESUMED = 'gcp.gemini.live.resumed'
/** Integer. Answers of the model, those that failed or were interrupted included. */
export const GEMINI_LIVE_TURNS = 'gcp.gemini.live.turns'
/** Integer. Answers that ended badly. */
export const GEMINI_LIVE_FAILED_TURNS = 'gcp.gemini.live.failed_turns'
/** Integer. Answers that the user interrupted. */
export const GEMINI_LIVE_INTERRUPTIONS = 'gcp.gemini.live.interruptions'
/** Double, seconds. What the server left the app when it said that it would close the connection. */
export const GEMINI_LIVE_GO_AWAY_TIME_LEFT = 'gcp.gemini.live.go_away_time_left'
/** Integer. Code that the WebSocket was closed with: 1000, 1005 (no code), 1006 (it broke), 1011. */
export const GEMINI_LIVE_CLOSE_CODE = 'gcp.gemini.live.close_code'
/** Event of a connection: the model has answered, well or badly. */
export const EVENT_LIVE_TURN_COMPLETED = 'Turn completed'
/** Event of a connection: the server says that it will close it soon. */
export const EVENT_LIVE_GO_AWAY = 'Server goes away'

// Content, only when asked for

/** JSON text on spans, structured on events: `[{"role": "user", "parts": [{"type": "text", "content": "…"}]}]`. */
export const GEN_AI_INPUT_MESSAGES = 'gen_ai.input.messages'
/** The same with `finish_reason`. Of audio only its type is said. */
export const GEN_AI_OUTPUT_MESSAGES = 'gen_ai.output.messages'
/** Parts of the system instruction. */
export const GEN_AI_SYSTEM_INSTRUCTIONS = 'gen_ai.system_instructions'
/** Name of the log record that carries content. */
export const EVENT_GEN_AI_DETAILS = 'gen_ai.client.inference.operation.details'

/** Name of the log record of what a call threw. */
export const EVENT_GEN_AI_EXCEPTION = 'gen_ai.client.operation.exception'

// Metrics: the new names, and those they had up to version 1.41

/** Histogram s, streams only: from the call to its first chunk. */
export const METRIC_GEN_AI_TIME_TO_FIRST_CHUNK = 'gen_ai.client.inference.time_to_first_chunk'
/** Histogram s, streams only: from one chunk to the next. */
export const METRIC_GEN_AI_TIME_PER_OUTPUT_CHUNK = 'gen_ai.client.inference.time_per_output_chunk'
/** Counter {token} by `gen_ai.token.modality`. */
export const METRIC_GEN_AI_INPUT_TOKENS = 'gen_ai.client.inference.usage.input_tokens'
/** Counter {token} by `gen_ai.token.modality`. */
export const METRIC_GEN_AI_OUTPUT_TOKENS = 'gen_ai.client.inference.usage.output_tokens'
/** Counter {token}. See {@link GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS}. */
export const METRIC_GEN_AI_CACHE_READ_TOKENS = 'gen_ai.client.inference.usage.cache_read.input_tokens'
/** Counter {token}. See {@link GEN_AI_USAGE_REASONING_OUTPUT_TOKENS}. */
export const METRIC_GEN_AI_REASONING_TOKENS = 'gen_ai.client.inference.usage.reasoning.output_tokens'
/** Histogram {token} of one call. */
export const METRIC_GEN_AI_CALL_INPUT_TOKENS = 'gen_ai.client.inference.operation.input_tokens'
/** Histogram {token} of one call. */
export const METRIC_GEN_AI_CALL_OUTPUT_TOKENS = 'gen_ai.client.inference.operation.output_tokens'

/** Old. Histogram s, now `gen_ai.client.inference.duration`. */
export const METRIC_GEN_AI_OLD_DURATION = 'gen_ai.client.operation.duration'
/** Old. Histogram s, now {@link METRIC_GEN_AI_TIME_TO_FIRST_CHUNK}. */
export const METRIC_GEN_AI_OLD_TIME_TO_FIRST_CHUNK = 'gen_ai.client.operation.time_to_first_chunk'
/** Old. Histogram s, now {@link METRIC_GEN_AI_TIME_PER_OUTPUT_CHUNK}. */
export const METRIC_GEN_AI_OLD_TIME_PER_OUTPUT_CHUNK = 'gen_ai.client.operation.time_per_output_chunk'
/** Old. Histogram {token} by {@link GEN_AI_TOKEN_TYPE}, now the counters and histograms above. */
export const METRIC_GEN_AI_OLD_TOKENS = 'gen_ai.client.token.usage'
/** String: `input`, `output`. Label of the old token histogram. */
export const GEN_AI_TOKEN_TYPE = 'gen_ai.token.type'

/**
 * Seconds. The convention ends at 81.92, where long speech only begins (answers after 77 s and failures after 148 s are reported),
 * so two more follow.
 * https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md
 */
export const GEN_AI_DURATION_BUCKETS_S = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92, 163.84, 327.68,
]

/** Tokens, as the convention has them. */
export const GEN_AI_TOKEN_BUCKETS = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864]
