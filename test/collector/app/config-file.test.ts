/** `tts-otel-collector --config collector.yaml`. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseCollectorConfig } from '../../../collector/src/config.ts'
import { configKey } from '../../../collector/src/config-file.ts'
import { COLLECTOR_SETTINGS } from '../../../collector/src/settings.ts'
import { configurationDocument } from '../../../scripts/docs.ts'
import { runProgram } from './program.ts'

const webhookSecret = (character: string) => `whsec_${Buffer.alloc(24, character).toString('base64')}`

describe('--config', () => {
  const parse = (text: string, env: Record<string, string> = {}, words = ['--config', 'collector.yaml']) =>
    parseCollectorConfig(env, words, {
      readFile(path) {
        if (path === 'collector.yaml') return text
        if (path === '/run/secrets/read') return 'from-a-file'
        throw new Error('ENOENT')
      },
    })

  test('the sample of docs/configuration.md is a file that a collector starts with', () => {
    const [, sample = ''] = /```yaml\n(.*?)```/s.exec(configurationDocument()) ?? []
    expect(sample).toContain('alertEmailTo')
    const readFile = (path: string) => (path === 'collector.yaml' ? sample : '0123456789abcdef')
    expect(parseCollectorConfig({}, ['--config', 'collector.yaml'], { readFile }).problems).toEqual([])
  })

  test('a file has every setting, by the name of its variable without prefix in camelCase', () => {
    const { config, problems } = parse(`
listen: 127.0.0.1:4320
dataDir: /var/lib/tts-otel
databaseUrl: postgres://writer@db/telemetry
databaseReadUrl: postgres://reader@db/telemetry
esIndexPrefix: speech
ingestToken: [0123456789012345, another]
readTokenFile: /run/secrets/read
retentionDays: 7
logDbLevel: warning
alertWebhookUrl: https://hooks.example/x
alertWebhookSecret:
  - ${webhookSecret('n')}
  - ${webhookSecret('o')}
alertAllowPorts: [8443, 9443]
`)
    expect(problems).toEqual([])
    expect(config).toMatchObject({
      listen: { host: '127.0.0.1', port: 4_320 },
      database: { url: 'postgres://writer@db/telemetry', readUrl: 'postgres://reader@db/telemetry', dataDir: '/var/lib/tts-otel' },
      access: { ingest: { tokens: ['0123456789012345', 'another'] }, read: { tokens: ['from-a-file'], file: '/run/secrets/read' } },
      retentionDays: 7,
      logLevel: 'WARNING',
    })
    expect(JSON.stringify(config.notify)).toContain('9443')
  })

  test('no two variables have the same key', () => {
    const keys = Object.keys(COLLECTOR_SETTINGS).map(configKey)
    expect(new Set(keys).size).toBe(keys.length)
    expect(keys).toEqual(expect.arrayContaining(['listen', 'tlsClientCa', 'databaseUrl', 'elasticsearchUrl', 'alertRules']))
  })

  test('a variable wins over the file; an empty one does not; a secret wins in either form', () => {
    const text = 'retentionDays: 7\ningestTokenFile: /nowhere\nhttpsProxy: http://file.example:1\nlogDbLevel: ERROR'
    const env = { RETENTION_DAYS: '9', LOG_DB_LEVEL: ' ', INGEST_TOKEN: 'own', https_proxy: 'http://own.example:1' }
    const { config, problems } = parse(text, env)
    expect(problems).toEqual([])
    expect(config).toMatchObject({ retentionDays: 9, logLevel: 'ERROR', access: { ingest: { tokens: ['own'], file: undefined } } })
    expect(config.notify.proxy.https).toBe('http://own.example:1')
  })

  test('wrong keys and values are told together, with their place and what was meant', () => {
    const { problems } = parse(
      'listn: 127.0.0.1:1\nDATABASE_URL: postgres://h/d\ntls: {cert: x}\nretentionDays: [1, [2]]\nlogDbLevel: loud\nreadToken: two words',
    )
    expect(problems).toEqual([
      'collector.yaml:1: there is no setting listn: did you mean listen?',
      'collector.yaml:2: there is no setting DATABASE_URL: did you mean databaseUrl?',
      expect.stringMatching(/^collector\.yaml:3: there is no setting tls/),
      'collector.yaml:4: retentionDays has to be a text, a number or a list of these',
      expect.stringMatching(/^readToken in collector\.yaml is not a token/),
      'logDbLevel="loud" in collector.yaml is not DEBUG, INFO, WARNING, ERROR, CRITICAL',
    ])
    expect(problems.join()).not.toContain('two words')
  })

  test('a file that is empty, no YAML, no settings or not there', () => {
    expect(parse('').problems).toEqual([])
    expect(parse('# nothing yet\n').problems).toEqual([])
    expect(parse('listen: "127').problems).toEqual([expect.stringMatching(/^collector\.yaml:1 is no YAML: /)])
    expect(parse('- listen').problems).toEqual(['collector.yaml has to hold settings, one "key: value" a line'])
    expect(parse('listen: a:1\nlisten: b:2').problems).toEqual([expect.stringMatching(/^collector\.yaml:2 is no YAML: .*unique/)])
    expect(parse('', {}, ['--config=elsewhere.yaml']).problems).toEqual(['--config names elsewhere.yaml, which cannot be read: ENOENT'])
    expect(parse('', {}, ['--config']).problems).toEqual([expect.stringContaining('--config is no option')])
  })
})

test('the program and its commands read it, wherever it stands', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tts-otel-config-'))
  const file = join(folder, 'collector.yaml')
  writeFileSync(file, `dataDir: ${folder}/data\nretentionDays: none\n`)
  for (const words of [
    ['--config', file],
    [`--config=${file}`, 'dead-letters'],
    ['erase', '--config', file, '--user-id', 'x'],
  ]) {
    const { code, stderr } = await runProgram({}, words)
    expect([code, stderr]).toEqual([expect.toBeOneOf([1, 2]), expect.stringContaining(`retentionDays="none" in ${file} is not`)])
  }
  rmSync(folder, { recursive: true })
})
