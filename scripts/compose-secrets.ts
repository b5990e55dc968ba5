/**
 * Makes new secrets for a compose file, in the current folder: passwords in `.env` (`.env.scaled` for docker-compose.scaled.yml),
 * where the name of the project is as well: docker-compose 1 knows no `name:` in the file, and with one name both files would share
 * volumes. Tokens in files below `secrets/`, which the containers follow. What is there already stays as it is.
 *
 *     npm run secrets [-- FILE, default docker-compose.yml]
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'

const file = process.argv[2] ?? 'docker-compose.yml'
const compose = readFileSync(file, 'utf8')
// Hex: safe in a URL, a header and a shell.
const secret = () => randomBytes(32).toString('hex')

const passwords = new Set([...compose.matchAll(/\$\{([A-Z_]+):\?\}/g)].map((match) => match[1]!))
const form = /^docker-compose(\..+)?\.yml$/.exec(basename(file))?.[1] ?? ''
const project = `COMPOSE_PROJECT_NAME=tts-otel${form.replaceAll('.', '-')}`
keep(`.env${form}`, 0o600, () =>
  [project, ...[...passwords].sort().map((name) => `${name}=${secret()}`)].map((line) => `${line}\n`).join(''),
)

const tokens = new Set([...compose.matchAll(/\.\/secrets\/([a-z]+):/g)].map((match) => match[1]!))
// Nobody else comes through the outer folder; the containers, which have other users, get the inner ones.
mkdirSync('secrets', { recursive: true, mode: 0o700 })
for (const name of tokens) {
  mkdirSync(`secrets/${name}`, { recursive: true, mode: 0o755 })
  keep(`secrets/${name}/token`, 0o644, () => `${secret()}\n`)
}

function keep(path: string, mode: number, make: () => string): void {
  if (existsSync(path)) return void process.stderr.write(`${path} is there already and stays\n`)
  writeFileSync(path, make(), { mode, flag: 'wx' })
  process.stdout.write(`${path}\n`)
}
