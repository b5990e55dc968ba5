import type { HealthCheck } from './check.ts'

/** What is used of a `GoogleGenAI` client, for the Gemini API and Vertex AI alike. */
export type GeminiClient = {
  readonly models: {
    list(parameters: {
      config: { pageSize: number; abortSignal: AbortSignal; httpOptions: { retryOptions: { attempts: number } } }
    }): Promise<unknown>
  }
}

/**
 * Lists one model: free of charge, and wants the same key and the same network as speech does. Never asks for speech.
 * https://ai.google.dev/api/models#method:-models.list
 */
export function geminiCheck(client: GeminiClient): HealthCheck {
  return async function checkGemini({ signal }) {
    // The check itself is repeated soon enough; retries would go on behind its limit.
    const httpOptions = { retryOptions: { attempts: 1 } }
    await client.models.list({ config: { pageSize: 1, abortSignal: signal, httpOptions } })
  }
}
