import type { HashIdentity } from './hash.ts'
import { kindOfName, type NameKind } from './secret-name.ts'
import { redactText } from './secret-text.ts'

/** What is known about a name: what its values are, and how it is written itself, as a name may be an address or a token. */
export type Verdict = { readonly kind: NameKind; readonly name: string }

export type Judge = (name: string) => Verdict

/** Names whose verdict is remembered; an app has a few hundred. A flood of new ones only makes it forget. */
const NAMES_MAX = 2_000
/** Names longer than this are not remembered. */
const NAME_CHARS_MAX = 128

/** Judges names, each once. Without `mask` a user's id is a value like any other. */
export function createJudge(mask: HashIdentity | undefined): Judge {
  const verdicts = new Map<string, Verdict>()

  return function judge(name) {
    const known = verdicts.get(name)
    if (known !== undefined) return known
    const kind = kindOfName(name)
    const verdict: Verdict = { kind: kind === 'identity' && mask === undefined ? 'plain' : kind, name: redactText(name, mask) }
    if (verdicts.size >= NAMES_MAX) verdicts.clear()
    if (name.length <= NAME_CHARS_MAX) verdicts.set(name, verdict)
    return verdict
  }
}
