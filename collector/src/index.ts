/** The collector as a library: parse a config, create a collector from it, start it. */
export { type Collector, type CollectorDeps, createCollector, type Store } from './app.ts'
export { type CollectorConfig, type ParsedCollectorConfig, parseCollectorConfig } from './config.ts'
export { COLLECTOR_SETTINGS } from './settings.ts'
