/** One thing that alerts must not forget: JSON text under a kind and a key. */
export type KeptRecord = { readonly kind: string; readonly key: string; readonly text: string }

/** A record that is written; without a text it goes. */
export type RecordChange = Pick<KeptRecord, 'kind' | 'key'> & { readonly text: string | undefined }

/** Records in a database that several collectors share and one of them writes. Each call rejects when the database does not answer. */
export type RecordTable = {
  /** In the order in which they were written first. */
  load(): Promise<readonly KeptRecord[]>
  /**
   * Writes all or nothing, provided that `mayWrite` says so of the record `owner` of the kind `meta` as it stands then.
   * False when it does not: somebody else writes now.
   */
  apply(changes: readonly RecordChange[], mayWrite: (owner: string | undefined) => boolean): Promise<boolean>
}
