/**
 * Every attribute and metric name this package writes. `gen_ai.*` is copied, not imported: the conventions moved to their own
 * repository, have no release yet, and are marked deprecated in `@opentelemetry/semantic-conventions`.
 * https://github.com/open-telemetry/semantic-conventions-genai
 */

// The request

/** String. One id on every span and log record of a request; a UUIDv7 unless the caller sent its own. */
export const REQUEST_ID = 'request_id'
/** String. Who asked, as the app names its users. */
export const USER_ID = 'user_id'
/** String. The logger (`app.tts`) a log record came from. */
export const SOURCE = 'source'
/** String. UUIDv7, minted once; a second record with the same one is a copy. https://opentelemetry.io/docs/specs/semconv/registry/attributes/log/ */
export const LOG_RECORD_UID = 'log.record.uid'
/** Double, ratio in (0, 1). Of a sampled DEBUG record: the share of such records that is kept, so that counts can be scaled up. */
export const LOG_SAMPLE_RATIO = 'log.sample_ratio'
/** String. Low-cardinality name of what went wrong: a status of the provider, an HTTP code, or an outcome below. */
export const ERROR_TYPE = 'error.type'
/** String. Class of a thrown error. */
export const EXCEPTION_TYPE = 'exception.type'
/** String. Message of a thrown error, its causes appended. */
export const EXCEPTION_MESSAGE = 'exception.message'
/** String. Stack of a thrown error, its causes appended. */
export const EXCEPTION_STACKTRACE = 'exception.stacktrace'

// Spans and their events

/** Name of the INTERNAL span around one speech job, its waiting and retries included. */
export const SPAN_TTS_REQUEST = 'tts_request'
/** Name of the CLIENT span around one call of the Gemini client. */
export const SPAN_GEMINI_CALL = 'gemini_api_call'
/** Event of `tts_request`: the job waits for its turn. */
export const EVENT_REQUEST_QUEUED = 'Request queued'
/** Event of `tts_request`: the provider has answered, well or badly. */
export const EVENT_CALL_COMPLETED = 'API call completed'
/** String. Method of the provider's API: `generateContent`, `streamGenerateContent`, `interactions`, `BidiGenerateContent`. */
export const API_ENDPOINT = 'api.endpoint'

/** Boolean. The process ended while the span was open: how it would have ended nobody knows. */
export const INTERRUPTED = 'tts.interrupted'

// Speech

