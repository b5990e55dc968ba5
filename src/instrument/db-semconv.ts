/** Database names of the stable semantic conventions, and what every database client shares. https://opentelemetry.io/docs/specs/semconv/db/ */
export const DB_SYSTEM_NAME = 'db.system.name'
/** String. PostgreSQL: the database of the connection. Redis: the index of the database, as text. */
export const DB_NAMESPACE = 'db.namespace'
/** String. Not set for SQL, where it would have to be taken from the text; there the summary says it. */
export const DB_OPERATION_NAME = 'db.operation.name'
/** Integer, two or more. Commands of one pipeline or transaction. */
export const DB_OPERATION_BATCH_SIZE = 'db.operation.batch.size'
/** String, at most 255 characters. Operations and tables in their order: `SELECT songs artists`. */
export const DB_QUERY_SUMMARY = 'db.query.summary'
/** String. Without any literal. */
export const DB_QUERY_TEXT = 'db.query.text'
/** String. SQLSTATE, or the first word of Redis' error. */
export const DB_RESPONSE_STATUS_CODE = 'db.response.status_code'
/** String. `address:port/database`, because pools have no names. */
export const DB_CLIENT_CONNECTION_POOL_NAME = 'db.client.connection.pool.name'

export const METRIC_DB_OPERATION_DURATION = 'db.client.operation.duration'
export const METRIC_DB_CONNECTION_WAIT_TIME = 'db.client.connection.wait_time'

/** Seconds. https://opentelemetry.io/docs/specs/semconv/db/database-metrics/#metric-dbclientoperationduration */
export const DB_DURATION_BUCKETS_S = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]
