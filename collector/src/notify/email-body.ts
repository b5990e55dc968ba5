import type { Fact, Link, Outline } from './outline.ts'

/** Of one text; a mail is read, not searched. */
const TEXT_CHARS_MAX = 10_000

/** The plain-text half of a mail. Its first line is what mail programs show beside the subject. */
export function textBody({ headline, summary, description, facts, links, instances, instancesLeft }: Outline): string {
  const paragraphs = [
    headline,
    summary,
    description,
    facts.map(({ name, value }) => `${name}: ${value}`).join('\n'),
    instanceLines(instances, instancesLeft).join('\n'),
    links.map(({ name, url }) => `${name}: ${url}`).join('\n'),
    FOOTER,
  ]
  return `${paragraphs
    .filter((text) => text !== '')
    .map((text) => text.slice(0, TEXT_CHARS_MAX))
    .join('\n\n')}\n`
}

/** The HTML half: no script, no style sheet, nothing that is loaded; every text escaped. */
export function htmlBody(outline: Outline): string {
  const { headline, summary, description, facts, links, instances, instancesLeft } = outline
  const list = instanceLines(instances, instancesLeft).map((line) => `<li>${escaped(line)}</li>`)
  return [
    '<!doctype html><html><body style="font-family:sans-serif;font-size:14px">',
    `<h2 style="font-size:18px">${escaped(headline)}</h2>`,
    ...[summary, description].flatMap((text) => (text === '' ? [] : [`<p style="white-space:pre-line">${escaped(text)}</p>`])),
    ...(facts.length === 0 ? [] : [`<table>${facts.map(rowOf).join('')}</table>`]),
    ...(list.length === 0 ? [] : [`<ul>${list.join('')}</ul>`]),
    ...(links.length === 0 ? [] : [`<p>${links.map(anchorOf).join(' · ')}</p>`]),
    `<p style="color:#666">${escaped(FOOTER)}</p>`,
    '</body></html>',
  ].join('\n')
}

const FOOTER = 'Sent by tts-otel-collector. Answers are not read.'

function instanceLines(instances: readonly string[], left: number): readonly string[] {
  return left === 0 ? instances : [...instances, `and ${left} more`]
}

function rowOf({ name, value }: Fact): string {
  return `<tr><td style="padding-right:12px;color:#666">${escaped(name)}</td><td>${escaped(value)}</td></tr>`
}

function anchorOf({ name, url }: Link): string {
  return `<a href="${escaped(url)}">${escaped(name)}</a>`
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escaped(text: string): string {
  return text.slice(0, TEXT_CHARS_MAX).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
}
