import module from 'node:module'
import { type Finding, ok, problem } from './findings.ts'

/** What the bundle is built for: `engines` in package.json. */
const NODE_MIN = [22, 15] as const

export type Runtime = { readonly version: string; readonly hasHooks: boolean }

/** The Node that runs this, and so usually the app. */
export function currentRuntime(): Runtime {
  return { version: process.versions.node, hasHooks: typeof module.registerHooks === 'function' }
}

/** Whether Node can carry the SDK. 23.0 to 23.4 are newer than 22.15 and have no hooks. */
export function checkNode({ version, hasHooks }: Runtime): readonly Finding[] {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isNew = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])
  return [
    isNew ? ok('node-version', `Node ${version}`) : problem('node-version', `Node ${version} is older than ${NODE_MIN.join('.')}`),
    hasHooks
      ? ok('node-hooks', 'module hooks are there')
      : problem('node-hooks', `Node ${version} has no module.registerHooks: calls of @google/genai would not be seen`),
  ]
}
