/** The collector as a library: `createCollector(parseCollectorConfig(process.env).config).start()`. */
export { type Collector, type CollectorDeps, createCollector, type Store } from './app.ts'
export { type CollectorConfig, type ParsedCollectorConfig, parseCollectorConfig } from './config.ts'
export { COLLECTOR_SETTINGS } from './settings.ts'
