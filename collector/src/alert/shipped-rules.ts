/** `alerts.yaml` of the package: what holds where no other file is named. */
export const SHIPPED_RULES = `rules:
  - name: High Error Rate
    condition: error_rate > 0.05
    severity: warning
    channels: [email, slack]
    annotations:
      summary: "{{ error_rate | percent }} of the requests fail"
  - name: Critical Error Rate
    condition: error_rate > 0.10
    severity: critical
    channels: [email, slack]
    annotations:
      summary: "{{ error_rate | percent }} of the requests fail"
  - name: Queue Too Long
    condition: queue_length > 100
    severity: warning
    channels: [slack]
    annotations:
      summary: "{{ queue_length }} jobs wait"
`
