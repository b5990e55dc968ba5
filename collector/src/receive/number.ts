/**
 * The two halves of an OTLP time (ns since 1970, unsigned) as whole µs, without BigInt: exact to the microsecond until 2255.
 *
 * 2^32 = 4,294,967 × 1,000 + 296, so the high half gives its thousands exactly and the rest stays far below 2^53.
 */
export function toMicroseconds(high: number, low: number): number {
  return high * 4_294_967 + Math.floor((high * 296 + low) / 1_000)
}

/** A signed 64-bit integer as a number, or as a decimal string where a double would lose digits. */
export function toInteger(high: number, low: number): number | string {
  if (high < 0x20_0000) return high * 0x1_0000_0000 + low
  if (high >= 0xffe0_0000) return toSignedDouble(high, low)
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)).toString()
}

/** A signed 64-bit integer as the nearest double, for measured values. */
export function toSignedDouble(high: number, low: number): number {
  return (high | 0) * 0x1_0000_0000 + low
}

/** An unsigned 64-bit integer as the nearest double, for counts. */
export function toUnsignedDouble(high: number, low: number): number {
  return high * 0x1_0000_0000 + low
}

/** A protobuf sint32: small numbers of either sign in few bytes. */
export function fromZigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1)
}

/** An enum's number, or 0 (always "unspecified" in OTLP) for one that the specification does not know. */
export function toEnum(value: number, max: number): number {
  return value <= max ? value : 0
}
