/** A small server that answers as Elasticsearch does where the collector asks, with the faults of the real one to be put in. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { createGunzip } from 'node:zlib'

type Json = { readonly [key: string]: unknown }

/** What one document meets instead of being stored. */
export type ItemFault = { readonly status: number; readonly type: string; readonly reason: string }

/** What a whole request meets. `hang` is never answered; `cut` loses its connection after it has been done. */
export type RequestFault = { readonly status: number; readonly headers?: Record<string, string>; readonly body?: unknown } | 'hang' | 'cut'

export type StandIn = {
  readonly url: string
  /** By index, then id. */
  readonly indexes: Map<string, Map<string, Json>>
  readonly templates: Map<string, Json>
  /** Names of the life-cycle policies that there are. */
  readonly policies: Set<string>
  /** `POST /_bulk`, in the order in which they came; with the bytes of a bulk as sent. */
  readonly requests: { readonly line: string; readonly authorization: string | undefined; readonly bytes: number; readonly items: number }[]
  /** Asked for each document that is created. */
  itemFault: (document: Json, index: string) => ItemFault | undefined
  /** Asked for each request, with its first line and its body. */
  requestFault: (line: string, body: string) => RequestFault | undefined
  /** What `GET /` says, and whether as Elasticsearch. */
  root: { product: string | undefined; body: unknown }
  close(): Promise<void>
}

/** On a free port unless one is named. */
export async function startStandIn(port = 0): Promise<StandIn> {
  const server = createServer((request, response) => void answer(standIn, request, response))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const standIn: StandIn = {
    url: `http://127.0.0.1:${address.port}`,
    indexes: new Map(),
    templates: new Map(),
    policies: new Set(),
    requests: [],
    itemFault: () => undefined,
    requestFault: () => undefined,
    root: { product: 'Elasticsearch', body: { version: { number: '8.19.0' }, tagline: 'You Know, for Search' } },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return standIn
}

async function answer(standIn: StandIn, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const stream = request.headers['content-encoding'] === 'gzip' ? request.pipe(createGunzip()) : request
  const body = await text(stream)
  const line = `${request.method} ${decodeURIComponent(request.url ?? '')}`
  const bytes = Number(request.headers['content-length'] ?? 0)
  const items = line.startsWith('POST /_bulk') ? body.split('\n').length >> 1 : 0
  standIn.requests.push({ line, authorization: request.headers.authorization, bytes, items })
  const fault = standIn.requestFault(line, body)
  if (fault === 'hang') return
  if (typeof fault === 'object') return send(response, fault.status, fault.body ?? {}, fault.headers)
  const found = route(standIn, line, body)
  if (fault === 'cut') return void response.destroy()
  const product = standIn.root.product === undefined ? {} : { 'x-elastic-product': standIn.root.product }
  send(response, found.status, found.body, product)
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': typeof body === 'string' ? 'text/html' : 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

type Found = { readonly status: number; readonly body: unknown }

function route(standIn: StandIn, line: string, body: string): Found {
  const [method, path] = line.split('?', 1)[0]!.split(' ') as [string, string]
  if (path === '/') return { status: 200, body: standIn.root.body }
  if (path === '/_bulk') return bulk(standIn, body)
  if (path.startsWith('/_index_template/')) return template(standIn, method, path.slice('/_index_template/'.length), body)
  if (path.startsWith('/_ilm/policy/'))
    return standIn.policies.has(path.slice('/_ilm/policy/'.length)) ? { status: 200, body: {} } : missing(path)
  if (path.endsWith('/_search')) return search(standIn, path.slice(1, -'/_search'.length), body)
  if (path.includes('/_settings')) return settings(standIn, path.slice(1, path.indexOf('/_settings')))
  if (method === 'DELETE') return standIn.indexes.delete(path.slice(1)) ? { status: 200, body: { acknowledged: true } } : missing(path)
  return missing(path)
}

function missing(what: string): Found {
  return { status: 404, body: { error: { type: 'index_not_found_exception', reason: `no such index [${what}]` }, status: 404 } }
}

function bulk(standIn: StandIn, body: string): Found {
  const lines = body.split('\n').filter((line) => line !== '')
  const items: Json[] = []
  for (let at = 0; at < lines.length; ) {
    const action: Json = JSON.parse(lines[at++]!)
    const [kind, target] = Object.entries(action)[0] as [string, { _index: string; _id: string }]
    if (kind === 'delete') items.push({ delete: { status: standIn.indexes.get(target._index)?.delete(target._id) ? 200 : 404 } })
    else items.push({ [kind]: create(standIn, target, JSON.parse(lines[at++]!)) })
  }
  return { status: 200, body: { errors: items.some((item) => JSON.stringify(item).includes('"error"')), items } }
}

function create(standIn: StandIn, { _index, _id }: { _index: string; _id: string }, document: Json): Json {
  const fault = standIn.itemFault(document, _index)
  if (fault !== undefined) {
    const { status, type, reason } = fault
    return { status, error: { type, reason, caused_by: { type: 'cause', reason: `because of ${JSON.stringify(document.message)}` } } }
  }
  const index = standIn.indexes.get(_index) ?? new Map<string, Json>()
  standIn.indexes.set(_index, index)
  if (index.has(_id)) return { status: 409, error: { type: 'version_conflict_engine_exception', reason: 'document already exists' } }
  index.set(_id, document)
  return { status: 201 }
}

function template({ templates }: StandIn, method: string, name: string, body: string): Found {
  if (method === 'PUT') templates.set(name, JSON.parse(body))
  const found = templates.get(name)
  if (found === undefined) return { status: 404, body: { error: { type: 'resource_not_found_exception', reason: name }, status: 404 } }
  return { status: 200, body: method === 'PUT' ? { acknowledged: true } : { index_templates: [{ name, index_template: found }] } }
}

function search({ indexes }: StandIn, name: string, body: string): Found {
  const query: { query?: { range: { '@timestamp': { lt: string } } } } = JSON.parse(body)
  const before = query.query?.range['@timestamp'].lt ?? '9'
  const found = [...indexes].filter(([index]) => index === name || (name.endsWith('*') && index.startsWith(name.slice(0, -1))))
  const hits = found.flatMap(([_index, documents]) =>
    [...documents].filter(([, document]) => String(document['@timestamp']) < before).map(([_id, _source]) => ({ _index, _id, _source })),
  )
  return { status: 200, body: { hits: { hits } } }
}

function settings({ indexes }: StandIn, pattern: string): Found {
  const names = [...indexes.keys()].filter((name) => name.startsWith(pattern.replace('*', '')))
  return { status: 200, body: Object.fromEntries(names.map((name) => [name, {}])) }
}
