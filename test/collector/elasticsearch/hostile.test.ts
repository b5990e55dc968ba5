import { expect, test } from 'vitest'
import { storableText } from '../../../collector/src/storable.ts'
import { HOSTILE } from '../api/hostile-inputs.ts'
import { log, logs, sender } from '../postgres/records.ts'
import { openStandIn } from './open.ts'

test('hostile texts in every place of a record become documents of its day, and no index, id or action of their own', async () => {
  const { standIn, opened } = await openStandIn()
  const records = HOSTILE.map((text) => {
    const source = sender()
    const attributes = { request_id: text, user_id: text, source: text, [text]: text, _index: text, nested: { [text]: [text] } }
    return log(
      { ...source, service: text, attributes: { 'host.name': text } },
      { body: text, severityText: text, eventName: text, attributes },
    )
  })
  expect(await opened.send(logs(records))).toEqual({ kind: 'ok' })

  const today = `tts-api-${new Date().toISOString().slice(0, 10).replaceAll('-', '.')}`
  expect([...standIn.indexes.keys()]).toEqual([today])
  const documents = standIn.indexes.get(today)!
  expect([...documents.keys()].sort()).toEqual(records.map(({ uid }) => uid).sort())
  for (const [index, text] of HOSTILE.entries()) {
    const stored = storableText(text)
    expect(documents.get(records[index]!.uid)).toMatchObject({
      message: stored,
      request_id: stored,
      source: stored,
      service: stored,
      host: stored,
    })
  }
})
