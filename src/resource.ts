import { hostname } from 'node:os'
import { isMainThread, threadId } from 'node:worker_threads'
import { SDK_INFO } from '@opentelemetry/core'
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources'
import type { Config } from './config.ts'
import type { Redactor } from './log/redact.ts'

/** Version of this package, as `telemetry.distro.version` tells it. */
export const VERSION = '0.1.0'

/** Semantic conventions: https://opentelemetry.io/docs/specs/semconv/resource/ */
const SERVICE_INSTANCE_ID = 'service.instance.id'

/**
 * Who sends: the same for all signals of this thread. `OTEL_RESOURCE_ATTRIBUTES` wins over what is found out here, and
 * `OTEL_SERVICE_NAME` over both. Redacted, because tokens have been seen in deployment attributes.
 */
export function createResource({ hostName, resourceAttributes, serviceName }: Config, redactor: Redactor): Resource {
  const given = resourceAttributes[SERVICE_INSTANCE_ID]
  const found = {
    'service.name': `unknown_service:${process.release.name}`,
    'process.pid': process.pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    'telemetry.distro.name': 'tts-otel',
    'telemetry.distro.version': VERSION,
    'telemetry.sdk.name': SDK_INFO['telemetry.sdk.name'],
    'telemetry.sdk.language': SDK_INFO['telemetry.sdk.language'],
    'telemetry.sdk.version': SDK_INFO['telemetry.sdk.version'],
    [SERVICE_INSTANCE_ID]: cheapUuid(),
  }
  const told = {
    'host.name': hostName ?? hostname(),
    ...resourceAttributes,
    ...(serviceName === undefined ? {} : { 'service.name': serviceName }),
    ...(given === undefined ? {} : { [SERVICE_INSTANCE_ID]: instanceId(given) }),
  }
  return resourceFromAttributes({ ...found, ...redactor.attributes(told) })
}

/** Counters of two threads under one id would look like one counter that jumps, so a worker extends an id that was given to the process. */
function instanceId(given: string): string {
  return isMainThread ? given : `${given}-${threadId}`
}

/** A UUIDv4 of the quality that the SDK's trace ids have; `node:crypto` would take 5 ms of every start. */
function cheapUuid(): string {
  return 'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replaceAll('x', () => Math.floor(Math.random() * 16).toString(16))
}
