/** A name of another form comes from a caller's mistake, and every new one would be a new time series. */
const MODEL_NAME = /^[\w][\w./:-]{0,63}$/

/** The model as a metric's label: its name, or `other` for what is none. */
export function modelLabel(model: string): string {
  return MODEL_NAME.test(model) ? model : 'other'
}
