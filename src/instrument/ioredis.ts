import { type WatchedFile, watchFiles } from './db-modules.ts'
import type { Guard } from './guard.ts'
import { followChannels } from './ioredis-channels.ts'
import { createIoredisInstrument, type IoredisInstrument } from './ioredis-client.ts'

/**
 * Watches every copy of `ioredis` 5 and 6 that the app loads or has loaded. Copies that cannot be found are followed by their channels; why not
 * all are: docs/decisions/ioredis.md.
 *
 * @returns stops watching.
 */
export function instrumentIoredis({ guard }: { readonly guard: Guard }): () => void {
  let instrument: IoredisInstrument | undefined

  /** Most of it is of use only where there is such a copy. */
  function found(): IoredisInstrument {
    instrument ??= createIoredisInstrument(guard)
    return instrument
  }

  const leaveChannels = followChannels((command, server) => found().calls.command(command, server), guard)
  const unwatch = watchFiles(
    [
      file('Redis', (exports) => {
        if (found().watchRedis(exports)) leaveChannels()
      }),
      file('cluster', (exports) => void found().watchCluster(exports)),
      file('Pipeline', (exports) => void found().watchPipeline(exports)),
    ],
    guard,
  )
  return () => {
    unwatch()
    leaveChannels()
    instrument?.stop()
  }
}

/** A file of ioredis that its `index.js` requires. */
function file(name: string, onLoad: (exports: unknown) => void): WatchedFile {
  return {
    id: `./${name}`,
    from: /[\\/]ioredis[^\\/]*[\\/]built[\\/]index\.js$/,
    file: new RegExp(`[\\\\/]ioredis[^\\\\/]*[\\\\/]built[\\\\/]${name}(?:[\\\\/]index)?\\.js$`),
    onLoad,
  }
}
