/** True for an address that only this machine can reach. */
export function isLoopback(address: string): boolean {
  return address === '::1' || address === 'localhost' || address.endsWith('.localhost') || /^(::ffff:)?127\.\d+\.\d+\.\d+$/.test(address)
}
