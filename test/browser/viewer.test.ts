/** The page of the collector in a real Chromium, on a real collector. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Program, startProgram } from '../collector/app/program.ts'
import { openBrowser } from './support/browser.ts'

const TOKEN = 'may-read-4711'
const MARKUP = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
const START_MS = Date.now() - 60_000
const dataDir = mkdtempSync(join(tmpdir(), 'tts-otel-viewer-'))
let collector: Program
let browser: Browser
beforeAll(async () => {
  collector = await startProgram({ COLLECTOR_DATA_DIR: dataDir, READ_TOKEN: TOKEN })
  browser = await openBrowser()
  await sendAll()
})
afterAll(async () => {
  await browser?.close()
  await collector?.end('SIGTERM')
  rmSync(dataDir, { recursive: true, force: true })
})

type Values = Readonly<Record<string, string | number>>
const keyValues = (values: Values) =>
  Object.entries(values).map(([key, value]) => ({
    key,
    value:
      typeof value === 'string' ? { stringValue: value } : Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value },
  }))
const at = (ms: number) => String(BigInt(START_MS) * 1_000_000n + BigInt(Math.round(ms * 1_000)) * 1_000n)
const traceOf = (name: string) => Buffer.from(name.padEnd(16, '.')).toString('hex')

type SpanGiven = {
  readonly name: string
  readonly parent?: string
  readonly from: number
  readonly to: number
  readonly values?: Values
  readonly error?: string
  readonly event?: string
  readonly kind?: number
}
const spans = (trace: string, given: readonly SpanGiven[]) =>
  given.map(({ name, parent, from, to, values = {}, error, event, kind = 1 }) => ({
    traceId: traceOf(trace),
    spanId: Buffer.from(name.slice(0, 8).padEnd(8, '.')).toString('hex'),
    ...(parent === undefined ? {} : { parentSpanId: Buffer.from(parent.slice(0, 8).padEnd(8, '.')).toString('hex') }),
    name,
    kind,
    startTimeUnixNano: at(from),
    endTimeUnixNano: at(to),
    attributes: keyValues(values),
    ...(error === undefined ? {} : { status: { code: 2, message: error } }),
    ...(event === undefined ? {} : { events: [{ name: event, timeUnixNano: at((from + to) / 2), attributes: keyValues({ job: 7 }) }] }),
  }))
const log = (ms: number, severityNumber: number, message: string, values: Values, trace?: string) => ({
  timeUnixNano: at(ms),
  severityNumber,
  body: { stringValue: message },
  attributes: keyValues(values),
  ...(trace === undefined ? {} : { traceId: traceOf(trace) }),
})

async function send(signal: string, body: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${collector.url}/v1/${signal}`, { method: 'POST', headers, body: JSON.stringify(body) })
  expect([response.status, await response.json()]).toEqual([200, {}])
}

async function sendAll(): Promise<void> {
  const resource = { attributes: keyValues({ 'service.name': 'tts-api', 'service.instance.id': randomUUID() }) }
  const ids = { request_id: '4711', user_id: 'alice' }
  const silent = spans('silent', [
    { name: 'POST /speak', kind: 2, from: 0, to: 400, values: { ...ids, 'http.response.status_code': 502 }, error: '' },
    {
      name: 'tts_request',
      parent: 'POST /speak',
      from: 20,
      to: 380,
      values: { ...ids, 'tts.outcome': 'no_audio', 'tts.voice': 'Kore', 'tts.attempts': 1 },
      error: 'no audio',
      event: 'Request queued',
    },
    {
      name: 'gemini_api_call',
      parent: 'tts_request',
      kind: 3,
      from: 200,
      to: 372,
      values: { 'error.type': 'no_audio' },
      error: 'finish reason OTHER',
    },
  ])
  const spoken = spans('spoken', [
    { name: 'GET /speak', kind: 2, from: 1_000, to: 1_300, values: { request_id: 'spoken-1', user_id: 'alice' } },
    { name: 'tts_request', parent: 'GET /speak', from: 1_010, to: 1_290, values: { 'tts.outcome': 'ok', 'tts.audio.duration': 2.5 } },
  ])
  const hostile = spans('hostile', [
    { name: MARKUP, from: 2_000, to: 2_001, values: { request_id: MARKUP, [MARKUP]: MARKUP }, error: MARKUP },
  ])
  await send('traces', { resourceSpans: [{ resource, scopeSpans: [{ spans: [...silent, ...spoken, ...hostile] }] }] })
  const logRecords = [
    log(10, 9, 'Speech requested', ids, 'silent'),
    log(390, 17, 'Gemini answered without audio', { ...ids, attempt: 1 }, 'silent'),
    log(2_000, 17, MARKUP, { request_id: MARKUP }, 'hostile'),
    ...Array.from({ length: 25 }, (_, index) => log(3_000 + index, 9, `hello ${index}`, { user_id: 'bob' })),
  ]
  await send('logs', { resourceLogs: [{ resource, scopeLogs: [{ scope: { name: 'app.tts' }, logRecords }] }] })
}

let page: Page
/** What the browser complains about: errors of the page, and what its policy has refused. */
let complaints: string[]
let answered: string[]
beforeEach(async () => {
  const context = await browser.newContext({ colorScheme: 'light' })
  page = await context.newPage()
  complaints = []
  answered = []
  page.on('pageerror', ({ message }) => complaints.push(message))
  page.on('console', (message) => (message.type() === 'error' ? complaints.push(message.text()) : undefined))
  page.on('response', (response) => answered.push(response.url()))
})
afterEach(async () => {
  await page.context().close()
})

