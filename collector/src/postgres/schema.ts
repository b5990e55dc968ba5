import { ADVISORY_LOCK } from './advisory-lock.ts'
import { dropMove } from './mover.ts'
import type { Database, Queryable } from './queryable.ts'
import { LOGS, METRIC_POINTS, SPANS } from './rows.ts'

/** The database was migrated by a newer collector; writing to it could lose what that one added. */
export class SchemaTooNewError extends Error {
  constructor(found: number, known: number) {
    super(
      `The database has schema version ${found}, this collector knows ${known}. ` +
        'Start the newer collector that made it, or give this one another database (DATABASE_URL or COLLECTOR_DATA_DIR).',
    )
    this.name = 'SchemaTooNewError'
  }
}

/**
 * Every version of the schema, oldest first; the position is the version. Never edited after a release: a change is a new entry.
 *
 * The keys hold the partition's time because PostgreSQL demands it; the time comes from the record alone, so a record
 * that is sent again meets its own row. `dead_letters` is kept by arrival and has few rows: one plain table.
 */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE logs (
      id uuid NOT NULL,
      timestamp timestamptz NOT NULL,
      level text NOT NULL,
      severity smallint NOT NULL,
      message text NOT NULL,
      metadata jsonb NOT NULL,
      source text NOT NULL,
      request_id text,
      user_id text,
      trace_id text,
      span_id text,
      service text NOT NULL,
      instance_id text NOT NULL,
      event_name text,
      resource jsonb NOT NULL,
      PRIMARY KEY (timestamp, id)
    ) PARTITION BY RANGE (timestamp)`,
    'CREATE INDEX logs_time ON logs USING brin (timestamp)',
    'CREATE INDEX logs_request_id ON logs (request_id, timestamp) WHERE request_id IS NOT NULL',
    'CREATE INDEX logs_user_id ON logs (user_id, timestamp) WHERE user_id IS NOT NULL',
    'CREATE INDEX logs_trace_id ON logs (trace_id, timestamp) WHERE trace_id IS NOT NULL',
    'CREATE INDEX logs_errors ON logs (timestamp) WHERE severity >= 17',
    'CREATE TABLE logs_default PARTITION OF logs DEFAULT',

    `CREATE TABLE spans (
      trace_id text NOT NULL,
      span_id text NOT NULL,
      parent_span_id text,
      start_time timestamptz NOT NULL,
      duration_ns bigint NOT NULL,
      name text NOT NULL,
      kind smallint NOT NULL,
      status_code smallint NOT NULL,
      status_message text NOT NULL,
      attributes jsonb NOT NULL,
      events jsonb NOT NULL,
      links jsonb NOT NULL,
      request_id text,
      user_id text,
      service text NOT NULL,
      instance_id text NOT NULL,
      scope text NOT NULL,
      resource jsonb NOT NULL,
      PRIMARY KEY (start_time, trace_id, span_id)
    ) PARTITION BY RANGE (start_time)`,
    'CREATE INDEX spans_time ON spans USING brin (start_time)',
    'CREATE INDEX spans_trace_id ON spans (trace_id, start_time, span_id)',
    'CREATE INDEX spans_request_id ON spans (request_id, start_time) WHERE request_id IS NOT NULL',
    'CREATE INDEX spans_user_id ON spans (user_id, start_time) WHERE user_id IS NOT NULL',
    'CREATE INDEX spans_errors ON spans (start_time) WHERE status_code = 2',
    'CREATE TABLE spans_default PARTITION OF spans DEFAULT',

    `CREATE TABLE metric_points (
      series uuid NOT NULL,
      start_time timestamptz NOT NULL,
      time timestamptz NOT NULL,
      name text NOT NULL,
      unit text NOT NULL,
      type text NOT NULL,
      temporality text NOT NULL,
      monotonic boolean NOT NULL,
      attributes jsonb NOT NULL,
      value float8,
      count float8,
      sum float8,
      distribution jsonb,
      service text NOT NULL,
      instance_id text NOT NULL,
      scope text NOT NULL,
      resource jsonb NOT NULL,
      PRIMARY KEY (time, series, start_time)
    ) PARTITION BY RANGE (time)`,
    'CREATE INDEX metric_points_time ON metric_points USING brin (time)',
    'CREATE INDEX metric_points_name ON metric_points (name, series, start_time, time)',
    'CREATE TABLE metric_points_default PARTITION OF metric_points DEFAULT',

    `CREATE TABLE dead_letters (
      id uuid PRIMARY KEY,
      arrived timestamptz NOT NULL DEFAULT now(),
      signal text NOT NULL,
      code text NOT NULL,
      reason text NOT NULL,
      record text NOT NULL
    )`,
    'CREATE INDEX dead_letters_arrived ON dead_letters (arrived)',
  ],
  [
    `CREATE TABLE reads (
      id uuid PRIMARY KEY,
      time timestamptz NOT NULL,
      reader text NOT NULL,
      address text NOT NULL,
      path text NOT NULL,
      filter jsonb NOT NULL,
      status integer NOT NULL,
      rows integer NOT NULL,
      duration_ms float8 NOT NULL
    )`,
    'CREATE INDEX reads_time ON reads (time)',
    createView(
      'requests',
      `SELECT request_id, user_id, start_time, duration_ns / 1e6::float8 AS duration_ms, attributes ->> 'tts.outcome' AS outcome,
        attributes ->> 'tts.voice' AS voice, attributes ->> 'tts.language' AS language, attributes ->> 'tts.model' AS model,
        ${number('tts.input.characters')} AS characters, ${number('tts.audio.duration')} AS audio_seconds,
        ${number('tts.cost.estimated_usd')} AS estimated_cost_usd, status_code = 2 AS failed, status_message, trace_id, service
      FROM spans WHERE name = 'tts_request'`,
    ),
    createView(
      'errors',
      `SELECT timestamp, level, message, source, request_id, user_id, trace_id, service, metadata FROM logs WHERE severity >= 17`,
    ),
  ],
  [
    `CREATE TABLE alert_records (
      kind text NOT NULL,
      key text NOT NULL,
      seq bigint GENERATED ALWAYS AS IDENTITY,
      body text NOT NULL,
      PRIMARY KEY (kind, key)
    )`,
  ],
]

/** For people: their rights and row-level security hold in it, which a view has from PostgreSQL 15 on. */
function createView(name: string, query: string): string {
  return `DO $do$ BEGIN EXECUTE 'CREATE VIEW ${name} '
    || CASE WHEN current_setting('server_version_num')::integer >= 150000 THEN 'WITH (security_invoker = true) ' ELSE '' END
    || $query$AS ${query}$query$; END $do$`
}

/** An attribute may hold anything, which must not break a view. */
function number(attribute: string): string {
  return `CASE jsonb_typeof(attributes -> '${attribute}') WHEN 'number' THEN (attributes ->> '${attribute}')::float8 END`
}

/**
 * Brings the database to the newest schema, all of it or nothing. Collectors that start together take turns.
 * Throws {@link SchemaTooNewError}, or the database's own error.
 */
export async function migrate(database: Database): Promise<void> {
  await database.transaction(async (tx) => {
    // PGlite has one connection, and that is held already.
    if (database.kind === 'postgres') await lockSchema(tx)
    const version = await schemaVersion(tx)
    if (version > MIGRATIONS.length) throw new SchemaTooNewError(version, MIGRATIONS.length)
    if (version > 0 && version < MIGRATIONS.length) for (const table of [LOGS, SPANS, METRIC_POINTS]) await dropMove(tx, table)
    for (const [index, statements] of MIGRATIONS.entries()) {
      if (index < version) continue
      for (const statement of statements) await tx.query(statement)
      await tx.query('INSERT INTO schema_version (version) VALUES ($1)', [index + 1])
    }
  })
}

async function schemaVersion(tx: Queryable): Promise<number> {
  await tx.query('CREATE TABLE IF NOT EXISTS schema_version (version integer PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())')
  return await versionOf(tx)
}

async function versionOf(database: Queryable): Promise<number> {
  const { rows } = await database.query<{ version: number }>('SELECT coalesce(max(version), 0) AS version FROM schema_version')
  return rows[0]!.version
}

/** Until the end of the transaction nobody else changes tables or rights. */
export async function lockSchema(tx: Queryable): Promise<void> {
  await tx.query('SELECT pg_advisory_xact_lock($1)', [ADVISORY_LOCK.schema])
}

/** For who works on the tables without making them. Rejects when a collector of another version made them, or none yet. */
export async function requireSchema(database: Queryable): Promise<void> {
  const { rows } = await database.query<{ exists: boolean }>("SELECT to_regclass('schema_version') IS NOT NULL AS exists")
  if (!rows[0]!.exists) throw new Error('The database holds no telemetry: no collector has been started on it yet')
  const found = await versionOf(database)
  if (found > MIGRATIONS.length) throw new SchemaTooNewError(found, MIGRATIONS.length)
  if (found < MIGRATIONS.length)
    throw new Error(
      `The database has schema version ${found}, this is for ${MIGRATIONS.length}. Start a collector of this version on it first`,
    )
}