/** String. Voice as the app names it. On metrics a voice outside the prebuilt ones is `custom`. */
export const TTS_VOICE = 'tts.voice'
/** String. BCP 47 language of the text. */
export const TTS_LANGUAGE = 'tts.language'
/** String. Model asked for. */
export const TTS_MODEL = 'tts.model'
/** Integer. Unicode code points of the text; the text itself never leaves the process. */
export const TTS_INPUT_CHARACTERS = 'tts.input.characters'
/** Integer. Parts that the text was cut into, each spoken by a call of its own; only where the app says so. */
export const TTS_INPUT_CHUNKS = 'tts.input.chunks'
/** Double, seconds. Playing time of the audio that came back. */
export const TTS_AUDIO_DURATION = 'tts.audio.duration'
/** Integer, bytes. Size of the audio, a container's header included. */
export const TTS_AUDIO_BYTES = 'tts.audio.bytes'
/** Integer, hertz. Sample rate of the audio. */
export const TTS_AUDIO_SAMPLE_RATE = 'tts.audio.sample_rate'
/** Integer. Channels of the audio. */
export const TTS_AUDIO_CHANNELS = 'tts.audio.channels'
/** String: `wav`, `pcm`, `mulaw`, `alaw`, `mp3`, `ogg`, `webm`, `aac`, `flac`, `other`. Container, or the encoding of audio that has none. */
export const TTS_AUDIO_FORMAT = 'tts.audio.format'
/** Integer. Pieces that the audio came in. */
export const TTS_AUDIO_CHUNKS = 'tts.audio.chunks'
/** Double, dBFS. Analysis only: the greatest sample, 0 being the greatest there is. Absent when all samples are zero. */
export const TTS_AUDIO_PEAK = 'tts.audio.peak'
/** Double, dBFS. Analysis only: the root of the mean square of all samples. Absent when all samples are zero. */
export const TTS_AUDIO_RMS = 'tts.audio.rms'
/** Double, ratio. Analysis only: share of samples at full scale; speech that is not clipped has next to none. */
export const TTS_AUDIO_CLIPPING = 'tts.audio.clipping'
/** Double, seconds. Analysis only: before the first sample that can be heard; all of it when nothing can. */
export const TTS_AUDIO_SILENCE_LEADING = 'tts.audio.silence.leading'
/** Double, seconds. Analysis only: behind the last sample that can be heard; all of it when nothing can. */
export const TTS_AUDIO_SILENCE_TRAILING = 'tts.audio.silence.trailing'
/** Boolean, only ever true. Analysis only: not every sample was looked at, so that its figures are estimates. */
export const TTS_AUDIO_SAMPLED = 'tts.audio.sampled'
/** Double, ratio. Processing time divided by playing time: below 1 the speech is made faster than it plays. */
export const TTS_RTF = 'tts.rtf'
/** Double, seconds. From the start of processing to the first bytes of audio. */
export const TTS_TIME_TO_FIRST_AUDIO = 'tts.time_to_first_audio'
/** Double, seconds. Analysis only: from the start of processing until a listener who plays what comes hears something. */
export const TTS_TIME_TO_FIRST_AUDIBLE = 'tts.time_to_first_audible'
/** Integer. Streams only: how often the listener's buffer ran empty, because a piece came later than those before it had been played. */
export const TTS_STREAM_STALLS = 'tts.stream.stalls'
/** Double, seconds. Streams only: how long the listener waited in these stalls, all together. */
export const TTS_STREAM_STALLED = 'tts.stream.stalled'
/** Double, seconds. From `queued` to `started`. */
export const TTS_QUEUE_WAIT = 'tts.queue.wait'
/** Integer. Requests to the provider that this job took, repetitions by its client included. */
export const TTS_ATTEMPTS = 'tts.attempts'
/** Double, US dollars. What the provider will bill, estimated from its list price; of the calls whose price is known. Absent when none is. */
export const TTS_COST_ESTIMATED_USD = 'tts.cost.estimated_usd'
/** String: `model`, `tier`, `date`, `usage`. Why the cost of a call is not known; what it cost is missing in the estimate. */
export const TTS_COST_UNKNOWN_REASON = 'tts.cost.unknown_reason'
/** Boolean, only ever true. The audio, or a part of it, came from the app's cache. */
export const TTS_CACHE_HIT = 'tts.cache.hit'
/** String: `header`, `tokens`, `text`. Why the audio seems to end before its text does. */
export const TTS_TRUNCATION_SUSPECTED = 'tts.truncation.suspected'
/** String: `ok`, `no_audio`, `truncated`, `silent`, `text_instead_of_audio`, `cancelled`, `error`. What the user got. */
export const TTS_OUTCOME = 'tts.outcome'

// Generative AI (vendored, semantic-conventions-genai 1.42.0-dev)

/** String: `generate_content`; `generate_live_content` for a connection of the Live API. */
export const GEN_AI_OPERATION_NAME = 'gen_ai.operation.name'
/** String: `gcp.gemini`, or `gcp.vertex_ai`. */
export const GEN_AI_PROVIDER_NAME = 'gen_ai.provider.name'
/** String. Model asked for. */
export const GEN_AI_REQUEST_MODEL = 'gen_ai.request.model'
/** Boolean, only ever true. The answer is streamed. */
export const GEN_AI_REQUEST_STREAM = 'gen_ai.request.stream'
/** String: `speech`. */
export const GEN_AI_OUTPUT_TYPE = 'gen_ai.output.type'
/** String. Id the provider gave the answer. */
export const GEN_AI_RESPONSE_ID = 'gen_ai.response.id'
/** String. Model that answered. */
export const GEN_AI_RESPONSE_MODEL = 'gen_ai.response.model'
/** String list, one for each candidate; `error` where one was due and did not come. */
export const GEN_AI_RESPONSE_FINISH_REASONS = 'gen_ai.response.finish_reasons'
/** Double, seconds. Streams only: from the call to its first chunk. */
export const GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK = 'gen_ai.response.time_to_first_chunk'
/** Integer, tokens. */
export const GEN_AI_USAGE_INPUT_TOKENS = 'gen_ai.usage.input_tokens'
/** Integer, tokens. */
export const GEN_AI_USAGE_OUTPUT_TOKENS = 'gen_ai.usage.output_tokens'
/** Integer, tokens of text in the input; a part of the total. */
export const GEN_AI_USAGE_TEXT_INPUT_TOKENS = 'gen_ai.usage.text.input_tokens'
/** Integer, tokens of audio in the output; a part of the total. Gemini makes 25 a second. */
export const GEN_AI_USAGE_AUDIO_OUTPUT_TOKENS = 'gen_ai.usage.audio.output_tokens'
/** String: `text`, `audio`, `unknown`. Label of the usage counters. */
export const GEN_AI_TOKEN_MODALITY = 'gen_ai.token.modality'
/** String. Host of the provider. */
export const SERVER_ADDRESS = 'server.address'
/** Integer. Port of the provider. */
export const SERVER_PORT = 'server.port'
/** Double, milliseconds. Google's own time for the call (`server-timing`); the rest of the wall time is network. */
export const GEMINI_SERVER_TIMING_MS = 'gcp.gemini.server_timing_ms'
/** String. The quota that a 429 ran into; tells requests a minute, requests a day and tokens a minute apart. */
export const GEMINI_QUOTA_ID = 'gcp.gemini.quota_id'

