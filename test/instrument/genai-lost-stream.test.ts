/** A stream that nobody can read any more ends its span; without that only the end of the process would. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runNode } from '../support/run-node.ts'

const APP = fileURLToPath(new URL('../fixtures/genai/lost-stream.ts', import.meta.url))

test.each([
  ['models', 'never', 'cancelled'],
  ['models', 'once', 'cancelled'],
  ['reader', 'once', 'cancelled'],
  ['iterator', 'once', 'cancelled'],
  ['iterator of 2.x', 'once', 'cancelled'],
  ['models', 'slowly', 'none'],
  ['reader', 'slowly', 'none'],
  ['iterator', 'slowly', 'none'],
  ['iterator of 2.x', 'slowly', 'none'],
])('a stream (%s) that is read %s: error.type %s', async (way, use, errorType) => {
  const { stdout, stderr } = await runNode(['--expose-gc', APP, way, use])
  expect({ stdout, stderr }).toEqual({ stdout: `["${errorType}"]\n`, stderr: '' })
})
