/** Writes a new secret for each that docker-compose.yml asks for: node scripts/compose-env.ts > .env */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

const compose = readFileSync(new URL('../docker-compose.yml', import.meta.url), 'utf8')
const names = new Set([...compose.matchAll(/\$\{([A-Z_]+):\?\}/g)].map((match) => match[1]!))
// Hex: safe in a URL, a header and a shell.
for (const name of [...names].sort()) process.stdout.write(`${name}=${randomBytes(32).toString('hex')}\n`)
