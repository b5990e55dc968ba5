/** The requests and traces that carry a person's id: the rest of them belongs to the person as well. */
export type Trail = { readonly requestIds: ReadonlySet<string>; readonly traceIds: ReadonlySet<string> }

/** How much was removed (or changed), by table or index. */
export type Erased = Readonly<Record<string, number>>

export type EraseOptions = {
  readonly userId: string
  /** Of all stores. */
  readonly trail: Trail
  /** Says how much, and changes nothing. */
  readonly dryRun: boolean
}

/** Removes a person from one store: what carries the id, and what belongs to the same requests and traces and carries no other person's. */
export type Eraser = {
  /** For people. */
  readonly name: string
  readonly findTrail: (userId: string) => Promise<Trail>
  /** Can be done again after a failure. Rejects when something may be left. */
  readonly erase: (options: EraseOptions) => Promise<Erased>
  /** What is known to be left beside the store, which it cannot remove: a sentence each, and when it goes. */
  readonly remains: (options: Pick<EraseOptions, 'userId' | 'trail'>) => Promise<readonly string[]>
}

/** JSON that a record with this person's id has in it, as the stores write it. */
export function userIdInJson(userId: string): readonly string[] {
  const text = `"user_id":${JSON.stringify(userId)}`
  // A whole number is an id as well, and what ends it tells it from a longer one.
  return /^-?\d{1,16}$/.test(userId) ? [text, `"user_id":${userId},`, `"user_id":${userId}}`] : [text]
}
