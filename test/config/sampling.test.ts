import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'

test('unset: every trace whose caller records it, by W3C trace context and baggage', () => {
  const { config, problems } = parseConfig({})
  expect(config.sampler).toEqual({ name: 'parentbased_always_on', ratio: 1 })
  expect(config.propagators).toEqual(['tracecontext', 'baggage'])
  expect(problems).toEqual([])
})

test.each(['always_on', 'always_off', 'parentbased_always_off'])('OTEL_TRACES_SAMPLER=%s ignores an argument', (name) => {
  const { config, problems } = parseConfig({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: 'whatever' })
  expect(config.sampler).toEqual({ name, ratio: 1 })
  expect(problems).toEqual([])
})

test.each(['traceidratio', 'parentbased_traceidratio'])('OTEL_TRACES_SAMPLER=%s takes its share from OTEL_TRACES_SAMPLER_ARG', (name) => {
  expect(parseConfig({ OTEL_TRACES_SAMPLER: name }).config.sampler.ratio).toBe(1)
  expect(parseConfig({ OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: '0.25' }).config.sampler).toEqual({ name, ratio: 0.25 })
})

test.each(['1.5', '-0.1', 'half', 'NaN', 'Infinity'])('a wrong OTEL_TRACES_SAMPLER_ARG=%s takes the default', (value) => {
  const { config, problems } = parseConfig({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: value })
  expect(config.sampler.ratio).toBe(1)
  expect(problems).toEqual([`OTEL_TRACES_SAMPLER_ARG="${value}" is not a number from 0 to 1; using 1`])
})

test('an unknown sampler is told with the known ones', () => {
  const { config, problems } = parseConfig({ OTEL_TRACES_SAMPLER: 'jaeger_remote' })
  expect(config.sampler.name).toBe('parentbased_always_on')
  expect(problems[0]).toMatch(
    /^OTEL_TRACES_SAMPLER="jaeger_remote" is not always_on, .* or parentbased_traceidratio; using parentbased_always_on$/,
  )
})

test('OTEL_PROPAGATORS', () => {
  expect(parseConfig({ OTEL_PROPAGATORS: 'baggage' }).config.propagators).toEqual(['baggage'])
  expect(parseConfig({ OTEL_PROPAGATORS: 'none' }).config.propagators).toEqual([])
  const { config, problems } = parseConfig({ OTEL_PROPAGATORS: 'tracecontext,b3' })
  expect(config.propagators).toEqual(['tracecontext', 'baggage'])
  expect(problems).toEqual([
    'OTEL_PROPAGATORS="tracecontext,b3" is not none or a list of tracecontext, baggage; using tracecontext,baggage',
  ])
})
