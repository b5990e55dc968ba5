/** What Gemini's speech models return: 16-bit little-endian mono PCM at 24 kHz. */
export const SAMPLE_RATE_HZ = 24_000
export const BYTES_PER_SECOND = SAMPLE_RATE_HZ * 2

/** The voices that Gemini names itself; a `voice_…` id of the extended library is allowed as well. */
export const VOICES: readonly string[] = (
  'Zephyr Puck Charon Kore Fenrir Leda Orus Aoede Callirrhoe Autonoe Enceladus Iapetus Umbriel Algieba Despina Erinome Algenib ' +
  'Rasalgethi Laomedeia Achernar Alnilam Schedar Gacrux Pulcherrima Achird Zubenelgenubi Vindemiatrix Sadachbia Sadaltager Sulafat'
).split(' ')

/** What a voice is to say. */
export type Tone = {
  readonly voice: string
  readonly seconds: number
  /** Peak sample value, at most 32,767. */
  readonly amplitude: number
  /** Semitones by which the pitch has risen at the end: 0 is a steady voice. */
  readonly driftSemitones: number
}

const LOWEST_PITCH_HZ = 165
const SYLLABLES_PER_SECOND = 4
const FADE_SECONDS = 0.05

/** Audible stand-in for speech: a tone whose pitch is the voice's own, swelling like syllables, faded in and out so that nothing clicks. */
export function synthesize({ voice, seconds, amplitude, driftSemitones }: Tone): Buffer {
  const samples = Math.round(seconds * SAMPLE_RATE_HZ)
  const pcm = Buffer.alloc(samples * 2)
  const pitchHz = pitchOf(voice)
  let phase = 0
  for (let i = 0; i < samples; i++) {
    phase += (2 * Math.PI * pitchHz * 2 ** ((driftSemitones * i) / samples / 12)) / SAMPLE_RATE_HZ
    pcm.writeInt16LE(Math.round(amplitude * envelope(i, samples) * Math.sin(phase)), i * 2)
  }
  return pcm
}

function pitchOf(voice: string): number {
  const index = VOICES.findIndex((name) => name.toLowerCase() === voice.toLowerCase())
  return LOWEST_PITCH_HZ * 2 ** (Math.max(index, 0) / 12)
}

function envelope(sample: number, samples: number): number {
  const second = sample / SAMPLE_RATE_HZ
  const edge = Math.min(1, second / FADE_SECONDS, (samples - sample) / SAMPLE_RATE_HZ / FADE_SECONDS)
  return edge * (0.6 - 0.4 * Math.cos(2 * Math.PI * SYLLABLES_PER_SECOND * second))
}

/** Puts the 44-byte RIFF header in front of PCM; http://soundfile.sapp.org/doc/WaveFormat/ */
export function toWav(pcm: Buffer): Buffer {
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36 + pcm.length, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20) // PCM
  header.writeUInt16LE(1, 22) // mono
  header.writeUInt32LE(SAMPLE_RATE_HZ, 24)
  header.writeUInt32LE(BYTES_PER_SECOND, 28)
  header.writeUInt16LE(2, 32) // bytes in a frame
  header.writeUInt16LE(16, 34) // bits in a sample
  header.write('data', 36)
  header.writeUInt32LE(pcm.length, 40)
  return Buffer.concat([header, pcm])
}
