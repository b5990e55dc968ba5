import { refusalOf } from './refusal.ts'
import type { TemplateOptions } from './template.ts'

/**
 * Says so when there is no life-cycle policy of the name that the day indexes are given: Elasticsearch takes such a template, and then
 * nothing ever removes an old day. Holds up nothing. Throws when the server does not answer.
 */
export async function checkPolicy({ client, ilmPolicy, warn }: Omit<TemplateOptions, 'prefix'>, signal: AbortSignal): Promise<void> {
  if (ilmPolicy === undefined) return
  const answer = await client.ask({ method: 'GET', path: `/_ilm/policy/${encodeURIComponent(ilmPolicy)}`, signal })
  if (answer.status === 404)
    warn(
      `Elasticsearch has no life-cycle policy ${ilmPolicy}: nothing removes old log records until there is one. ` +
        `Make it with PUT _ilm/policy/${ilmPolicy}, or correct ELASTICSEARCH_ILM_POLICY; without that variable the collector removes them.`,
    )
  else if (answer.status >= 300)
    warn(`${refusalOf(answer, `to show the life-cycle policy ${ilmPolicy}`).message}. Nobody knows whether there is one.`)
}
