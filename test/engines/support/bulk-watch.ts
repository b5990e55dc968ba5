/** Stands between a collector and Elasticsearch, changes nothing, and keeps what became of each document of each bulk. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { buffer } from 'node:stream/consumers'

export type Bulk = {
  /** Of the whole request. */
  readonly status: number
  /** By id, in the order of the request; empty when the whole request was refused. */
  readonly statuses: ReadonlyMap<string, number>
  readonly ids: readonly string[]
}

export type BulkWatch = {
  readonly url: string
  /** In the order of their answers. */
  readonly bulks: readonly Bulk[]
  close(): Promise<void>
}

/** @param url of the server behind it */
export async function startBulkWatch(url: string): Promise<BulkWatch> {
  const bulks: Bulk[] = []
  const server = createServer(async (request, response) => {
    const body = await buffer(request)
    const { 'content-type': type = 'application/json' } = request.headers
    const sent = { method: request.method!, headers: { 'content-type': type }, ...(body.length > 0 && { body }) }
    const answer = await fetch(`${url}${request.url}`, sent).catch(() => undefined)
    if (answer === undefined) return void response.destroy()
    const text = await answer.text()
    if (request.url?.startsWith('/_bulk')) bulks.push(readBulk(body.toString(), answer.status, text))
    const product = answer.headers.get('x-elastic-product')
    response.writeHead(answer.status, { 'content-type': 'application/json', ...(product !== null && { 'x-elastic-product': product }) })
    response.end(text)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    bulks,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

type Answer = { readonly errors?: boolean; readonly items?: readonly { readonly create: { readonly status: number } }[] }

function readBulk(body: string, status: number, text: string): Bulk {
  const lines = body.split('\n').filter((_, index) => index % 2 === 0)
  const ids = lines.filter((line) => line !== '').map((line): string => JSON.parse(line).create._id)
  const { items = [] }: Answer = JSON.parse(text)
  return { status, ids, statuses: new Map(items.map(({ create }, index) => [ids[index]!, create.status])) }
}
