import { dayRange, idOf, limitLockWaits, lockDays, type Partitioned, partitionName, standingDays } from './day-partition.ts'
import type { Database, Queryable } from './queryable.ts'

export type MoverOptions = {
  /** Owner of the tables. */
  readonly admin: Database
  readonly table: Partitioned
  /** Rows that one statement copies. */
  readonly stepRows: number
}

export type Mover = {
  /**
   * Gives these days (days since 1970) their partitions, with their rows out of the default partition. A move that another process has
   * begun is brought to its end with its own days. False when `signal` came first, or another collector; what is copied stays copied.
   * Rejects with SQLSTATE 55P03 when somebody else holds a lock for too long: call it again another time.
   */
  move(days: readonly number[], signal: AbortSignal): Promise<boolean>
  /** Whether a move was begun, by whomever, and has not ended. */
  isUnderWay(): Promise<boolean>
}

/**
 * For days whose rows in the default partition are too many for one statement:
 * ```
 *  logs_default ──► copied step by step ──► logs_moving ─┬─ logs_20261122, …     which nobody reads yet
 *       │                                       ▲        └─ logs_moving_default
 *       └── what comes or goes meanwhile ───────┘  by trigger
 *
 *  at the end, in one short transaction: logs_default is dropped, the partitions of logs_moving become those of logs
 * ```
 * So each row can be read all the time, and once. A process or a server that is killed leaves the rows where they are, and a copy that the
 * next one completes. Until then rows of the default partition are written twice and take twice their room.
 */
export function createMover(options: MoverOptions): Mover {
  const { admin } = options
  const names = namesOf(options.table)
  /** Of which copy, and the key up to which rows are in it. */
  let progress: { readonly copy: string; after: readonly string[] | undefined } = { copy: '', after: undefined }

  return {
    async move(days, signal) {
      const copy = await admin.transaction((tx) => begin(tx, { ...options, names, days }))
      if (progress.copy !== copy) progress = { copy, after: undefined }
      for (;;) {
        if (signal.aborted) return false
        const last = await copyStep({ ...options, names, after: progress.after })
        if (last === undefined) return await admin.transaction((tx) => finish(tx, { ...options, names, copy }))
        progress.after = last
      }
    },
    async isUnderWay() {
      return (await idOf(admin, names.copy)) !== undefined
    },
  }
}

/** Forgets a move that is under way: its copy has the shape that the table had. The rows are in the default partition still. */
export async function dropMove(tx: Queryable, table: Partitioned): Promise<void> {
  const { copy } = namesOf(table)
  await tx.query(`DROP FUNCTION IF EXISTS ${copy}() CASCADE`)
  await tx.query(`DROP TABLE IF EXISTS ${copy}`)
}

type Names = { readonly default: string; readonly copy: string; readonly copyDefault: string }

function namesOf({ name }: Partitioned): Names {
  return { default: `${name}_default`, copy: `${name}_moving`, copyDefault: `${name}_moving_default` }
}

type Context = MoverOptions & { readonly names: Names }

/** Makes the empty copy and the trigger that keeps it true. Returns which copy it is. */
async function begin(tx: Queryable, { admin, table, names, days }: Context & { readonly days: readonly number[] }): Promise<string> {
  await lockDays(tx, admin)
  const existing = await idOf(tx, names.copy)
  if (existing !== undefined) return existing
  await limitLockWaits(tx)
  await tx.query(`CREATE TABLE ${names.copy} (LIKE ${table.name} INCLUDING ALL) PARTITION BY RANGE (${table.time})`)
  await tx.query(`CREATE TABLE ${names.copyDefault} PARTITION OF ${names.copy} DEFAULT`)
  for (const day of days) {
    const { from, to } = dayRange(day)
    const partition = partitionName(table, day)
    await tx.query(`CREATE TABLE ${partition} PARTITION OF ${names.copy} FOR VALUES FROM ('${from}') TO ('${to}')`)
    // Spares the last transaction looking at each row.
    await tx.query(
      `ALTER TABLE ${partition} ADD CONSTRAINT ${OF_ONE_DAY} CHECK (${table.time} IS NOT NULL AND ${table.time} >= '${from}' AND ${table.time} < '${to}')`,
    )
  }
  await tx.query(await mirrorFunction(tx, table, names))
  // Waits for those who write: whatever is in the default partition from here on is seen by the copying or by the trigger.
  const run = `EXECUTE FUNCTION ${names.copy}()`
  await tx.query(`CREATE TRIGGER mirror AFTER INSERT OR UPDATE OR DELETE ON ${names.default} FOR EACH ROW ${run}`)
  await tx.query(`CREATE TRIGGER mirror_truncate AFTER TRUNCATE ON ${names.default} ${run}`)
  return (await idOf(tx, names.copy))!
}

