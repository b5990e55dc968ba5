// In the repository: `node --import ./register.js app.js`. Installed, the name is tts-otel/register.
import './dist/register.js'
