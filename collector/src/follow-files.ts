import { readFile } from 'node:fs/promises'

/** Files that belong together, such as a certificate and its key. */
export type FollowedFiles = {
  /** What they are for, as people know it: the variable that names them. */
  readonly name: string
  readonly paths: readonly string[]
  /**
   * Takes their texts over and gives what is to be told of it; undefined when they hold nothing new. Throws an error that says
   * what is wrong with them; nothing has changed then.
   */
  readonly apply: (texts: readonly string[]) => string | undefined
}

export type FollowOptions = {
  /** Told once of each change, taken or not. */
  readonly warn: (message: string) => void
  /** Time between two looks. Default 2,000. */
  readonly intervalMs?: number
}

export type Follower = { readonly start: () => void; readonly stop: () => void }

/** A token that leaked should be gone within seconds; a look reads a few small files. */
const INTERVAL_MS = 2_000

/**
 * Looks at files again and again and hands on what changed, so that secrets are renewed without a restart. Looks at what stands
 * there, not for events: these miss a mounted secret, which is renewed by another link in another folder.
 *
 * A change counts when two looks have seen the same: a file half written, or a certificate whose key is still to come, is no change yet.
 */
export function followFiles(followed: readonly FollowedFiles[], { warn, intervalMs = INTERVAL_MS }: FollowOptions): Follower {
  const looks = followed.map((files) => createLook(files, warn))
  let timer: NodeJS.Timeout | undefined

  function wait(): void {
    timer = setTimeout(async () => {
      await Promise.all(looks.map((look) => look()))
      if (timer !== undefined) wait()
    }, intervalMs)
    timer.unref()
  }

  return {
    start: () => {
      if (looks.length > 0) wait()
    },
    stop: () => {
      clearTimeout(timer)
      timer = undefined
    },
  }
}

type Seen = { readonly texts: readonly string[] } | { readonly fault: string }

function createLook({ name, paths, apply }: FollowedFiles, warn: (message: string) => void): () => Promise<void> {
  let taken: string | undefined
  let before: string | undefined

  return async function look() {
    const seen = await readAll(paths)
    const mark = JSON.stringify(seen)
    const settled = mark === before
    before = mark
    if (!settled || mark === taken) return
    taken = mark
    const where = `${name} (${paths.join(', ')})`
    try {
      if ('fault' in seen) throw new Error(seen.fault)
      const told = apply(seen.texts)
      if (told !== undefined) warn(`${where} has changed: ${told}.`)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      warn(`${where} has changed and cannot be used: ${reason}. What held before still holds; mend the file, it is read again.`)
    }
  }
}

async function readAll(paths: readonly string[]): Promise<Seen> {
  try {
    return { texts: await Promise.all(paths.map((path) => readFile(path, 'utf8'))) }
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) }
  }
}
