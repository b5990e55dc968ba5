/** What the doctor found, and the one table of everything it can find: `docs/doctor.md` is compared with it. */

/** `skipped`: could not be looked at, and the detail says why. */
export type Status = 'ok' | 'warning' | 'problem' | 'skipped'

/** One thing that was checked. `detail` is a sentence without line end and without secrets. */
export type Finding = { readonly code: Code; readonly status: Status; readonly detail: string }

/** A code with what is checked under it and what to do when it is not well. */
export type Check = { readonly checked: string; readonly remedy: string }

export type Code = keyof typeof CHECKS

/** By code, in the order in which they are reported. */
export const CHECKS = {
  'node-version': {
    checked: 'Node is 22.15 or newer',
    remedy: 'Install Node 24, and see that the app starts with it (node -v in the same place).',
  },
  'node-hooks': {
    checked: 'Node can tell when @google/genai is imported (module.registerHooks)',
    remedy: 'Use Node 22.15 or newer of line 22, or 24. Until then call instrumentGemini(client) on each client.',
  },
  'api-compatible': {
    checked: 'every copy of @opentelemetry/api can see what tts-otel registers',
    remedy:
      'Install one version: "npm ls @opentelemetry/api" shows who brings which, "npm dedupe" or "overrides" in package.json makes them one.',
  },
  'api-copies': {
    checked: 'one version of @opentelemetry/api in the tree',
    remedy:
      'An older copy works unless it is loaded before tts-otel/register: load that first, or install one version (npm ls @opentelemetry/api).',
  },
  'api-logs': {
    checked: 'who logs through the old @opentelemetry/api-logs is heard',
    remedy: 'Nothing: registration bridges the old API to the new one.',
  },
  'other-sdk': {
    checked: 'no other telemetry SDK among the dependencies of the app',
    remedy:
      'Two SDKs cannot both have the globals: remove the other one with the code that starts it, or do not load tts-otel/register here.',
  },
  'own-copies': {
    checked: 'one copy of tts-otel in the tree',
    remedy: 'Install one version (npm ls tts-otel): a request id set through one copy is not seen by another.',
  },
  'register-loaded': {
    checked: 'something loads tts-otel/register',
    remedy:
      'Start the app with "node --import tts-otel/register app.js", or set NODE_OPTIONS="--import tts-otel/register". When another place (Dockerfile, systemd unit) does it, this is well.',
  },
  'register-order': {
    checked: 'nothing is loaded before tts-otel/register that it has to see being loaded',
    remedy:
      'Make tts-otel/register the first --import, or --require it when others are required: Node runs all --require before any --import.',
  },
  'register-import': {
    checked: 'the app does not rely on an import statement of its own to load tts-otel/register',
    remedy: 'Load it by "node --import tts-otel/register": by the time an import statement runs, Node has already found all other modules.',
  },
  'register-works': {
    checked: 'tts-otel/register gets traces, metrics and logs of a process that starts as the app does',
    remedy: 'Do what the message says; when another SDK is named, remove it or load tts-otel/register before it.',
  },
  'api-logs-taken': {
    checked: 'nobody else has registered for @opentelemetry/api-logs first',
    remedy:
      'Remove the other log SDK, or load tts-otel/register before it: what libraries log through the old API goes to whoever is first.',
  },
  'sdk-enabled': {
    checked: 'the SDK is on and sends something',
    remedy: 'Unset OTEL_SDK_DISABLED; set OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER and OTEL_LOGS_EXPORTER to otlp, or unset them.',
  },
  'setting-wrong': {
    checked: 'every variable has a value that can be used',
    remedy: 'Correct the variable; docs/configuration.md has what is allowed. Until then the default holds.',
  },
  'setting-unknown': {
    checked: 'every OTEL_ and TTS_OTEL_ variable is one that is read',
    remedy: 'Look for a slip in the name (docs/configuration.md has all of them), or unset it when it was for another SDK.',
  },
  'service-name': {
    checked: 'the service has a name',
    remedy: 'Set OTEL_SERVICE_NAME; without it all unnamed services are one.',
  },
  sampler: {
    checked: 'traces are recorded',
    remedy: 'Set OTEL_TRACES_SAMPLER=parentbased_always_on, or OTEL_TRACES_SAMPLER_ARG above 0.',
  },
  'grpc-port': {
    checked: 'the endpoint is not the gRPC port',
    remedy: 'Port 4317 is for gRPC by custom; OTLP over HTTP is usually on 4318.',
  },
  dns: {
    checked: 'the name of the collector (or proxy) is found',
    remedy: 'Check the name in OTEL_EXPORTER_OTLP_ENDPOINT (or HTTPS_PROXY, HTTP_PROXY) and the DNS of this machine or container.',
  },
  tcp: {
    checked: 'something listens there',
    remedy:
      'Start the collector, check the port in OTEL_EXPORTER_OTLP_ENDPOINT (inside a container localhost is the container), and the firewall.',
  },
  proxy: {
    checked: 'the proxy opens a way to the collector',
    remedy: 'Check HTTPS_PROXY or HTTP_PROXY with its user and password, allow the collector there, or name the collector in NO_PROXY.',
  },
  tls: {
    checked: 'a TLS connection can be made',
    remedy:
      'When the collector speaks plain HTTP, write http:// in OTEL_EXPORTER_OTLP_ENDPOINT; when it asks for a client certificate, set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY to the files of one that its authority has issued.',
  },
  'tls-trust': {
    checked: 'the certificate is of a trusted authority, for this name and for today',
    remedy:
      'For an authority of your own set OTEL_EXPORTER_OTLP_CERTIFICATE to the file of its certificate; for another name or an expired one renew the certificate.',
  },
  'tls-expiry': {
    checked: 'the certificate is valid for two more weeks',
    remedy: 'Renew the certificate of the collector: when it expires, nothing is delivered.',
  },
  auth: {
    checked: 'the collector lets this sender in',
    remedy: 'Set the token in OTEL_EXPORTER_OTLP_HEADERS, for example authorization=Bearer%20TOKEN.',
  },
  answer: {
    checked: 'the collector takes this kind of request at this address',
    remedy:
      'See that OTEL_EXPORTER_OTLP_ENDPOINT is an OTLP/HTTP receiver (usually port 4318); for 5xx look into the log of the collector.',
  },
  delivery: {
    checked: 'a span, a metric point and a log record of the doctor are delivered as those of the app would be',
    remedy: 'Do what the message says; for 5xx look into the log of the collector.',
  },
  collector: {
    checked: 'the collector is a tts-otel-collector that can store',
    remedy: 'Look into the log of the collector and at its database (GET /health says what is wrong).',
  },
  arrival: {
    checked: 'what was delivered can be read back from the store',
    remedy:
      'Set TTS_OTEL_READ_TOKEN to the READ_TOKEN of the collector when it asks for one. A log record that is missing alone is left out by its LOG_DB_LEVEL.',
  },
  'spool-directory': {
    checked: 'what the collector does not take can wait on disk',
    remedy: 'Name a directory that this user can write in TTS_OTEL_SPOOL_DIR; in a container, a volume.',
  },
  'spool-waiting': {
    checked: 'there is room for what waits on disk',
    remedy: 'See why the collector does not take it, or raise TTS_OTEL_SPOOL_MAX_MB; at the limit the oldest is dropped.',
  },
  doctor: {
    checked: 'every check runs to its end',
    remedy: 'This is a fault of the doctor: please report it with the message.',
  },
} as const satisfies Readonly<Record<string, Check>>

export const ok = (code: Code, detail: string): Finding => ({ code, status: 'ok', detail })
export const warning = (code: Code, detail: string): Finding => ({ code, status: 'warning', detail })
export const problem = (code: Code, detail: string): Finding => ({ code, status: 'problem', detail })
export const skipped = (code: Code, detail: string): Finding => ({ code, status: 'skipped', detail })

/** What to do, for findings that need it. */
export function remedyOf({ code, status }: Finding): string | undefined {
  return status === 'warning' || status === 'problem' ? CHECKS[code].remedy : undefined
}
