/** What a record says of whatever was thrown. */
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { describeThrown } from '../../src/middleware/failure-log.ts'

test.each<[string, unknown, string, string]>([
  ['an error', new TypeError('no voice'), 'TypeError', 'no voice'],
  ['an error of another realm (a vm, a worker)', runInNewContext('new RangeError("too far")'), 'RangeError', 'too far'],
  ['an object that is an error by its prototype only', Object.assign(Object.create(Error.prototype), { message: 'made' }), 'Error', 'made'],
  ['a text', 'no voice', 'NonError', 'no voice'],
  ['nothing', undefined, 'NonError', 'undefined'],
  ['an object', { code: 7 }, 'NonError', '{"code":7}'],
  ['a text of any size', 'x'.repeat(5_000), 'NonError', 'x'.repeat(1_000)],
])('%s', (_, thrown, type, message) => {
  expect(describeThrown(thrown)).toMatchObject({ 'exception.type': type, 'exception.message': message })
})

test.each([
  [
    'a getter that throws',
    new Proxy(new Error('x'), {
      get() {
        throw new Error('never')
      },
    }),
  ],
  ['JSON that throws', { toJSON: () => JSON.parse('{') }],
])('an error that cannot be read costs no answer: %s', (_, thrown) => {
  expect(describeThrown(thrown)['exception.message']).toMatch(/cannot be read/)
})
