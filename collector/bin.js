#!/usr/bin/env node
// An old Node cannot load the bundle and would only show where it stumbled.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major > 22 || (major === 22 && minor >= 15)) await import('./dist/main.js')
else {
  console.error(`tts-otel-collector: Node ${process.versions.node} is too old; install Node 22.15 or newer.`)
  process.exitCode = 1
}
