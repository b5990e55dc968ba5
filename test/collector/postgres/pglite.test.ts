import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openDatabase } from '../../../collector/src/postgres/database.ts'
import { storeContract } from './contract.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'tts-otel-store-'))
// Registered first, so it runs last: after the contract has closed the database.
afterAll(() => rmSync(dataDir, { recursive: true, force: true }))

storeContract('PGlite', () => openDatabase({ dataDir }))
