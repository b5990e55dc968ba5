import { execFile } from 'node:child_process'
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Delivery } from '../../../collector/src/delivery.ts'
import type { RecordChange, RecordTable } from '../../../collector/src/record.ts'
import { vaultDeliveries } from '../../../collector/src/vault/deliveries.ts'
import { readJournal } from '../../../collector/src/vault/journal.ts'
import { type OpenVault, openVault } from '../../../collector/src/vault/open-vault.ts'
import { deliveryStoreContract } from '../support/delivery-store-contract.ts'
import { notification } from '../support/notifications.ts'
import { createTable as table } from '../support/record-table.ts'

let folder: string
let nowMs = 0
beforeEach(() => {
  nowMs = 0
  faults.length = 0
  folder = mkdtempSync(join(tmpdir(), 'tts-otel-vault-'))
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((vault) => vault.close()))
  rmSync(folder, { recursive: true })
})

const faults: Error[] = []
const put = (kind: string, key: string, text: string | undefined): RecordChange => ({ kind, key, text })

const opened: OpenVault[] = []
const onFault = (error: Error) => void faults.push(error)

/** A vault as a process finds it. */
async function open(name = 'alerts', database?: RecordTable) {
  const file = join(folder, name)
  const vault = await openVault({ file, id: name, now: () => nowMs, orphanMsMax: 1_000, onFault }, database)
  opened.push(vault)
  const change = (...changes: readonly RecordChange[]) => vault.write(() => ({ changes, result: undefined }))
  return { ...vault, change, file }
}

/** What another process would find if this one were killed now. */
const found = (file = join(folder, 'alerts')) => readJournal(file).filter(({ kind }) => kind !== 'meta')

function toDelivery(id: string): Delivery {
  return { id: `${id}/webhook`, channel: 'webhook', notification: notification({ id }), attempts: 0, nextAttemptMs: 0, createdMs: 0 }
}

deliveryStoreContract('a vault', async () => {
  const { file, ...vault } = await open('contract')
  let copies = 0
  return {
    store: vaultDeliveries(vault),
    async reopen() {
      const copy = `copy-${++copies}`
      copyFileSync(file, join(folder, copy))
      return vaultDeliveries(await open(copy))
    },
  }
})

describe('the file', () => {
  test('gives back what was written, in order, without what is gone', async () => {
    const one = await open()
    await one.change(put('state', 'b', '1'), put('state', 'a', '"ü☎"'))
    await one.change(put('state', 'b', '2'), put('state', 'gone', '3'))
    await one.change(put('state', 'gone', undefined))
    expect(found()).toEqual([put('state', 'b', '2'), put('state', 'a', '"ü☎"')])
  })

  test('that ends in the middle of a line, as after a power cut, holds what was written before, and can be written again', async () => {
    const one = await open()
    await one.change(put('state', 'a', '1'))
    const whole = statSync(one.file).size
    await one.change(put('state', 'a', '2'), put('state', 'b', '2'))
    truncateSync(one.file, whole + 7)
    const two = await open()
    expect(found()).toEqual([put('state', 'a', '1')])
    await two.change(put('state', 'c', '3'))
    expect(found()).toEqual([put('state', 'a', '1'), put('state', 'c', '3')])
  })

  test('does not grow without end', async () => {
    const one = await open()
    const text = JSON.stringify('x'.repeat(100_000))
    for (let i = 0; i < 100; i++) await one.change(put('state', 'a', text))
    expect(statSync(one.file).size).toBeLessThan(5_000_000)
    expect(found()).toEqual([put('state', 'a', text)])
  })

  test('that cannot be written keeps nothing in memory either, and says so', async () => {
    const one = await open()
    await one.change(put('state', 'a', '1'))
    await one.close()
    await expect(one.change(put('state', 'a', '2'))).rejects.toThrow('cannot be written')
    expect(one.get('state', 'a')).toBe('1')
    expect(faults.splice(0)).toHaveLength(1)
    // The next one writes the whole file anew.
    await one.change(put('state', 'b', '3'))
    expect(found()).toEqual([put('state', 'a', '1'), put('state', 'b', '3')])
  })

  test('of another kind is none, and is kept', async () => {
    appendFileSync(join(folder, 'alerts'), 'no journal\n7\n')
    await open()
    expect(found()).toEqual([])
    expect(readFileSync(join(folder, 'alerts.broken'), 'utf8')).toBe('no journal\n7\n')
    expect(faults.splice(0)).toHaveLength(1)
  })

  test('that is broken in the middle gives back what stands around it, is kept, and that is said', async () => {
    const one = await open()
    for (const key of ['a', 'b', 'c']) await one.change(put('state', key, '1'))
    await one.close()
    const whole = readFileSync(one.file, 'utf8')
    const broken = whole.replace('[["state","b"', '[["st\0\0')
    writeFileSync(one.file, broken)
    const two = await open()
    expect(found()).toEqual([put('state', 'a', '1'), put('state', 'c', '1')])
    expect(faults.splice(0).map(({ message }) => message)).toEqual([expect.stringMatching(/broken in 1 .* line 3: .*alerts\.broken$/)])
    expect(readFileSync(join(folder, 'alerts.broken'), 'utf8')).toBe(broken)
    await two.change(put('state', 'd', '1'))
    await open()
    expect(faults).toEqual([])
  })

  test('that there is no room to write anew stays as it was, and opening it fails', async () => {
    const one = await open()
    await one.change(...Array.from({ length: 200 }, (_, i) => put('state', `k${i}`, 'x'.repeat(200))))
    await one.close()
    const before = readFileSync(one.file, 'utf8')
    // A write beyond the greatest size of a file is cut short, as one is on a disk with little room.
    const script = `process.on('SIGXFSZ', () => {})
      const { openVault } = await import(${JSON.stringify(import.meta.resolve('../../../collector/src/vault/open-vault.ts'))})
      await openVault({ file: process.argv[1], id: 'a', now: Date.now, orphanMsMax: 0, onFault() {} }).then(() => console.log('opened'), ({ code }) => console.log(code))`
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      'ulimit -f 16 && exec "$0" "$@"',
      process.execPath,
      '--input-type=module',
      '--eval',
      script,
      one.file,
    ])
    expect(stdout.trim()).toBe('EFBIG')
    expect(readFileSync(one.file, 'utf8')).toBe(before)
    expect(existsSync(`${one.file}.new`)).toBe(false)
  })
})

