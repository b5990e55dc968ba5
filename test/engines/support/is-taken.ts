import { createServer } from 'node:net'

/** Whether somebody listens at host:port, without a connection that they would see. */
export async function isTaken(address: string): Promise<boolean> {
  const [host, port] = address.split(':')
  const server = createServer()
  return await new Promise((resolve) => {
    server.on('error', () => resolve(true))
    server.listen(Number(port), host, () => server.close(() => resolve(false)))
  })
}
