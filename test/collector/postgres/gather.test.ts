import { expect, test } from 'vitest'
import { createGathering, type GatherOptions } from '../../../collector/src/postgres/gather.ts'

/** A gathering whose runs wait until the test lets them go. */
function gathering(given: Partial<GatherOptions<readonly string[]>> = {}) {
  const runs: { readonly items: readonly string[]; readonly end: PromiseWithResolvers<void> }[] = []
  const run = (items: readonly (readonly string[])[]) => {
    const end = Promise.withResolvers<void>()
    runs.push({ items: items.flat(), end })
    return end.promise
  }
  const gathered = createGathering({ run, lanes: 1, countMax: 4, bytesMax: 1_000, ...given })
  const { signal } = new AbortController()
  const call = (items: readonly string[], options: { bytes?: number; signal?: AbortSignal } = {}) =>
    gathered(items, { count: items.length, bytes: items.length, signal, ...options }).then(
      () => 'done',
      (error: unknown) => String(error),
    )
  const begun = (count: number) => expect.poll(() => runs.length).toBe(count)
  return { runs, call, begun }
}

test('calls that wait for the one lane share the next run, each answered with it', async () => {
  const { runs, call, begun } = gathering()
  const first = call(['a'])
  await begun(1)
  const others = [call(['b', 'c']), call(['d'])]
  runs[0]!.end.resolve()
  expect(await first).toBe('done')
  await begun(2)
  expect(runs[1]!.items).toEqual(['b', 'c', 'd'])
  runs[1]!.end.reject(new Error('disk full'))
  expect(await Promise.all(others)).toEqual(['Error: disk full', 'Error: disk full'])
  const next = call(['e'])
  await begun(3)
  runs[2]!.end.resolve()
  expect(await next).toBe('done')
})

test('a run takes no more than its limits, and one call that is above them alone', async () => {
  const { runs, call, begun } = gathering()
  const all = [call(['a', 'b', 'c', 'd', 'e']), call(['f', 'g', 'h']), call(['i', 'j']), call(['k'], { bytes: 1_000 }), call(['l'])]
  const expected = ['abcde', 'fgh', 'ij', 'k', 'l']
  for (let run = 0; run < expected.length; run++) {
    await begun(run + 1)
    expect(runs[run]!.items.join('')).toBe(expected[run])
    runs[run]!.end.resolve()
    if (run === 2) expect(await all[2]).toBe('done')
  }
  expect(await Promise.all(all)).toEqual(expected.map(() => 'done'))
})

test('two lanes run at the same time, a third run waits', async () => {
  const { runs, call, begun } = gathering({ lanes: 2 })
  const all = [call(['a'])]
  await begun(1)
  all.push(call(['b']))
  await begun(2)
  all.push(call(['c']))
  await new Promise(setImmediate)
  expect(runs.length).toBe(2)
  runs[1]!.end.resolve()
  await begun(3)
  for (const { end } of runs) end.resolve()
  expect(await Promise.all(all)).toEqual(['done', 'done', 'done'])
})

test('who stops waiting is told why at once; what waits is taken back, what runs goes on for the others', async () => {
  const { runs, call, begun } = gathering()
  const running = new AbortController()
  const waiting = new AbortController()
  const [first, beside] = [call(['a'], { signal: running.signal }), call(['b'])]
  await begun(1)
  const [second, third] = [call(['c'], { signal: waiting.signal }), call(['d'])]
  running.abort('too late')
  waiting.abort('stopping')
  expect([await first, await second]).toEqual(['too late', 'stopping'])
  runs[0]!.end.resolve()
  expect(await beside).toBe('done')
  await begun(2)
  expect(runs[1]!.items).toEqual(['d'])
  runs[1]!.end.resolve()
  expect(await third).toBe('done')
  expect(await call(['e'], { signal: AbortSignal.abort('gone') })).toBe('gone')
})
