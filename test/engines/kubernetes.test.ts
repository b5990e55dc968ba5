/** The manifests for Kubernetes, read with Kubernetes's own types, and held to what docs/operations.md promises of them. */
import { execFileSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { COLLECTOR_SETTINGS } from '../../collector/src/settings.ts'

const root = join(import.meta.dirname, '../..')
const files = globSync('deploy/kubernetes/*.yaml', { cwd: root }).sort()
const documents: readonly Manifest[] = files.flatMap((file) =>
  parseAllDocuments(readFileSync(join(root, file), 'utf8')).map((document) => document.toJS()),
)

type Container = {
  readonly name: string
  readonly image: string
  readonly securityContext: object
  readonly env: readonly { readonly name: string; readonly value?: string }[]
  readonly resources: { readonly limits?: { readonly memory?: string } }
  readonly readinessProbe?: object
  readonly livenessProbe?: object
}
type Pod = { readonly terminationGracePeriodSeconds: number; readonly securityContext: object; readonly containers: readonly Container[] }
type Manifest = {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: {
    readonly template?: { readonly spec: Pod }
    readonly selector?: { readonly matchLabels?: Labels }
    readonly podSelector?: { readonly matchLabels: Labels }
    readonly ingress?: readonly { readonly from: readonly { readonly podSelector: { readonly matchLabels: Labels } }[] }[]
  }
}
type Labels = Readonly<Record<string, string>>

const pods = documents.flatMap(({ spec }) => spec.template?.spec ?? [])
const containers = pods.flatMap((pod) => pod.containers)

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
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(30)
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
  }
  for (const container of containers) {
    const { securityContext, resources, readinessProbe, livenessProbe } = container
    expect(securityContext).toEqual({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } })
    expect(container.image).toMatch(/:\d+\.\d+\.\d+$/)
    expect([container.name, resources.limits?.memory, readinessProbe, livenessProbe]).not.toContain(undefined)
  }
})

test('of the pods only the official collector sends to ours, and only who is labelled so reads from them', () => {
  const ours = documents.filter(({ spec }) => spec.template?.spec.containers.some(({ image }) => image.startsWith('tts-otel-collector')))
  expect(ours.map(({ metadata }) => metadata.name)).toEqual(['evaluator', 'fanout'])
  const policies = documents.filter(({ kind }) => kind === 'NetworkPolicy').map(({ spec }) => spec)
  for (const { metadata, spec } of ours) {
    const policy = policies.find(({ podSelector }) => isDeepStrictEqual(podSelector?.matchLabels, spec.selector?.matchLabels))
    expect(
      policy?.ingress?.flatMap(({ from }) => from.map(({ podSelector }) => podSelector.matchLabels)),
      metadata.name,
    ).toEqual([{ 'app.kubernetes.io/name': 'otelcol' }, { 'tts-otel/reads': 'true' }])
  }
})

test('what they set is known to those who read it, and the services that they name are there', () => {
  const ours = containers.filter(({ image }) => image.startsWith('tts-otel-collector')).flatMap(({ env }) => env.map(({ name }) => name))
  expect(ours.filter((name) => name !== 'NODE_OPTIONS' && !Object.hasOwn(COLLECTOR_SETTINGS, name))).toEqual([])
  const config = readFileSync(join(root, 'otel-collector-config.yaml'), 'utf8')
  const official = containers.filter(({ image }) => image.startsWith('otel/')).flatMap(({ env }) => env.map(({ name }) => name))
  expect(official.filter((name) => name !== 'GOMEMLIMIT' && !config.includes(`\${env:${name}`))).toEqual([])
  const services = documents.filter(({ kind }) => kind === 'Service').map(({ metadata }) => metadata.name)
  const named = containers.flatMap(({ env }) => env.flatMap(({ value = '' }) => /^http:\/\/([a-z]+):/.exec(value)?.[1] ?? []))
  // Jaeger is yours.
  expect(named.filter((name) => name !== 'jaeger' && !services.includes(name))).toEqual([])
})
