import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../../collector/src/postgres/database.ts'
import { storeContract } from './contract.ts'

storeContract('PGlite', () => openDatabase({ dataDir: mkdtempSync(join(tmpdir(), 'tts-otel-store-')) }))
