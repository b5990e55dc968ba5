import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** The page as a browser gets it. */
export type Page = {
  readonly html: string
  readonly headers: Readonly<Record<string, string>>
}

/** `scripts/build.ts` puts the page beside the bundle; sources run with the one that was built last. */
const FILE = new URL(import.meta.url.endsWith('.ts') ? '../../dist/viewer.html' : './viewer.html', import.meta.url)

/** Reads the page and says what a browser may do with it: run what stands in it, ask this collector, and nothing else. Throws when it was not built. */
export function readPage(): Page {
  const html = readFileSync(FILE, 'utf8')
  const policy = [
    "default-src 'none'",
    `script-src ${hashes(html, 'script')}`,
    `style-src ${hashes(html, 'style')}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ]
  return {
    html,
    headers: {
      'content-security-policy': policy.join('; '),
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=(), microphone=(), geolocation=()',
    },
  }
}

/** Of what stands inline: https://www.w3.org/TR/CSP3/#grammardef-hash-source */
function hashes(html: string, tag: 'script' | 'style'): string {
  const inline = [...html.matchAll(new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`, 'g'))].map(([, content]) => content!)
  return inline.map((content) => `'sha256-${createHash('sha256').update(content).digest('base64')}'`).join(' ')
}
