import { ALERT_SEVERITIES, type AlertSeverity } from '../notification.ts'

/** 0 for the mildest. */
export function rankOf(severity: AlertSeverity): number {
  return ALERT_SEVERITIES.indexOf(severity)
}

/** The worst of them; `info` of none. */
export function worstOf(severities: readonly AlertSeverity[]): AlertSeverity {
  return severities.reduce((worst, severity) => (rankOf(severity) > rankOf(worst) ? severity : worst), 'info')
}
