import { expect, test } from 'vitest'
import { describeRemains } from '../../../collector/src/alert-remains.ts'

const trail = { requestIds: new Set(['r-1']), traceIds: new Set(['t-1']) }
const pending = (annotations: Readonly<Record<string, string>>) => ({
  kind: 'pending',
  key: '1/errors',
  text: JSON.stringify({ notification: { alerts: [{ annotations }] } }),
})
const remains = (records: Parameters<typeof describeRemains>[0]) => describeRemains(records, { userId: '4711', trail })

test('notifications on their way are counted by request and by trace', () => {
  const records = [pending({ request_id: 'r-1' }), pending({ trace_id: 't-1' }), pending({ request_id: 'r-2' }), pending({})]
  expect(remains(records)).toEqual([expect.stringMatching(/^2 notifications of alerts on their way/)])
})

test('what names the user is counted wherever it stands, another user whose id begins the same is not', () => {
  const group = JSON.stringify({ user_id: '4711' })
  const records = [
    { kind: 'history', key: '1', text: JSON.stringify({ labels: { user_id: '4711' } }) },
    { kind: 'state', key: 'alerts', text: JSON.stringify({ groups: { [group]: 1 } }) },
    { kind: 'done', key: group, text: '{}' },
    { kind: 'history', key: '2', text: JSON.stringify({ labels: { user_id: '47110', count: 4711 } }) },
  ]
  expect(remains(records)).toEqual([expect.stringMatching(/^3 entries in the memory of alerts name the user/)])
  expect(remains(records.slice(3))).toEqual([])
})
