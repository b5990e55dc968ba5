/** The receiver of the collector alone: HTTP and decoding, and a sink that takes everything. Prints its address. */
import { createReceiver } from '../../collector/src/receive/http.ts'
import { createStats } from '../../collector/src/stats.ts'

const receiver = createReceiver({ routes: { all: async () => ({ kind: 'ok' }) }, stats: createStats() })
const { port } = await receiver.listen('127.0.0.1', 0)
process.stdout.write(`listening on http://127.0.0.1:${port},\n`)
