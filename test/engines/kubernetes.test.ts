/** The manifests for Kubernetes, read with Kubernetes's own types, and held to what docs/operations.md promises of them. */
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { STOP_MS_MAX } from '../../collector/src/app.ts'
import { COLLECTOR_SETTINGS } from '../../collector/src/settings.ts'

const root = join(import.meta.dirname, '../..')
const files = [...globSync('deploy/kubernetes/*', { cwd: root }).sort(), 'examples/kubernetes/app.yaml']
const documents: readonly Manifest[] = files.flatMap((file) =>
  parseAllDocuments(readFileSync(join(root, file), 'utf8')).map((document) => document.toJS()),
)

type Container = {
  readonly name: string
  readonly image: string
  readonly securityContext: object
  readonly env: readonly { readonly name: string; readonly value?: string }[]
  readonly resources: { readonly limits?: { readonly memory?: string } }
  readonly ports?: readonly { readonly name: string }[]
  readonly readinessProbe?: object
  readonly livenessProbe?: object
  readonly lifecycle?: { readonly preStop: { readonly sleep: { readonly seconds: number } } }
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly subPath?: string }[]
}
type Pod = {
  readonly terminationGracePeriodSeconds: number
  readonly securityContext: object
  readonly containers: readonly Container[]
  readonly volumes?: readonly { readonly name: string; readonly secret?: { readonly items?: readonly { readonly path: string }[] } }[]
}
type Manifest = {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly replicas?: number
    readonly volumeClaimTemplates?: readonly {
      readonly spec: { readonly resources: { readonly requests: { readonly storage: string } } }
    }[]
    readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: Pod }
    readonly selector?: { readonly matchLabels?: Labels }
    readonly podSelector?: { readonly matchLabels: Labels }
    readonly ingress?: readonly { readonly from: readonly { readonly podSelector: { readonly matchLabels: Labels } }[] }[]
  }
}
type Labels = Readonly<Record<string, string>>

const pods = documents.flatMap(({ spec }) => spec.template?.spec ?? [])
const containers = pods.flatMap((pod) => pod.containers)
const isOfficial = ({ image }: Container) => image.startsWith('otel/')
const isOurs = ({ image }: Container) => image.startsWith('tts-otel-collector')

test('Kubernetes knows every field of them', () => {
  const check = join(root, '.cache/kubernetes-check/kubernetes-check')
  execFileSync(
    check,
    files.map((file) => join(root, file)),
    { stdio: 'pipe' },
  )
  expect(documents.length).toBeGreaterThan(5)
})

test('no container runs as root, writes its own disk, gains rights, or lives without a limit, probes and time to end', () => {
  expect(pods.length).toBeGreaterThan(2)
  for (const pod of pods) {
    const stopS = pod.containers.some(isOurs) ? STOP_MS_MAX / 1_000 : 20
    const beforeS = Math.max(...pod.containers.map(({ lifecycle }) => lifecycle?.preStop.sleep.seconds ?? 0))
    expect(beforeS).toBeGreaterThan(0)
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(beforeS + stopS + 5)
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
  }
  for (const container of containers) {
    const { securityContext, resources, readinessProbe, livenessProbe } = container
    expect(securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } })
    expect(container.image).toMatch(/:\d+\.\d+\.\d+$/)
    expect([container.name, resources.limits?.memory, readinessProbe, livenessProbe]).not.toContain(undefined)
  }
})

test('while PostgreSQL is away ours go on taking what is for Elasticsearch and for alerts', () => {
  const probes = containers.filter(isOurs).map(({ name, readinessProbe, livenessProbe }) => [name, readinessProbe, livenessProbe])
  const live = { httpGet: { path: '/livez', port: 'http' } }
  expect(probes).toEqual(['evaluator', 'fanout'].map((name) => [name, expect.objectContaining(live), expect.objectContaining(live)]))
})

test('Prometheus finds each port under the job that the dashboards ask for, and there is one pod of what it may scrape only once', () => {
  const config = parse(readFileSync(join(root, 'deploy/prometheus-kubernetes.yml'), 'utf8'), { merge: true })
  type Job = { readonly job_name: string; readonly relabel_configs: readonly { readonly regex: string }[] }
  const regexes = config.scrape_configs.map(({ job_name, relabel_configs }: Job) => [job_name, relabel_configs[0]?.regex])
  expect(regexes).toEqual([
    ['apps', 'metrics'],
    ['otelcol', 'own-metrics'],
    ['fanout', 'http'],
  ])
  const scraped = documents.filter(({ spec }) => spec.template?.metadata.labels['app.kubernetes.io/part-of'] === 'tts-otel')
  const portsOf = ({ spec }: Manifest) => spec.template?.spec.containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name)) ?? []
  expect(
    scraped.map((each) => [each.metadata.name, portsOf(each).filter((port) => ['metrics', 'own-metrics', 'http'].includes(port))]),
  ).toEqual([
    ['evaluator', ['http']],
    ['fanout', ['http']],
    ['otelcol', ['own-metrics', 'metrics']],
  ])
  expect(scraped.find(({ metadata }) => metadata.name === 'otelcol')?.spec.replicas).toBe(1)
})

