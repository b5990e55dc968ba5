import type { FollowedFiles } from './follow-files.ts'
import { createTokens, parseTokens, type TokenCheck } from './token.ts'

/** Bearer tokens that let in, and the file they came from. None: whoever reaches the port. */
export type TokenConfig = { readonly tokens: readonly string[]; readonly file: string | undefined }

export type AccessConfig = {
  /** Who may send. */
  readonly ingest: TokenConfig
  /** Who may read. */
  readonly read: TokenConfig
}

export type Access = {
  readonly checkSender: TokenCheck
  /** undefined: nobody may read. */
  readonly checkReader: TokenCheck | undefined
  /** The files of tokens, for {@link followFiles}. */
  readonly files: readonly FollowedFiles[]
}

export type AccessOptions = {
  /** Other machines can reach the port. */
  readonly reachable: boolean
  /** Every connection shows a client certificate that we trust. */
  readonly mutualTls: boolean
}

/** Shorter tokens can be guessed by whoever reaches the port: 16 random letters and digits are 80 bits or more. */
const CHARACTERS_MIN = 16

/**
 * What is wrong with these tokens, one sentence each. Where other machines reach the port there must be one for sending, and
 * none may be short; sending and reading never share one.
 */
export function judgeTokens({ ingest, read }: AccessConfig, { reachable, mutualTls }: AccessOptions): string[] {
  const problems: string[] = []
  if (reachable && !mutualTls && ingest.tokens.length === 0)
    problems.push(
      'Other machines can reach COLLECTOR_LISTEN, but there is no INGEST_TOKEN: anybody could send. ' +
        'Set INGEST_TOKEN (or INGEST_TOKEN_FILE), ask for client certificates (COLLECTOR_TLS_CLIENT_CA), or listen on 127.0.0.1',
    )
  if (ingest.tokens.some((token) => read.tokens.includes(token)))
    problems.push('INGEST_TOKEN and READ_TOKEN have a token in common: whoever may send could read. Make two, with openssl rand -hex 32')
  if (reachable)
    for (const [name, { tokens }] of [['INGEST_TOKEN', ingest] as const, ['READ_TOKEN', read] as const])
      if (tokens.some((token) => token.length < CHARACTERS_MIN))
        problems.push(
          `${name} has a token of fewer than ${CHARACTERS_MIN} characters, which other machines could guess. Make one with openssl rand -hex 32`,
        )
  return problems
}

/**
 * Lets in by token, apart for sending and reading. Where other machines reach the port and there is no token for reading,
 * nobody reads. Tokens from a file change with it; a file that holds wrong ones changes nothing.
 */
export function createAccess(config: AccessConfig, options: AccessOptions): Access {
  let current = config
  const tokens = { ingest: createTokens(config.ingest.tokens), read: createTokens(config.read.tokens) }
  const closed = options.reachable && config.read.tokens.length === 0

  function follow(kind: keyof AccessConfig): readonly FollowedFiles[] {
    const { file } = config[kind]
    if (file === undefined) return []
    return [{ name: VARIABLES[kind], paths: [file], apply: ([text = '']) => apply(kind, text) }]
  }

  function apply(kind: keyof AccessConfig, text: string): string | undefined {
    const found = parseTokens(text)
    if (found === undefined) throw new Error('it does not hold tokens of visible ASCII characters, one a line')
    const next = { ...current, [kind]: { ...current[kind], tokens: found } }
    const [problem] = judgeTokens(next, options)
    if (problem !== undefined) throw new Error(problem)
    const isNew = String(found) !== String(current[kind].tokens)
    current = next
    tokens[kind].replace(found)
    return isNew ? `${found.length} ${found.length === 1 ? 'token holds' : 'tokens hold'} from now on` : undefined
  }

  return {
    checkSender: tokens.ingest.check,
    checkReader: closed ? undefined : tokens.read.check,
    files: [...follow('ingest'), ...follow('read')],
  }
}

const VARIABLES = { ingest: 'INGEST_TOKEN_FILE', read: 'READ_TOKEN_FILE' } as const