// Metrics

/** Counter {request}, by `tts.outcome`, `tts.model`, `tts.voice`, and `tts.cache.hit` where it is true. So are the histograms. */
export const METRIC_TTS_REQUESTS = 'tts.requests'
/** Histogram s. From the start of `tts_request` to its end, waiting included. */
export const METRIC_TTS_REQUEST_DURATION = 'tts.request.duration'
/** Histogram s. The same without the waiting. */
export const METRIC_TTS_PROCESSING_DURATION = 'tts.processing.duration'
/** Histogram s. Playing time of the audio of one request; its sum is the audio that users got. */
export const METRIC_TTS_AUDIO_DURATION = 'tts.audio.duration'
/** Histogram 1. See {@link TTS_RTF}. Without answers from a cache, which nobody made. */
export const METRIC_TTS_RTF = 'tts.rtf'
/** Histogram s. See {@link TTS_TIME_TO_FIRST_AUDIO}. */
export const METRIC_TTS_TIME_TO_FIRST_AUDIO = 'tts.time_to_first_audio'
/** Histogram s. See {@link TTS_TIME_TO_FIRST_AUDIBLE}. */
export const METRIC_TTS_TIME_TO_FIRST_AUDIBLE = 'tts.time_to_first_audible'
/** Histogram s. See {@link TTS_STREAM_STALLED}. One value for each request whose audio came in pieces, 0 where nothing stalled. */
export const METRIC_TTS_STREAM_STALLED = 'tts.stream.stalled'
/** Counter {character}, by `tts.model`. Characters of the texts that were to be spoken. */
export const METRIC_TTS_CHARACTERS = 'tts.characters'
/** Counter {USD}, by `tts.model`. See {@link TTS_COST_ESTIMATED_USD}. */
export const METRIC_TTS_COST = 'tts.cost'
/** Counter {call}, by `tts.model`, `tts.cost.unknown_reason`. Calls that are billed and whose cost is not known: never counted as free. */
export const METRIC_TTS_COST_UNKNOWN = 'tts.cost.unknown'
/** Counter {token}, by `tts.model`. Output tokens that are billed although no audio came. */
export const METRIC_TTS_BILLED_WITHOUT_AUDIO = 'tts.billed_without_audio'
/** Counter {request}. Requests that were refused with 401: each counts once. */
export const METRIC_TTS_AUTH_FAILURES = 'tts.auth.failures'
/** Gauge {job}. Jobs that wait for their turn, as the app tells it (`observeQueueLength`). */
export const METRIC_TTS_QUEUE_LENGTH = 'tts.queue.length'
/**
 * UpDownCounter {connection}. Requests under way in the middleware, each of which holds a connection of its client until its answer has
 * ended, and what the app tells of others (`observeActiveConnections`).
 */
export const METRIC_TTS_ACTIVE_CONNECTIONS = 'tts.active_connections'
/** Counter {line} by `reason`. Lines of the log that the console did not take. */
export const METRIC_CONSOLE_DROPPED = 'tts_otel.console.dropped'
/** Counter {line} by `reason`. Lines of the log that a file did not take. */
export const METRIC_LOG_FILE_DROPPED = 'tts_otel.log.file.dropped'
/** Histogram s. One call of the provider; equals the duration of its span. Called `gen_ai.client.operation.duration` up to version 1.41. */
export const METRIC_GEN_AI_INFERENCE_DURATION = 'gen_ai.client.inference.duration'

// Health

/** String. A service that the app depends on, as `createHealth` names it. */
export const HEALTH_CHECK_NAME = 'health.check.name'
/** Gauge 1, by `health.check.name`: 1 when the service is healthy, 0 when it is not, or when nobody knows. */
export const METRIC_HEALTH_CHECK_STATUS = 'health.check.status'
/** Histogram s, by `health.check.name`, and `error.type` where the check failed. */
export const METRIC_HEALTH_CHECK_DURATION = 'health.check.duration'
