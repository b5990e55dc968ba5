import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { registerHooks } from 'node:module'
import type { Guard } from './guard.ts'

type HookOptions = {
  /** Package whose modules are looked for: `@google/genai`. */
  readonly name: string
  /** End of the file URL of its ES module. */
  readonly esmFile: string
  /** Given the module's exports, before whoever imports it runs; possibly more than once. */
  readonly onLoad: (exports: unknown) => void
  readonly guard: Guard
}

const REQUIRED = 'tracing:module.require:end'

/**
 * Hears of one package being loaded, by `import` or `require`, and touches nothing else of the module graph.
 *
 *     require(name) ──► Node's channel `module.require` ─────────────────────► onLoad(exports)
 *     import name   ──► resolve hook ──► a module in front that re-exports ──► its channel ──► onLoad(namespace)
 *
 * Only `resolve` is hooked: with a `load` hook Node before 22.22.3 and 24.11.1 gives imported CommonJS modules a `require` without cache
 * and extensions. See docs/decisions/module-hooks.md.
 *
 * @returns stops listening; what is loaded stays as it is.
 */
export function hookModule({ name, esmFile, onLoad, guard }: HookOptions): () => void {
  const imported = `tts-otel:imported:${name}`
  const prefix = `data:text/javascript,/*tts-otel:${encodeURIComponent(name)}*/`

  function guarded(read: (message: unknown) => unknown): (message: unknown) => void {
    return (message) =>
      guard.run(() => {
        const exports = read(message)
        if (exports !== undefined) onLoad(exports)
      })
  }

  const onImport = guarded((message) => message)
  const onRequire = guarded((message) => {
    // https://nodejs.org/api/diagnostics_channel.html#modules
    const { id, result } = message as { id: unknown; result?: unknown }
    return typeof id === 'string' && (id === name || id.startsWith(`${name}/`)) ? result : undefined
  })
  subscribe(imported, onImport)
  subscribe(REQUIRED, onRequire)

  const hooks = registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context)
      const isOurs = resolved.url.endsWith(esmFile) && isImport(context.conditions) && !context.parentURL?.startsWith(prefix)
      return isOurs
        ? { url: prefix + encodeURIComponent(announce(resolved.url, imported)), format: 'module', shortCircuit: true }
        : resolved
    },
  })
  return () => {
    hooks.deregister()
    unsubscribe(imported, onImport)
    unsubscribe(REQUIRED, onRequire)
  }
}

/** `require` of an ES module needs the file itself, and is heard of by the channel. Node before 22.19 and 24.9 passes a Set in some places. */
function isImport(conditions: Iterable<string>): boolean {
  return !Array.from(conditions).includes('require')
}

/** Source of the module in front: evaluated after the real one and before everybody who imports it; shares its bindings. */
function announce(url: string, channelName: string): string {
  const target = JSON.stringify(url)
  return [
    `import * as module from ${target}`,
    `process.getBuiltinModule('node:diagnostics_channel').channel(${JSON.stringify(channelName)}).publish(module)`,
    `export * from ${target}`,
  ].join(';')
}
