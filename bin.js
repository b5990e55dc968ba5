#!/usr/bin/env node
// `npx tts-otel`. An old Node cannot load the bundle and would only show where it stumbled.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major > 22 || (major === 22 && minor >= 15)) await import('./dist/cli/main.js')
else {
  console.error(`tts-otel: Node ${process.versions.node} is too old; install Node 22.15 or newer and run the app with it as well.`)
  process.exitCode = 1
}
