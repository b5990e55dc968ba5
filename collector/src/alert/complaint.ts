/** What is wrong with a part of a text: the end of a sentence that begins with the name of the text. */
export type Complaint = {
  readonly message: string
  /** Offsets in the text. */
  readonly start: number
  readonly end: number
}
