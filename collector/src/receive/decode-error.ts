/** The body is no OTLP request; the message says what is wrong and where. The sender gets it with a 400. */
export class DecodeError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'DecodeError'
  }
}
