import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config.ts'

const DEFAULTS = {
  attributeValueLengthLimit: Number.POSITIVE_INFINITY,
  attributeCountLimit: 128,
  eventCountLimit: 128,
  linkCountLimit: 128,
  attributePerEventCountLimit: 128,
  attributePerLinkCountLimit: 128,
}

test('unset: 128 of each, texts of any length', () => {
  const { config } = parseConfig({})
  expect(config.spanLimits).toEqual(DEFAULTS)
  expect(config.logLimits).toEqual({ attributeValueLengthLimit: Number.POSITIVE_INFINITY, attributeCountLimit: 128 })
})

test('the general limits hold for spans and log records, unless they have their own', () => {
  const general = { OTEL_ATTRIBUTE_COUNT_LIMIT: '10', OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '100' }
  expect(parseConfig(general).config.logLimits).toEqual({ attributeValueLengthLimit: 100, attributeCountLimit: 10 })
  const { config } = parseConfig({ ...general, OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '5', OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT: '50' })
  expect(config.spanLimits).toEqual({ ...DEFAULTS, attributeValueLengthLimit: 100, attributeCountLimit: 5 })
  expect(config.logLimits).toEqual({ attributeValueLengthLimit: 50, attributeCountLimit: 10 })
})

test.each([
  ['OTEL_SPAN_EVENT_COUNT_LIMIT', 'eventCountLimit'],
  ['OTEL_SPAN_LINK_COUNT_LIMIT', 'linkCountLimit'],
  ['OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT', 'attributePerEventCountLimit'],
  ['OTEL_LINK_ATTRIBUTE_COUNT_LIMIT', 'attributePerLinkCountLimit'],
])('%s', (name, limit) => {
  expect(parseConfig({ [name]: '3' }).config.spanLimits).toEqual({ ...DEFAULTS, [limit]: 3 })
  const { config, problems } = parseConfig({ [name]: 'many' })
  expect(config.spanLimits).toEqual(DEFAULTS)
  expect(problems).toEqual([`${name}="many" is not a whole number from 0 to 1000000; using 128`])
})

test('a text limit of 0 would leave nothing, so it is wrong', () => {
  const { config, problems } = parseConfig({ OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '0' })
  expect(config.spanLimits).toEqual(DEFAULTS)
  expect(problems).toEqual(['OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT="0" is not a whole number from 1 to 2147483647; ignored'])
})
