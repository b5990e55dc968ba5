import { relative } from 'node:path'
import { registeringVersion } from '../../app-api.ts'
import { type Finding, ok, problem, warning } from './findings.ts'
import { findManifest, type Installed, readManifest, type Tree, walkTree } from './tree.ts'

const API = '@opentelemetry/api'
const OLD_LOGS = '@opentelemetry/api-logs'
const OWN = 'tts-otel'

/** Packages that register for the whole process when they are started. */
const OTHER_SDKS = new Set(
  (
    '@opentelemetry/sdk-node @opentelemetry/sdk-trace-node @opentelemetry/auto-instrumentations-node @elastic/opentelemetry-node elastic-apm-node ' +
    'dd-trace newrelic applicationinsights @azure/monitor-opentelemetry @honeycombio/opentelemetry-node @splunk/otel @sentry/node @grafana/otel-js'
  ).split(' '),
)

/** Users of a package that are named; the rest is a number. */
const NAMED_MAX = 3

type Copy = Installed & { readonly version: string }

/** Looks for copies that get in each other's way in everything that code in `folder` can load. */
export function checkPackages(folder: string): readonly Finding[] {
  const tree = walkTree(folder)
  const cut = tree.isCut ? ' (the tree is too large: only a part was looked at)' : ''
  const describe = (copies: readonly Copy[]) => `${list(copies.map((copy) => `${copy.version} in ${shorten(copy.folder, folder)}`))}${cut}`
  const apis = copiesOf(API, tree)
  const own = copiesOf(OWN, tree)
  return [
    ...checkApis(apis, describe),
    checkOldLogs(tree, describe),
    checkOtherSdks(tree, folder),
    versionsOf(own).length > 1 ? warning('own-copies', `${OWN} ${describe(own)}`) : ok('own-copies', `${OWN}: no second version${cut}`),
  ]
}

/**
 * A copy reads a global of its own or a newer minor version of the same major. What registers is the copy in our bundle, or the one that
 * our bundle finds when that is newer: docs/decisions/bundled-api.md.
 */
function checkApis(copies: readonly Copy[], describe: (copies: readonly Copy[]) => string): readonly Finding[] {
  const global = registeringVersion()
  const blind = copies.filter(({ version }) => !canRead(version, global))
  const versions = versionsOf(copies)
  return [
    blind.length > 0
      ? problem('api-compatible', `${API} ${global} registers, and these copies do not see it: ${describe(blind)}`)
      : ok('api-compatible', `${API}: all copies see what ${global} registers`),
    versions.length > 1
      ? warning('api-copies', `${versions.length} versions of ${API}: ${describe(copies)}`)
      : ok('api-copies', versions[0] === undefined ? `${API} is not installed; tts-otel has its own` : `${API} ${versions[0]}`),
  ]
}

/** The rule of the API itself: https://github.com/open-telemetry/opentelemetry-js/blob/main/api/src/internal/semver.ts */
function canRead(version: string, global: string): boolean {
  const [major, minor = 0] = version.split('.').map(Number)
  const [globalMajor, globalMinor = 0] = global.split('.').map(Number)
  return major === globalMajor && minor <= globalMinor
}

/** Registration bridges the old global; whether somebody else has it is seen by the trial start. */
function checkOldLogs(tree: Tree, describe: (copies: readonly Copy[]) => string): Finding {
  const copies = copiesOf(OLD_LOGS, tree)
  if (copies.length === 0) return ok('api-logs', `${OLD_LOGS} is not installed`)
  const users = tree.packages.filter(({ folder }) => readManifest(folder)?.dependencies.includes(OLD_LOGS)).map(({ name }) => name)
  const usedBy = users.length === 0 ? '' : `, used by ${list([...new Set(users)])}`
  return ok('api-logs', `${OLD_LOGS} ${describe(copies)}${usedBy}: heard through a bridge`)
}

/** Only what the app itself asks for: as a dependency of a dependency such a package is usually not started. */
function checkOtherSdks(tree: Tree, folder: string): Finding {
  const asked = new Set(findManifest(folder)?.dependencies)
  const found = tree.packages.filter(({ name }) => OTHER_SDKS.has(name) && asked.has(name))
  const names = [...new Set(found.map(({ name }) => name))]
  return names.length === 0
    ? ok('other-sdk', 'no other telemetry SDK among the dependencies')
    : warning('other-sdk', `the app depends on ${names.join(', ')}`)
}

function copiesOf(name: string, { packages }: Tree): readonly Copy[] {
  return packages
    .filter((installed) => installed.name === name)
    .flatMap((installed) => {
      const version = readManifest(installed.folder)?.version
      return version === undefined ? [] : [{ ...installed, version }]
    })
}

function versionsOf(copies: readonly Copy[]): readonly string[] {
  return [...new Set(copies.map(({ version }) => version))]
}

function list(items: readonly string[]): string {
  const more = items.length - NAMED_MAX
  return `${items.slice(0, NAMED_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function shorten(path: string, folder: string): string {
  const short = relative(folder, path)
  return short.startsWith('..') || short === '' ? path : short
}
