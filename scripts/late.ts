/** A module that one other imports, and that few apps need. */
export type Late = {
  /** Of its file in {@link LATE_DIR}, without ending. */
  readonly name: string
  readonly source: string
  /** Who loads it late; for others it is a module as any. */
  readonly from: string
  /** What `from` calls of it. */
  readonly functions: readonly string[]
  /** Somebody else's code for the most part: nobody reads its stack traces here. */
  readonly isForeign?: true
}

export const LATE_DIR = 'dist/late'

/**
 * What register.js leaves out until it is needed. Each file is complete in itself, with copies of what it shares with the others, so nothing in
 * it may hold state: test/structure.test.ts. See docs/decisions/late-parts.md.
 */
export const LATE: readonly Late[] = [
  { name: 'spool', source: 'src/wire/spool.ts', from: 'src/delivery/open-spool.ts', functions: ['openSpool'] },
  {
    name: 'settings-yaml',
    source: 'src/log/settings/yaml.ts',
    from: 'src/log/settings/file.ts',
    functions: ['parseSettings'],
    isForeign: true,
  },
  {
    name: 'google-genai',
    source: 'src/instrument/google-genai.ts',
    from: 'src/instrument/install.ts',
    functions: ['createGeminiInstrument'],
  },
  { name: 'pg', source: 'src/instrument/pg.ts', from: 'src/instrument/pg-module.ts', functions: ['createPgInstrument'] },
  {
    name: 'ioredis',
    source: 'src/instrument/ioredis-client.ts',
    from: 'src/instrument/ioredis.ts',
    functions: ['createIoredisInstrument'],
  },
  { name: 'encode-json', source: 'src/wire/encode-json.ts', from: 'src/wire/encode.ts', functions: ['createJsonEncoder'], isForeign: true },
  { name: 'split', source: 'src/wire/split.ts', from: 'src/delivery/deliver.ts', functions: ['splitChunk'] },
  { name: 'console', source: 'src/instrument/console.ts', from: 'src/instrument/install.ts', functions: ['instrumentConsole'] },
  { name: 'settings-file', source: 'src/log/settings/file.ts', from: 'src/register.ts', functions: ['examineSettings'] },
]
