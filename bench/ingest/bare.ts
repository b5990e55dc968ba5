/** The least that a receiver in Node can do: reads each body and answers 200. Prints its address. */
import { createServer } from 'node:http'

const server = createServer((request, response) => request.resume().on('end', () => response.end()))
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : undefined
  process.stdout.write(`listening on http://127.0.0.1:${port},\n`)
})