const settled = () => page.waitForSelector('main:not([aria-busy])')
async function open(hash = '', token: string | null = TOKEN): Promise<void> {
  if (token !== null) await page.addInitScript((given) => sessionStorage.setItem('tts-otel read token', given), token)
  await page.goto(`${collector.url}/${hash}`)
  await settled()
}
const texts = (selector: string) => page.locator(selector).allInnerTexts()

describe('the viewer', () => {
  test('from a request id to why there was no sound', async () => {
    await open()
    await page.keyboard.press('/')
    await page.keyboard.type('4711')
    await page.keyboard.press('Enter')
    await page.waitForSelector('.waterfall')

    expect(await page.title()).toBe('4711 · tts-otel')
    expect(await page.innerText('h1')).toBe('Request 4711')
    expect(await page.innerText('.verdict h2')).toBe('No sound: the provider answered without audio')
    expect(await page.innerText('.verdict p')).toContain('The same request often succeeds when it is sent again. “finish reason OTHER”')
    expect(await page.innerText('.verdict .facts')).toContain('Kore')
    expect((await texts('.line .name')).map((text) => text.replace(/\s+/g, ' '))).toEqual([
      '✕ POST /speak502',
      '✕ tts_requestno_audio',
      '✕ gemini_api_callno_audio',
    ])
    expect(await texts('.line .time')).toEqual(['400 ms', '360 ms', '172 ms'])
    expect((await texts('.logs summary')).map((text) => text.replace(/\s+/g, ' '))).toEqual([
      '+10 ms INFO app.tts Speech requested',
      '+390 ms ERROR app.tts Gemini answered without audio',
    ])
    expect(complaints).toEqual([])
  })

  test('bars stand where and as long as the spans ran, events are marked', async () => {
    await open('#/4711')
    const boxes = await Promise.all(
      (await page.locator('.track').all()).map(async (track) => ({
        track: await track.boundingBox(),
        bar: await track.locator('.bar').boundingBox(),
      })),
    )
    const shares = boxes.map(({ track, bar }) => [bar!.x - track!.x, bar!.width].map((px) => Math.round((px / track!.width) * 100)))
    expect(shares).toEqual([
      [0, 100],
      [5, 90],
      [50, 43],
    ])
    expect(await page.locator('.mark').count()).toBe(1)
    expect(await page.locator('.mark').getAttribute('title')).toBe('Request queued')
  })

  test('a click on a span or a log record shows what it knows', async () => {
    await open('#/4711')
    await page.click('.line[data-name="tts_request"]')
    expect(await page.innerText('.details:visible')).toMatch(/tts\.voice\s+Kore/)
    expect(await page.innerText('.details:visible')).toMatch(/Event: Request queued\s+job\s+7/)
    expect(await page.getAttribute('.line[data-name="tts_request"]', 'aria-expanded')).toBe('true')
    await page.click('.logs li:nth-child(2) summary')
    expect(await page.innerText('.logs li:nth-child(2) table')).toMatch(/attempt\s+1/)
  })

  test('speech that was heard, a trace id, a user, nothing', async () => {
    await open(`#/${traceOf('spoken')}`)
    expect(await page.innerText('.verdict h2')).toBe('Spoken: 2.50 s of audio')
    expect(await page.getAttribute('.verdict', 'data-tone')).toBe('good')
    await page.click('main a:has-text("alice")')
    await page.waitForSelector('.traces')
    expect(await page.innerText('h1')).toBe('User alice')
    expect((await texts('.traces td:nth-child(2)')).sort()).toEqual(['4711', 'spoken-1'])
    await page.fill('#id', 'nobody')
    await page.keyboard.press('Enter')
    expect(await page.innerText('[data-empty]')).toContain('Nothing is stored under this id')
  })

  test('the first page: figures, recent errors and requests, each leading on', async () => {
    await open()
    expect(await texts('h1, h2')).toEqual(['The last hour', 'Recent errors', 'Recent requests'])
    expect((await texts('.logs .message'))[1]).toBe('Gemini answered without audio')
    expect(await texts('.traces td:nth-child(3)')).toHaveLength(3)
    await page.click('.logs li:nth-child(2) > a')
    await page.waitForSelector('.waterfall')
    expect(await page.innerText('h1')).toBe('Request 4711')
    await page.goBack()
    await page.waitForSelector('.tiles')
    expect(complaints).toEqual([])
  })

  test('what was stored is text, whatever stands in it', async () => {
    await open(`#/${encodeURIComponent(MARKUP)}`)
    expect(await page.innerText('h1')).toBe(`Request ${MARKUP}`)
    await page.click('.line')
    await page.click('.logs summary')
    expect(await page.innerText('.details')).toContain(MARKUP)
    expect(await page.locator('main img, main script').count()).toBe(0)
    expect(await page.title()).toBe(`${MARKUP} · tts-otel`)
    await open()
    expect(complaints).toEqual([])
  })

  test('a script that got in all the same would not run, and could tell nobody', async () => {
    await open()
    const ran = await page.evaluate(async () => {
      const errors: string[] = []
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => errors.push(effectiveDirective))
      try {
        document.body.innerHTML += '<b>x</b>'
      } catch {
        errors.push('innerHTML')
      }
      document.body.append(Object.assign(document.createElement('img'), { src: 'https://elsewhere.example/x.png' }))
      await fetch('https://elsewhere.example/').catch(() => errors.push('fetch'))
      await new Promise((resolve) => setTimeout(resolve, 100))
      return [...new Set(errors)].sort()
    })
    expect(ran).toEqual(expect.arrayContaining(['connect-src', 'fetch', 'img-src', 'innerHTML']))
    expect(answered.filter((url) => !url.startsWith(collector.url))).toEqual([])
  })

  test('without a token it asks for one, tells a wrong one, and forgets it with the tab', async () => {
    await open('#/4711', null)
    expect(await page.innerText('.token h2')).toBe('This collector asks its readers for a token.')
    await page.fill('#token', 'wrong')
    await page.keyboard.press('Enter')
    await page.waitForSelector('text=This token is not known')
    await page.fill('#token', TOKEN)
    await page.keyboard.press('Enter')
    await page.waitForSelector('.waterfall')
    expect(page.url()).toBe(`${collector.url}/#/4711`)
    await page.reload()
    await page.waitForSelector('.waterfall')

    const other = await page.context().newPage()
    await other.goto(collector.url)
    await other.waitForSelector('.token')
    expect(await other.evaluate(() => JSON.stringify([{ ...localStorage }, document.cookie]))).not.toContain(TOKEN)
  })

  test('dark or light as the system has it, until somebody says otherwise', async () => {
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    await open()
    const light = await ground()
    await page.emulateMedia({ colorScheme: 'dark' })
    const dark = await ground()
    expect(dark).not.toBe(light)
    await page.click('#theme')
    expect(await ground()).toBe(light)
    await page.reload()
    await settled()
    expect(await ground()).toBe(light)
  })

  test('nothing is wider than the screen of a telephone', async () => {
    await page.setViewportSize({ width: 390, height: 800 })
    for (const hash of ['', '#/4711', '#/alice']) {
      await open(hash)
      expect(await page.evaluate(() => document.documentElement.scrollWidth), hash).toBeLessThanOrEqual(390)
    }
  })

  test.each([
    [/\/api\/metrics\//, 'figures', '.logs .message'],
    [/\/api\/logs\?level=CRITICAL/, 'errors', '.tile'],
    [/\/api\/traces\?/, 'requests', '.tile'],
  ])('when %s takes too long there are no %s, and the rest of the page', async (path, missing, rest) => {
    await page.route(path, (route) => route.fulfill({ status: 504, json: { error: 'timeout', message: 'The answer took too long.' } }))
    await open()
    expect(await page.innerText('main')).toContain(`There are no ${missing} to show: The answer took too long.`)
    expect((await texts(rest)).length).toBeGreaterThan(0)
  })

  test('a collector that is gone is told, and found again', async () => {
    await open()
    await page.route('**/api/**', (route) => route.abort())
    await page.click('#refresh')
    await page.waitForSelector('text=The collector cannot be read')
    await page.unroute('**/api/**')
    await page.click('#refresh')
    await page.waitForSelector('.tiles')
  })
})

test('the page is one answer with a policy that lets nothing else in; programs get the list', async () => {
  const response = await fetch(collector.url, { headers: { accept: 'text/html' } })
  const html = await response.text()
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8')
  const policy = response.headers.get('content-security-policy') ?? ''
  expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; connect-src 'self'; /)
  expect(policy).not.toMatch(/unsafe|https?:|data:|\*/)
  expect(html).not.toMatch(/\b(src|href)="(?!#)|url\(|@import/)
  expect(html.length).toBeLessThan(60_000)
  expect(await (await fetch(collector.url)).json()).toMatchObject({ service: 'tts-otel-collector' })
})
