/** Whether the store takes data now, and why not. */
export type Readiness = { readonly ready: true } | { readonly ready: false; readonly reason: string }