const OF_ONE_DAY = 'of_one_day'

/** Runs with the rights of the owner, as who writes has none on the copy; so each name in it has its schema. */
async function mirrorFunction(tx: Queryable, { key }: Partitioned, { copy }: Names): Promise<string> {
  const { rows } = await tx.query<{ schema: string }>('SELECT quote_ident(current_schema()) AS schema')
  const target = `${rows[0]!.schema}.${copy}`
  const isOld = key.map((column) => `${column} = OLD.${column}`).join(' AND ')
  return `CREATE FUNCTION ${copy}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $do$
    BEGIN
      IF TG_OP = 'TRUNCATE' THEN TRUNCATE ${target}; END IF;
      IF TG_OP IN ('DELETE', 'UPDATE') THEN DELETE FROM ${target} WHERE ${isOld}; END IF;
      IF TG_OP IN ('INSERT', 'UPDATE') THEN INSERT INTO ${target} SELECT NEW.* ON CONFLICT DO NOTHING; END IF;
      RETURN NULL;
    END $do$`
}

/**
 * Copies the next rows in the order of the key, which holds whatever becomes of the table's pages. Returns the last key; undefined
 * when there are no more. Rows are locked until they are in the copy: one that is deleted at this moment must not come back by it.
 * A lock that somebody has is not waited for, as who deletes rows in another order would wait for ours.
 */
async function copyStep({
  admin,
  table: { key },
  names,
  stepRows,
  after,
}: Context & { readonly after: readonly string[] | undefined }): Promise<readonly string[] | undefined> {
  const columns = key.join(', ')
  const beyond = after === undefined ? 'true' : `(${columns}) > (${after.map((_, index) => `$${index + 1}`).join(', ')})`
  const { rows } = await admin.query<{ last: readonly string[] }>(
    `WITH step AS (
       SELECT * FROM ${names.default} WHERE ${beyond} ORDER BY ${columns} LIMIT ${stepRows} FOR KEY SHARE NOWAIT
     ), copied AS (
       INSERT INTO ${names.copy} SELECT * FROM step ON CONFLICT DO NOTHING
     )
     SELECT ARRAY[${key.map((column) => `${column}::text`).join(', ')}] AS last FROM step
     ORDER BY ${key.map((column) => `step.${column} DESC`).join(', ')} LIMIT 1`,
    after,
  )
  return rows[0]?.last
}

/** False when it is no longer this copy: another collector has finished it. */
async function finish(tx: Queryable, { admin, table, names, copy }: Context & { readonly copy: string }): Promise<boolean> {
  await lockDays(tx, admin)
  if ((await idOf(tx, names.copy)) !== copy) return false
  await limitLockWaits(tx)
  await tx.query(`LOCK TABLE ONLY ${table.name} IN ACCESS EXCLUSIVE MODE`)
  await tx.query(`ALTER TABLE ${table.name} DETACH PARTITION ${names.default}`)
  await tx.query(`DROP TABLE ${names.default}`)
  await tx.query(`DROP FUNCTION ${names.copy}()`)
  for (const day of await standingDays(tx, names.copy)) {
    const partition = partitionName(table, day)
    const { from, to } = dayRange(day)
    await tx.query(`ALTER TABLE ${names.copy} DETACH PARTITION ${partition}`)
    await tx.query(`ALTER TABLE ${table.name} ATTACH PARTITION ${partition} FOR VALUES FROM ('${from}') TO ('${to}')`)
    await tx.query(`ALTER TABLE ${partition} DROP CONSTRAINT ${OF_ONE_DAY}`)
  }
  await tx.query(`ALTER TABLE ${names.copy} DETACH PARTITION ${names.copyDefault}`)
  await tx.query(`ALTER TABLE ${table.name} ATTACH PARTITION ${names.copyDefault} DEFAULT`)
  await tx.query(`ALTER TABLE ${names.copyDefault} RENAME TO ${names.default}`)
  await tx.query(`DROP TABLE ${names.copy}`)
  return true
}
