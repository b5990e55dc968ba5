import { execFileSync } from 'node:child_process'
import { appendFileSync, chownSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A disk of a few MiB in memory. */
export type SmallDisk = {
  readonly folder: string
  /** Takes the room that is left. */
  takeRest(): void
  /** Gives back what {@link createSmallDisk} and {@link SmallDisk.takeRest} have taken from it. */
  freeReserve(): void
  remove(): void
}

export type SmallDiskOptions = {
  readonly mib: number
  readonly reserveMib: number
  /** Whose the folder is; ours without it. */
  readonly owner: { readonly uid?: number; readonly gid?: number }
}

/** Mounts it, which takes root, and takes the reserve out of it. */
export function createSmallDisk({ mib, reserveMib, owner }: SmallDiskOptions): SmallDisk {
  const disk = mkdtempSync(join(tmpdir(), 'tts-otel-small-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', disk])
  const reserve = join(disk, 'reserve')
  writeFileSync(reserve, Buffer.alloc(reserveMib * 2 ** 20))
  const folder = join(disk, 'files')
  mkdirSync(folder)
  if (owner.uid !== undefined && owner.gid !== undefined) chownSync(folder, owner.uid, owner.gid)
  return {
    folder,
    takeRest() {
      try {
        for (;;) appendFileSync(reserve, Buffer.alloc(2 ** 20))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    },
    freeReserve: () => rmSync(reserve),
    remove() {
      execFileSync('umount', [disk])
      rmdirSync(disk)
    },
  }
}
