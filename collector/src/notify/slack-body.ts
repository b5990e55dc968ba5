import type { AlertSeverity, Notification } from '../notification.ts'
import { type Fact, type Link, type Outline, toOutline } from './outline.ts'

/** Limits of Slack: https://docs.slack.dev/reference/block-kit/blocks/section-block */
const SECTION_CHARS_MAX = 3_000
const FIELD_CHARS_MAX = 2_000
const FIELDS_MAX = 10
const BLOCKS_MAX = 50
/** Of the text outside of the blocks, which Slack cuts itself at 40,000; phones show a line or two. */
const TEXT_CHARS_MAX = 1_000
const LINKS_MAX = 10

const COLORS: Readonly<Record<AlertSeverity, string>> = { info: '#36c5f0', warning: '#ecb22e', error: '#e8710a', critical: '#e01e5a' }
const RESOLVED_COLOR = '#2eb67d'

/**
 * A message for an incoming webhook: the text, which phones show and which is all there is where blocks are not, and one attachment
 * for the bar in the colour of the severity, with what is known in it. Nothing in it can mention a person or a channel.
 */
export function slackBody(notification: Notification): string {
  const outline = toOutline(notification)
  const text = [outline.headline, outline.summary].filter((line) => line !== '').join('\n')
  const color = notification.status === 'resolved' ? RESOLVED_COLOR : COLORS[notification.severity]
  return JSON.stringify({
    text: escapeWithin(text, TEXT_CHARS_MAX),
    attachments: [{ color, blocks: blocksOf(outline).slice(0, BLOCKS_MAX) }],
  })
}

type Text = { readonly type: 'mrkdwn'; readonly text: string }
type Block =
  | { readonly type: 'section'; readonly text?: Text; readonly fields?: readonly Text[] }
  | { readonly type: 'context'; readonly elements: readonly Text[] }

function blocksOf({ description, facts, links, instances, instancesLeft }: Outline): Block[] {
  const left = instancesLeft === 0 ? [] : [`and ${instancesLeft} more`]
  const list = [...instances, ...left].join('\n')
  return [
    ...(description === '' ? [] : [section(description)]),
    ...fieldsOf(facts),
    ...(list === '' ? [] : [section(list)]),
    ...(links.length === 0 ? [] : [{ type: 'section', text: mrkdwn(linkLine(links)) } as const]),
  ]
}

function section(text: string): Block {
  return { type: 'section', text: mrkdwn(escapeWithin(text, SECTION_CHARS_MAX)) }
}

/** Two columns. */
function fieldsOf(facts: readonly Fact[]): Block[] {
  const fields = facts.map(({ name, value }) => {
    const title = `*${escapeWithin(name, 200)}*\n`
    return mrkdwn(title + escapeWithin(value, FIELD_CHARS_MAX - title.length))
  })
  const rows: Block[] = []
  for (let at = 0; at < fields.length; at += FIELDS_MAX) rows.push({ type: 'section', fields: fields.slice(at, at + FIELDS_MAX) })
  return rows
}

/** A link that does not fit is left out: half of one leads nowhere. */
function linkLine(links: readonly Link[]): string {
  let line = ''
  for (const { name, url } of links.slice(0, LINKS_MAX)) {
    const link = `<${escapeText(url).replaceAll('|', '%7C')}|${escapeWithin(name, 100).replaceAll('|', '/')}>`
    if (line.length + link.length + 3 <= SECTION_CHARS_MAX) line += line === '' ? link : ` · ${link}`
  }
  return line === '' ? '–' : line
}

function mrkdwn(text: string): Text {
  return { type: 'mrkdwn', text }
}

/** The three characters that Slack reads as its own: with them escaped no `<!channel>` and no `<@user>` can come of a text. */
function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Escaped, and not longer than `max` then; cut between characters, with an ellipsis. */
function escapeWithin(text: string, max: number): string {
  const whole = escapeText(text)
  if (whole.length <= max) return whole
  let cut = ''
  for (const character of text) {
    const next = escapeText(character)
    if (cut.length + next.length > max - 1) break
    cut += next
  }
  return `${cut}…`
}
