/** Gemini's prebuilt voices. More than 2,000 others exist, and customers clone their own. https://ai.google.dev/gemini-api/docs/speech-generation#voices */
const PREBUILT =
  'Zephyr Puck Charon Kore Fenrir Leda Orus Aoede Callirrhoe Autonoe Enceladus Iapetus Umbriel Algieba Despina Erinome Algenib ' +
  'Rasalgethi Laomedeia Achernar Alnilam Schedar Gacrux Pulcherrima Achird Zubenelgenubi Vindemiatrix Sadachbia Sadaltager Sulafat'

const BY_LOWER_CASE: ReadonlyMap<string, string> = new Map(PREBUILT.split(' ').map((name) => [name.toLowerCase(), name]))

/** The voice as a metric's label: a prebuilt one by its name, every other one `custom`, so that cloned voices do not multiply the time series. */
export function voiceLabel(voice: string): string {
  return BY_LOWER_CASE.get(voice.toLowerCase()) ?? 'custom'
}
