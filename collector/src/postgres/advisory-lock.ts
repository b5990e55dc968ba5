/** Numbers of advisory locks that no other program on the database takes. Each once: whoever waits for one must not meet somebody who keeps it for another reason. */
export const ADVISORY_LOCK = {
  /** Who changes tables or rights, for the length of a transaction. */
  schema: 7_485_001,
  /** The one collector that evaluates alerts, for as long as it does. */
  alerts: 7_485_003,
  /** Who makes or drops a partition, for the length of a transaction. */
  partitions: 7_485_002,
  /** The one collector that does the hourly round, for as long as that takes. */
  upkeep: 7_485_004,
} as const
