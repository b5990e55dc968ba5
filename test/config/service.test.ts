import { execFileSync } from 'node:child_process'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'

test('unset: no name, no attributes, every switch off, warnings told, INFO as JSON', () => {
  const { config, problems } = parseConfig({})
  expect(config).toMatchObject({
    disabled: false,
    strict: false,
    compileCache: false,
    diagLevel: 'warn',
    shutdownTimeoutMs: 3_000,
    serviceName: undefined,
    hostName: undefined,
    resourceAttributes: {},
    log: { level: 'INFO', format: 'json' },
    exceptions: 'events',
  })
  expect(problems).toEqual([])
})

test('OTEL_SERVICE_NAME, HOSTNAME and OTEL_RESOURCE_ATTRIBUTES', () => {
  const { config } = parseConfig({
    OTEL_SERVICE_NAME: ' tts-api ',
    HOSTNAME: 'pod-1',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging, team = speech%2Caudio',
  })
  expect(config.serviceName).toBe('tts-api')
  expect(config.hostName).toBe('pod-1')
  expect(config.resourceAttributes).toEqual({ 'deployment.environment.name': 'staging', team: 'speech,audio' })
})

test.each(['no-equals-sign', '=value', 'key=%E0%A4%A'])('a wrong OTEL_RESOURCE_ATTRIBUTES=%s is left out as a whole', (value) => {
  const { config, problems } = parseConfig({ OTEL_RESOURCE_ATTRIBUTES: `good=1,${value}` })
  expect(config.resourceAttributes).toEqual({})
  expect(problems).toEqual([
    `OTEL_RESOURCE_ATTRIBUTES="good=1,${value}" is not a list like key=value,key2=value2 with percent-encoded values; ignored`,
  ])
})

test('OTEL_SDK_DISABLED: only true is true', () => {
  expect(parseConfig({ OTEL_SDK_DISABLED: 'TRUE' }).config.disabled).toBe(true)
  expect(parseConfig({ OTEL_SDK_DISABLED: 'false' })).toMatchObject({ config: { disabled: false }, problems: [] })
  expect(parseConfig({ OTEL_SDK_DISABLED: '1' })).toMatchObject({
    config: { disabled: false },
    problems: ['OTEL_SDK_DISABLED="1" is not true or false; using false'],
  })
})

test.each([
  ['TTS_OTEL_STRICT', 'strict'],
  ['TTS_OTEL_COMPILE_CACHE', 'compileCache'],
] as const)('%s is 1 or true', (name, field) => {
  expect(parseConfig({ [name]: '1' }).config[field]).toBe(true)
  expect(parseConfig({ [name]: 'True' }).config[field]).toBe(true)
  expect(parseConfig({ [name]: '0' })).toMatchObject({ config: { [field]: false }, problems: [] })
  expect(parseConfig({ [name]: 'yes' })).toMatchObject({
    config: { [field]: false },
    problems: [`${name}="yes" is not 0, 1, true or false; using false`],
  })
})

test('TTS_OTEL_SHUTDOWN_TIMEOUT_MS', () => {
  expect(parseConfig({ TTS_OTEL_SHUTDOWN_TIMEOUT_MS: '500' }).config.shutdownTimeoutMs).toBe(500)
  expect(parseConfig({ TTS_OTEL_SHUTDOWN_TIMEOUT_MS: '3s' })).toMatchObject({
    config: { shutdownTimeoutMs: 3_000 },
    problems: ['TTS_OTEL_SHUTDOWN_TIMEOUT_MS="3s" is not a whole number from 1 to 2147483647; using 3000 ms'],
  })
})

test('OTEL_LOG_LEVEL', () => {
  expect(parseConfig({ OTEL_LOG_LEVEL: 'DEBUG' }).config.diagLevel).toBe('debug')
  expect(parseConfig({ OTEL_LOG_LEVEL: 'loud' }).problems).toEqual([
    'OTEL_LOG_LEVEL="loud" is not none, error, warn, info, debug, verbose or all; using warn',
  ])
})

test.each([
  ['debug', 'DEBUG'],
  ['Warn', 'WARNING'],
  ['trace', 'DEBUG'],
  ['FATAL', 'CRITICAL'],
])('LOG_LEVEL=%s is %s', (value, level) => {
  expect(parseConfig({ LOG_LEVEL: value })).toMatchObject({ config: { log: { level } }, problems: [] })
})

test('wrong LOG_LEVEL and LOG_FORMAT take their defaults', () => {
  const { config, problems } = parseConfig({ LOG_LEVEL: 'NOISY', LOG_FORMAT: 'xml' })
  expect(config.log).toMatchObject({ level: 'INFO', format: 'json' })
  expect(problems).toEqual([
    'LOG_LEVEL="NOISY" is not DEBUG, INFO, WARNING, ERROR or CRITICAL; using INFO',
    'LOG_FORMAT="xml" is not json or text; using json',
  ])
})

test('OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN', () => {
  expect(parseConfig({ OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN: 'logs/dup' }).config.exceptions).toBe('logs/dup')
  expect(parseConfig({ OTEL_SEMCONV_EXCEPTION_SIGNAL_OPT_IN: 'spans' }).problems).toHaveLength(1)
})

test('what is not supported is refused in plain words', () => {
  expect(parseConfig({ OTEL_CONFIG_FILE: 'otel.yaml' }).problems).toEqual([
    'OTEL_CONFIG_FILE is not supported and was not read: set the variables of docs/configuration.md instead',
  ])
  const preference = 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE'
  expect(parseConfig({ [preference]: 'delta' }).problems).toEqual([`${preference}="delta" is not supported: metrics are always cumulative`])
  expect(parseConfig({ [preference]: 'Cumulative' }).problems).toEqual([])
})

test('control characters and endless values do not reach the terminal', () => {
  const [problem] = parseConfig({ LOG_FORMAT: `\u001b[31m${'x'.repeat(10_000)}` }).problems
  expect(problem).not.toContain('\u001b')
  expect(problem?.length).toBeLessThan(200)
})

test('the config is frozen to its leaves', () => {
  const { config } = parseConfig({ OTEL_RESOURCE_ATTRIBUTES: 'a=b' })
  const isFrozen = (value: unknown): boolean =>
    typeof value !== 'object' || value === null || (Object.isFrozen(value) && Object.values(value).every(isFrozen))
  expect(isFrozen(config)).toBe(true)
})

test('a state directory that is relative is none: nothing is written where the app happens to run', () => {
  const { dirs } = parseConfig({ XDG_STATE_HOME: 'state', OTEL_SERVICE_NAME: 'api' }).config.spool
  expect(dirs).toEqual([expect.stringMatching(`^${tmpdir()}/tts-otel-.*/api$`)])
})

// Only root can become a user whom the system does not know.
test.skipIf(process.getuid?.() !== 0)('a user without a name and a home, as in a container, starts with the temporary directory', () => {
  const url = new URL('../../src/config.ts', import.meta.url)
  const script = `const { parseConfig } = await import('${url}'); process.setuid(54321); console.log(parseConfig({}).config.spool.dirs.join())`
  const stdout = execFileSync(process.execPath, ['--input-type=module', '-e', script], { env: {}, encoding: 'utf8' })
  expect(stdout).toBe('/tmp/tts-otel-54321/unknown_service\n')
})
