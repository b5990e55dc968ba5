import type { Send } from '../../../src/wire/outcome.ts'
import type { Alert, Labels, Notification } from '../notification.ts'
import { isoTime } from '../readable.ts'
import { deliver } from './answer.ts'
import { createPost, type Outside } from './post.ts'

export type AlertmanagerOptions = {
  /** Where Alertmanager is, with the path it is served under, if any. */
  readonly url: URL
  /** Shown as `Authorization: Bearer …`. */
  readonly token?: string | undefined
  readonly ca?: string | undefined
}

/**
 * Alertmanager ends what it is not told of again; ours is told again when it repeats: after a day at the most, at the look that comes then,
 * within the 15 minutes for which a delivery is tried. What we are not there to repeat ends after this.
 */
const FIRING_MS_MAX = 25 * 60 * 60_000
/** Nobody ends a test. */
const TEST_MS_MAX = 5 * 60_000

/** Hands alerts to a real Alertmanager (API v2), which then does the routing. Telling it twice changes nothing. Throws when the guard forbids the address. */
export function createAlertmanager({ url, token, ca }: AlertmanagerOptions, outside: Outside): Send<Notification> {
  const target = new URL(url)
  target.pathname = `${url.pathname.replace(/\/+$/, '')}/api/v2/alerts`
  const post = createPost(target, outside, ca)
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }

  return async function sendToAlertmanager({ alerts, atMs, test }, signal) {
    const body = JSON.stringify(alerts.flatMap((alert) => withFormer(alert, atMs)).map((alert) => toPostableAlert(alert, { atMs, test })))
    return await deliver(post, { body, headers }, signal)
  }
}

/** Alertmanager knows an alert by its labels: what was told with others has ended. */
function withFormer({ formerLabels, ...alert }: Alert, atMs: number): readonly Alert[] {
  if (formerLabels === undefined) return [alert]
  return [alert, { ...alert, status: 'resolved', labels: formerLabels, endsAtMs: Math.max(atMs, alert.startsAtMs) }]
}

type Told = { readonly atMs: number; readonly test: boolean }

function toPostableAlert({ status, labels, annotations, startsAtMs, endsAtMs }: Alert, { atMs, test }: Told) {
  const firingEndMs = atMs + (test ? TEST_MS_MAX : FIRING_MS_MAX)
  const endMs = status === 'firing' ? firingEndMs : (endsAtMs ?? atMs)
  return {
    // Alertmanager knows an alert by its labels: a test must not become one with the real one.
    labels: withValidNames(test ? { ...labels, test: 'true' } : labels),
    annotations: withValidNames(annotations),
    startsAt: isoTime(startsAtMs),
    // An end before the start is refused.
    endsAt: isoTime(Math.max(endMs, startsAtMs)),
  }
}

/** The names that Prometheus knows: `http.route` becomes `http_route`. */
function withValidNames(labels: Labels): Labels {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => [name.replace(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d|$)/, '_'), value.toWellFormed()]),
  )
}