test('tokens are files of a folder that is followed, so that they can be changed without a restart', () => {
  for (const pod of pods.filter((each) => each.containers.some((container) => isOurs(container) || isOfficial(container)))) {
    const [{ env, volumeMounts } = { env: [], volumeMounts: [] }] = pod.containers
    const names = env.map(({ name }) => name).filter((name) => name.includes('TOKEN'))
    expect(names.length).toBe(2)
    for (const { name, value = '' } of env.filter((variable) => names.includes(variable.name))) {
      const mount = volumeMounts.find(({ mountPath }) => value.startsWith(`${mountPath}/`))
      expect([name, mount?.subPath]).toEqual([expect.stringMatching(/_FILE$/), undefined])
      expect(pod.volumes?.find((volume) => volume.name === mount?.name)?.secret).toBeDefined()
    }
  }
})

test('an app has its token, which stands in a header, from a secret of its own with that one line', () => {
  const [app] = containers.filter(({ image }) => image.startsWith('tts-api'))
  const token = app?.env.find(({ name }) => name === 'INGEST_TOKEN')
  expect(token).toMatchObject({ valueFrom: { secretKeyRef: { name: 'otelcol-app', key: 'token' } } })
})

test('the evaluator follows its rules: a folder of a config map', () => {
  const [pod] = pods.filter((each) => each.containers.some(({ name }) => name === 'evaluator'))
  const [{ env, volumeMounts } = { env: [], volumeMounts: [] }] = pod?.containers ?? []
  const rules = env.find(({ name }) => name === 'ALERT_RULES')?.value
  const mount = volumeMounts.find(({ mountPath }) => rules === `${mountPath}/alerts.yaml`)
  expect(mount).not.toHaveProperty('subPath')
  expect(pod?.volumes?.find(({ name }) => name === mount?.name)).toMatchObject({ configMap: { name: 'alert-rules' } })
})

test('of the pods only the official collector sends to ours, who is labelled so reads from them, and Prometheus scrapes', () => {
  const ours = documents.filter(({ spec }) => spec.template?.spec.containers.some(isOurs))
  expect(ours.map(({ metadata }) => metadata.name)).toEqual(['evaluator', 'fanout'])
  const policies = documents.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec)
  for (const { metadata, spec } of ours) {
    const policy = policies.find(({ podSelector }) => isDeepStrictEqual(podSelector?.matchLabels, spec.selector?.matchLabels))
    expect(
      policy?.ingress?.flatMap(({ from }) => from.map(({ podSelector }) => podSelector.matchLabels)),
      metadata.name,
    ).toEqual([{ 'app.kubernetes.io/name': 'otelcol' }, { 'tts-otel/reads': 'true' }, { 'app.kubernetes.io/name': 'prometheus' }])
  }
})

test('the claim of the official collector holds all of its queues, full', () => {
  const { exporters, service } = parse(readFileSync(join(root, 'otel-collector-config.yaml'), 'utf8'), { merge: true })
  const used = Object.values<{ exporters: readonly string[] }>(service.pipelines).flatMap((pipeline) => pipeline.exporters)
  const queues = used.flatMap((name) => exporters[name]?.sending_queue ?? []).filter(({ storage }) => storage !== undefined)
  expect(queues.length).toBe(6)
  const bytes = queues.reduce((sum, { queue_size: size }) => sum + Number(/:-(\d+)\}$/.exec(size)?.[1]), 0)
  const claims = documents.find(({ metadata, kind }) => kind === 'StatefulSet' && metadata.name === 'otelcol')?.spec.volumeClaimTemplates
  const claimed = claims?.map(({ spec }) => Number(/^(\d+)Gi$/.exec(spec.resources.requests.storage)?.[1]) * 2 ** 30)
  // On disk a record is a third larger, and compaction writes a file anew.
  expect(claimed?.[0]).toBeGreaterThan(1.6 * bytes)
})

test('what they set is known to those who read it, and the services that they name are there', () => {
  const ours = containers.filter(isOurs).flatMap(({ env }) => env.map(({ name }) => name))
  expect(ours.filter((name) => name !== 'NODE_OPTIONS' && !Object.hasOwn(COLLECTOR_SETTINGS, name.replace(/_FILE$/, '')))).toEqual([])
  const config = readFileSync(join(root, 'otel-collector-config.yaml'), 'utf8')
  const official = containers.filter(isOfficial).flatMap(({ env }) => env.map(({ name }) => name))
  expect(official.filter((name) => name !== 'GOMEMLIMIT' && !config.includes(`\${env:${name}`))).toEqual([])
  const services = documents.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name)
  const named = containers.flatMap(({ env }) => env.flatMap(({ value = '' }) => /^http:\/\/([a-z]+):/.exec(value)?.[1] ?? []))
  // Jaeger is yours.
  expect(named.filter((name) => name !== 'jaeger' && !services.includes(name))).toEqual([])
})
