import type { Answer } from './client.ts'
import { field, textField } from './json.ts'

/** What only Elasticsearch (7.14 and later) says of itself. https://www.elastic.co/guide/en/elasticsearch/client/javascript-api/current/changelog-client.html */
const PRODUCT = 'Elasticsearch'
const MAJORS = ['8', '9']

/** Why the server that gave this answer to `GET /` cannot be used; undefined when it can. */
export function productProblem({ status, product, body }: Answer): string | undefined {
  const version = field(body, 'version')
  const number = textField(version, 'number')
  if (product !== PRODUCT)
    return `the server is ${nameOf(version, number, status)}, not Elasticsearch. Set ELASTICSEARCH_URL to an Elasticsearch 8 or 9`
  if (MAJORS.includes(number.split('.', 1)[0]!)) return undefined
  return `the server is Elasticsearch ${number || 'of an unknown version'}, and only 8 and 9 are supported`
}

function nameOf(version: unknown, number: string, status: number): string {
  const distribution = textField(version, 'distribution')
  if (distribution === 'opensearch') return `OpenSearch ${number}`
  if (number !== '') return `something that answers like an old Elasticsearch (${number})`
  return `something else (it answered ${status} without X-Elastic-Product)`
}
