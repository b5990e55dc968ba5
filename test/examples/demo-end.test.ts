import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { DEMO_TIMEOUT_MS, startDemo } from './start-demo.ts'

/** Waits until `wanted` was said; returns all that was said by then. */
function heard({ stdout }: ChildProcess, wanted: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = ''
    stdout?.on('data', (chunk) => {
      said += chunk
      if (said.includes(wanted)) resolve(said)
    })
    stdout?.on('end', () => reject(new Error(`ended before "${wanted}": ${said}`)))
  })
}

/** The addresses that the three processes said they listen on. */
function addressesIn(said: string): readonly string[] {
  const urls = said.match(/http:\/\/127\.0\.0\.1:\d+(?= )/g) ?? []
  expect(urls).toHaveLength(3)
  return urls
}

async function allGone(urls: readonly string[]): Promise<void> {
  for (const url of urls) {
    for (let tries = 0; (await fetch(url).catch(() => null)) !== null; tries++) {
      if (tries > 100) throw new Error(`${url} still answers`)
      await sleep(100)
    }
  }
}

test('it serves until Ctrl-C, which ends everything with exit code 0', { timeout: DEMO_TIMEOUT_MS }, async () => {
  const demo = await startDemo([])
  const urls = addressesIn(await heard(demo, 'until Ctrl-C'))
  expect((await fetch(`${urls[0]}/readyz`)).status).toBe(200)
  expect((await fetch(`${urls[2]}/api/v1/voices`)).status).toBe(200)

  demo.kill('SIGINT')
  demo.kill('SIGINT') // npm sends its own after the terminal's
  expect(await once(demo, 'exit')).toEqual([0, null])
  await allGone(urls)
})

test('a demo that is killed leaves no process behind', { timeout: DEMO_TIMEOUT_MS }, async () => {
  const demo = await startDemo(['--once'])
  const urls = addressesIn(await heard(demo, 'traffic'))
  demo.kill('SIGKILL')
  await allGone(urls)
})