test('many writes at once are all kept, each sees those before it', async () => {
  const { write, get } = await open()
  const increment = () =>
    write(() => {
      const next = Number(get('count', 'n') ?? 0) + 1
      return { changes: [put('count', 'n', String(next))], result: next }
    })
  expect(await Promise.all(Array.from({ length: 100 }, increment))).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
  expect(found()).toEqual([put('count', 'n', '100')])
})

test('what goes together with a notification is there with it, or not at all', async () => {
  const deliveries = vaultDeliveries(await open())
  deliveries.together('told-1', [put('state', 'alerts', '"after"')])
  await deliveries.add([toDelivery('other')])
  expect(found().map(({ key }) => key)).toEqual(['other/webhook'])
  await deliveries.add([toDelivery('told-1')])
  expect(found().map(({ key }) => key)).toEqual(['other/webhook', 'alerts', 'told-1/webhook'])
})

test('what goes together with a notification for several channels is written once', async () => {
  const one = await open()
  const deliveries = vaultDeliveries(one)
  deliveries.together('told-1', [put('state', 'alerts', '"after"')])
  const to = (channel: string) => ({ ...toDelivery('told-1'), id: `told-1/${channel}`, channel })
  await deliveries.add(['slack', 'email', 'pager'].map(to))
  expect(readFileSync(one.file, 'utf8').match(/"after/g)).toHaveLength(1)
})

describe('the database beside it', () => {
  const rowsOf = (database: ReturnType<typeof table>) => [...database.rows.values()].filter(({ kind }) => kind !== 'meta')

  test('has what the file has', async () => {
    await (await open('one')).change(put('state', 'before', '1'))
    const database = table()
    const one = await open('one', database)
    expect(rowsOf(database)).toEqual([put('state', 'before', '1')])
    await one.change(put('state', 'a', '1'), put('state', 'before', undefined))
    expect(rowsOf(database)).toEqual([put('state', 'a', '1')])
  })

  test('gets what it has missed once it is back, in one go', async () => {
    const database = table()
    const one = await open('one', database)
    database.fault = new Error('connect ECONNREFUSED')
    for (let i = 0; i < 50; i++) await one.change(put('state', 'a', String(i)), put('state', `b${i % 3}`, String(i)))
    expect(one.behind()).toBe(4)
    expect(faults.splice(0)).toHaveLength(1)
    database.fault = undefined
    const before = database.calls
    await one.catchUp()
    expect(database.calls - before).toBe(1)
    expect(database.rows.get('state a')?.text).toBe('49')
    expect(one.behind()).toBe(0)
  })

  test('is enough to begin with when the disk is full; the file is written once there is room', async () => {
    const full = join(folder, 'one.new')
    symlinkSync('/dev/full', full)
    await expect(open('one')).rejects.toThrow('ENOSPC')
    symlinkSync('/dev/full', full)
    const database = table()
    const one = await open('one', database)
    expect(faults.splice(0).map(({ message }) => message)).toEqual([expect.stringContaining('ENOSPC')])
    await one.change(put('state', 'a', '1'))
    expect(rowsOf(database)).toEqual([put('state', 'a', '1')])
    expect(found(one.file)).toEqual([put('state', 'a', '1')])
  })

  test('that hangs holds nobody up', async () => {
    const database = table()
    const one = await open('one', database)
    database.apply = () => new Promise(() => {})
    await one.change(put('state', 'a', '1'))
    expect(found(one.file)).toEqual([put('state', 'a', '1')])
  })

  test('is what a collector goes by that takes over, and its own file when nobody was there in between', async () => {
    const database = table()
    const one = await open('one', database)
    await one.change(put('state', 'a', 'by one'))
    const two = await open('two', database)
    expect(two.get('state', 'a')).toBe('by one')
    await two.change(put('state', 'a', 'by two'))
    database.fault = new Error('away')
    await two.change(put('state', 'a', 'by two, alone'))
    // It starts anew, at first without the database.
    const again = await open('two')
    expect(again.get('state', 'a')).toBe('by two, alone')
    await expect(again.join(database)).rejects.toThrow('away')
    database.fault = undefined
    expect(await again.join(database)).toBe(true)
    await again.catchUp()
    expect(database.rows.get('state a')?.text).toBe('by two, alone')
  })

  test('is no longer written by a collector that somebody took over from', async () => {
    const database = table()
    const one = await open('one', database)
    await one.change(put('state', 'a', 'by one'))
    await open('two', database)
    await one.change(put('state', 'a', 'too late'))
    expect(one.isLost()).toBe(true)
    expect(database.rows.get('state a')?.text).toBe('by one')
    expect(await (await open('one')).join(database)).toBe(false)
  })

  test('that another one has written leaves it what only its file knows: deliveries that wait', async () => {
    const database = table()
    const deliveries = vaultDeliveries(await open('one', database))
    await deliveries.add([toDelivery('known')])
    database.fault = new Error('away')
    await deliveries.add([toDelivery('only here')])
    database.fault = undefined
    const other = vaultDeliveries(await open('two', database))
    await other.finish(toDelivery('known'), { kind: 'delivered', atMs: 1, attempts: 1 })
    const again = vaultDeliveries(await open('one', database))
    expect((await again.pending()).map(({ id }) => id)).toEqual(['only here/webhook'])
    expect(rowsOf(database).map(({ kind, key }) => `${kind} ${key}`)).toContain('pending only here/webhook')
  })

  test('that another one has written for long makes old deliveries of its own no news: given up, and said', async () => {
    const database = table()
    const deliveries = vaultDeliveries(await open('one', database))
    database.fault = new Error('away')
    await deliveries.add([toDelivery('old')])
    await deliveries.add([{ ...toDelivery('new'), createdMs: 5_000 }])
    database.fault = undefined
    await open('two', database)
    nowMs = 5_500
    faults.length = 0
    const again = vaultDeliveries(await open('one', database))
    expect((await again.pending()).map(({ id }) => id)).toEqual(['new/webhook'])
    expect(await again.log(10)).toMatchObject([
      { id: 'old/webhook', kind: 'dead', atMs: 5_500, error: 'another collector has decided since it was made' },
    ])
    expect(faults.map(({ message }) => message)).toEqual([
      'another collector has decided since: notifications that this one had not delivered are given up (1)',
    ])
    expect(rowsOf(database).map(({ kind, key }) => `${kind} ${key}`)).toContain('done old/webhook')
  })

  test('that nobody else has written keeps deliveries of any age', async () => {
    const database = table()
    await vaultDeliveries(await open('one', database)).add([toDelivery('old')])
    nowMs = 86_400_000
    expect((await vaultDeliveries(await open('one', database)).pending()).map(({ id }) => id)).toEqual(['old/webhook'])
  })
})
