/** As much of a Redis server as the client needs to be itself: RESP over a socket, strings, transactions, and the greetings of both clients. */
import { createServer, type Socket } from 'node:net'
import { listenOn } from './tcp.ts'

export type RedisServer = {
  readonly port: number
  /** Names of the commands that came, in small letters. */
  readonly commands: string[]
  /** From now on it takes what comes and answers nothing. */
  silence(isSilent: boolean): void
  /** Closes every connection, as a server that goes down does. */
  cut(): void
  close(): Promise<void>
}

export async function startRedisServer(): Promise<RedisServer> {
  const commands: string[] = []
  const strings = new Map<string, string>()
  let isSilent = false

  function answer(name: string, args: readonly string[]): string {
    const [key = '', value = ''] = args
    if (name === 'hello') return '%1\r\n$5\r\nproto\r\n:3\r\n'
    if (name === 'info') return bulk('redis_version:8.0.0\r\nloading:0')
    if (name === 'get') return strings.has(key) ? bulk(strings.get(key)!) : '$-1\r\n'
    if (name === 'set') strings.set(key, value)
    if (name === 'scan') return `*2\r\n${bulk(key === '0' ? '1' : '0')}*1\r\n${bulk(`page after ${key}`)}` // two pages
    if (name === 'lpush') return '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n'
    if (name === 'bad') return `-ERR unknown command 'bad', with args beginning with: '${key}'\r\n`
    return '+OK\r\n'
  }

  function serve(socket: Socket): void {
    let text = ''
    let queued: string[] | undefined
    // The client waits for small answers otherwise.
    socket.setNoDelay(true).on('error', () => {})
    socket.setEncoding('latin1').on('data', (data) => {
      text += data
      for (let next = readCommand(text); next; next = readCommand(text)) {
        text = text.slice(next.size)
        const [first = '', ...args] = next.words
        const name = first.toLowerCase()
        commands.push(name)
        if (isSilent) continue
        if (name === 'multi') queued = []
        else if (name === 'exec') {
          socket.write(`*${queued?.length ?? 0}\r\n${queued?.join('') ?? ''}`)
          queued = undefined
          continue
        } else if (queued) {
          queued.push(answer(name, args))
          socket.write('+QUEUED\r\n')
          continue
        }
        socket.write(answer(name, args))
      }
    })
  }

  const { port, cut, close } = await listenOn(createServer(serve))
  return {
    port,
    commands,
    cut,
    close,
    silence(value) {
      isSilent = value
    },
  }
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`
}

/** `*2\r\n$3\r\nGET\r\n$1\r\na\r\n`; undefined while it is not complete. */
function readCommand(text: string): { readonly words: readonly string[]; readonly size: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text)
  if (!head) return undefined
  const words: string[] = []
  let at = head[0].length
  while (words.length < Number(head[1])) {
    const length = /^\$(\d+)\r\n/.exec(text.slice(at, at + 16))
    if (!length) return undefined
    const start = at + length[0].length
    const end = start + Number(length[1])
    if (text.length < end + 2) return undefined
    words.push(text.slice(start, end))
    at = end + 2
  }
  return { words, size: at }
}
