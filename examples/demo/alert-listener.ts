import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

/** What a webhook is told of alerts. */
export type Notice = { readonly status: 'firing' | 'resolved'; readonly rule: string; readonly summary: string; readonly atMs: number }

export type AlertListener = {
  readonly url: string
  /** What has arrived, in order. */
  readonly notices: readonly Notice[]
  readonly close: () => void
}

/** A webhook on a free port of this machine, as a team would have one. */
export async function startAlertListener(): Promise<AlertListener> {
  const notices: Notice[] = []
  const server = createServer(async (request, response) => {
    notices.push(readNotice(await text(request)))
    response.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  // The demo ends when its work is done, not when nobody posts any more.
  server.unref()
  return { url: `http://127.0.0.1:${port}/alerts`, notices, close: () => server.close() }
}

/** The body that Alertmanager sends. */
function readNotice(body: string): Notice {
  const { status, commonLabels, commonAnnotations } = JSON.parse(body)
  return { status, rule: commonLabels.alertname, summary: commonAnnotations.summary ?? '', atMs: Date.now() }
}
