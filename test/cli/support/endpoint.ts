/** Servers on loopback, and the doctor sent to one of them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type http from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { examine, makeApp, type Report } from './doctor.ts'

/** What a test has to stop at its end. */
export type Stops = (() => unknown)[]

/** Runs the doctor in an empty folder with this endpoint. */
export async function diagnose(stops: Stops, endpoint: string, env: Readonly<Record<string, string>> = {}): Promise<Report> {
  const { folder, remove } = makeApp({})
  stops.push(remove)
  return await examine({ cwd: folder, env: { OTEL_SERVICE_NAME: 'speech', OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, ...env } })
}

/** Listens on a free port; the stop closes its connections as well. */
export async function listen(stops: Stops, server: Server | http.Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => {})))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stops.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

/** A certificate as the file that OTEL_EXPORTER_OTLP_CERTIFICATE names. */
export function writeCertificate(stops: Stops, cert: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-doctor-'))
  stops.push(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'ca.pem')
  writeFileSync(file, cert)
  return file
}
