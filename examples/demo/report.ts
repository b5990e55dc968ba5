/** Loaded into the API after `register`: at its very end it tells the demo what became of its telemetry. */
import { writeSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { getTelemetryHealth } from 'tts-otel'
import { REPORT_FD } from './child.ts'

if (isMainThread) process.on('exit', () => writeSync(REPORT_FD, JSON.stringify(getTelemetryHealth())))
