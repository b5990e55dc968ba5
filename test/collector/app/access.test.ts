import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { createAccess, judgeTokens, type TokenConfig } from '../../../collector/src/access.ts'
import { parseCollectorConfig } from '../../../collector/src/config.ts'
import { createTokens, parseTokens } from '../../../collector/src/token.ts'
import { type Program, startProgram } from './program.ts'

const folder = mkdtempSync(join(tmpdir(), 'tts-otel-access-'))
afterAll(() => rmSync(folder, { recursive: true }))

const token = (letter: string) => letter.repeat(32)
const none: TokenConfig = { tokens: [], file: undefined }
const of = (...tokens: string[]) => ({ tokens, file: undefined })
const reachable = { reachable: true, mutualTls: false }

test.each([
  ['one', ['one']],
  ['old,new', ['old', 'new']],
  ['old\nnew\n', ['old', 'new']],
  [' old \r\n\r\n new,third ', ['old', 'new', 'third']],
])('tokens in %j', (text, tokens) => {
  expect(parseTokens(text)).toEqual(tokens)
})

test.each(['', ' \n,', 'two words', 'tab\tbed', 'ümlaut', 'good\nbad one', Array(101).fill('x').join('\n')])('no tokens in %j', (text) => {
  expect(parseTokens(text)).toBeUndefined()
})

test('each of several tokens is known, whatever the case of the scheme; nothing else is', () => {
  const { check, replace } = createTokens(['old', 'new'])
  expect(['Bearer old', 'bearer new', 'BEARER  new'].map(check)).toEqual(['known', 'known', 'known'])
  expect(['Bearer ol', 'Bearer oldnew', 'Bearer OLD', 'Bearer old,new'].map(check)).toEqual(['wrong', 'wrong', 'wrong', 'wrong'])
  expect([undefined, '', 'Bearer', 'Bearer ', 'Basic old', 'old', 'Bearer old new'].map(check)).toEqual(Array(7).fill('missing'))
  replace(['third'])
  expect(['Bearer old', 'Bearer third'].map(check)).toEqual(['wrong', 'known'])
})

test('where other machines reach the port: no sending without a token, no short ones, no reading without one', () => {
  const judge = (ingest = none, read = none) => judgeTokens({ ingest, read }, reachable)
  expect(judge()).toEqual([expect.stringMatching(/no INGEST_TOKEN: anybody could send/)])
  expect(judge(of(token('s')))).toEqual([])
  expect(judge(of(token('s'), 'short'))).toEqual([expect.stringMatching(/^INGEST_TOKEN has a token of fewer than 16 characters/)])
  expect(judge(of(token('s')), of('short'))).toEqual([expect.stringMatching(/^READ_TOKEN has a token of fewer than 16 characters/)])
  expect(createAccess({ ingest: of(token('s')), read: none }, reachable).checkReader).toBeUndefined()
})

test('client certificates stand for the token of senders, not for that of readers', () => {
  const options = { reachable: true, mutualTls: true }
  expect(judgeTokens({ ingest: none, read: none }, options)).toEqual([])
  const { checkSender, checkReader } = createAccess({ ingest: none, read: none }, options)
  expect([checkSender(undefined), checkReader]).toEqual(['known', undefined])
})

test('sending and reading never share a token, on loopback either', () => {
  expect(parseCollectorConfig({ INGEST_TOKEN: 'a,b', READ_TOKEN: 'c,b' }).problems).toEqual([
    expect.stringMatching(/^INGEST_TOKEN and READ_TOKEN have a token in common/),
  ])
})

test('a file of tokens that turns wrong changes nothing, and no message shows a token', () => {
  const config = { ingest: { tokens: [token('s')], file: 'ingest' }, read: { tokens: [token('r')], file: 'read' } }
  const { checkSender, files } = createAccess(config, reachable)
  const [ingest] = files
  for (const [text, reason] of [
    ['', /does not hold tokens/],
    [`two words ${token('x')}`, /does not hold tokens/],
    [`${token('x')}\nshort`, /fewer than 16 characters/],
    [token('r'), /token in common/],
  ] as const) {
    const apply = () => ingest!.apply([text])
    expect(apply).toThrow(reason)
    expect(apply).not.toThrow(/xxx|rrr|short/)
    expect([checkSender(`Bearer ${token('s')}`), checkSender(`Bearer ${token('x')}`)]).toEqual(['known', 'wrong'])
  }
  expect(ingest!.apply([token('s')])).toBeUndefined()
  expect(ingest!.apply([`${token('s')}\n${token('n')}\n`])).toBe('2 tokens hold from now on')
  expect(checkSender(`Bearer ${token('n')}`)).toBe('known')
})

test('the program takes new tokens from its files without a restart, keeps the old ones when a file is bad, and says so', {
  timeout: 120_000,
}, async () => {
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    return join(folder, name)
  }
  const program = await startProgram({
    INGEST_TOKEN_FILE: file('ingest', `${token('s')}\n`),
    READ_TOKEN_FILE: file('read', `${token('r')}\n`),
    // Nobody listens there: who is let in hears 503.
    DATABASE_URL: 'postgres://user:hunter2@127.0.0.1:1/none',
  })
  expect(await answers(program, token('s'))).toEqual({ sending: 503, reading: 401 })
  expect(await answers(program, token('r'))).toEqual({ sending: 401, reading: 503 })

  file('ingest', `${token('s')}\n${token('t')}\n`)
  const soon = { timeout: 30_000 }
  await expect.poll(() => answers(program, token('t')), soon).toEqual({ sending: 503, reading: 401 })
  expect(await answers(program, token('s'))).toEqual({ sending: 503, reading: 401 })

  file('ingest', token('t'))
  await expect.poll(() => answers(program, token('s')), soon).toEqual({ sending: 401, reading: 401 })
  file('ingest', '')
  rmSync(join(folder, 'read'))
  await expect.poll(() => program.output().match(/cannot be used/g)?.length, soon).toBe(2)
  expect(await answers(program, token('t'))).toEqual({ sending: 503, reading: 401 })
  expect(await answers(program, token('r'))).toEqual({ sending: 401, reading: 503 })
  expect(program.output()).toMatch(/INGEST_TOKEN_FILE \(.*\/ingest\) has changed and cannot be used: it does not hold tokens/)
  expect(program.output()).toMatch(/READ_TOKEN_FILE \(.*\/read\) has changed and cannot be used: ENOENT/)

  file('read', token('q'))
  await expect.poll(() => answers(program, token('q')), soon).toEqual({ sending: 401, reading: 503 })
  expect(await answers(program, token('r'))).toEqual({ sending: 401, reading: 401 })
  expect(program.output()).not.toMatch(/sss|ttt|rrr|qqq|hunter2/)
  await program.end('SIGTERM')
})

async function answers({ url }: Program, token: string): Promise<{ sending: number; reading: number }> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const body = '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}]}]}]}'
  const sending = await fetch(`${url}/v1/logs`, { method: 'POST', headers, body })
  const reading = await fetch(`${url}/api/logs`, { headers })
  await Promise.all([sending.arrayBuffer(), reading.arrayBuffer()])
  return { sending: sending.status, reading: reading.status }
}
