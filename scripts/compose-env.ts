/** Writes a new secret for each that a compose file asks for: node scripts/compose-env.ts [FILE, default docker-compose.yml] > .env */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'

const compose = readFileSync(process.argv[2] ?? new URL('../docker-compose.yml', import.meta.url), 'utf8')
const names = new Set([...compose.matchAll(/\$\{([A-Z_]+):\?\}/g)].map((match) => match[1]!))
// Hex: safe in a URL, a header and a shell.
for (const name of [...names].sort()) process.stdout.write(`${name}=${randomBytes(32).toString('hex')}\n`)
