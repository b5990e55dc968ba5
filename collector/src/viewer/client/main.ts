/** The page: a header with the search, and below it what the address (`#/ID`) says. */
import { forgetToken, hasToken, rememberToken, TokenError } from './api.ts'
import { el } from './dom.ts'
import { showHome } from './home.ts'
import { showId } from './request.ts'

const main = document.querySelector('main')
const search = document.querySelector<HTMLFormElement>('#search')
const input = document.querySelector<HTMLInputElement>('#id')
const theme = document.querySelector<HTMLButtonElement>('#theme')
const refresh = document.querySelector<HTMLButtonElement>('#refresh')
/** The newest question wins: an answer that comes late is not shown over it. */
let asked = 0

search?.addEventListener('submit', (event) => {
  event.preventDefault()
  const id = input?.value.trim() ?? ''
  const hash = id === '' ? '' : `#/${encodeURIComponent(id)}`
  if (location.hash === hash) void show()
  else location.hash = hash
})
addEventListener('hashchange', () => void show())
addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.target instanceof HTMLInputElement) return
  event.preventDefault()
  input?.focus()
})
refresh?.addEventListener('click', () => void show())
theme?.addEventListener('click', switchTheme)
applyTheme(localStorage.getItem('tts-otel theme'))
void show()

async function show(): Promise<void> {
  const mine = ++asked
  const id = readId()
  if (input !== null && document.activeElement !== input) input.value = id
  document.title = id === '' ? 'tts-otel' : `${id} · tts-otel`
  main?.setAttribute('aria-busy', 'true')
  const content = await (id === '' ? showHome() : showId(id)).catch(explainFailure)
  if (mine !== asked) return
  main?.replaceChildren(...content)
  main?.removeAttribute('aria-busy')
}

function readId(): string {
  try {
    return decodeURIComponent(location.hash.replace(/^#\/?/, ''))
  } catch {
    return ''
  }
}

function explainFailure(error: unknown): readonly HTMLElement[] {
  if (error instanceof TokenError) return [askForToken(error.message)]
  const message = error instanceof Error ? error.message : String(error)
  return [el('section', { class: 'verdict', 'data-tone': 'bad' }, el('h2', {}, 'The collector cannot be read'), el('p', {}, message))]
}

function askForToken(message: string): HTMLElement {
  const token = el('input', { set: { type: 'password', id: 'token', required: true, autocomplete: 'off' } })
  const wasWrong = hasToken()
  forgetToken()
  const form = el(
    'form',
    {
      class: 'token',
      on: {
        submit(event) {
          event.preventDefault()
          rememberToken(token.value.trim())
          void show()
        },
      },
    },
    el('h2', {}, wasWrong ? 'This token is not known' : message),
    el('label', { set: { htmlFor: 'token' } }, 'READ_TOKEN'),
    token,
    el('button', { class: 'primary', set: { type: 'submit' } }, 'Read'),
    el('p', { class: 'none' }, 'It stays in this tab and is forgotten with it.'),
  )
  queueMicrotask(() => token.focus())
  return form
}

function switchTheme(): void {
  const isDark =
    getComputedStyle(document.documentElement).colorScheme === 'dark' ||
    (currentTheme() === null && matchMedia('(prefers-color-scheme: dark)').matches)
  const next = isDark ? 'light' : 'dark'
  localStorage.setItem('tts-otel theme', next)
  applyTheme(next)
}

function currentTheme(): string | null {
  return document.documentElement.getAttribute('data-theme')
}

function applyTheme(name: string | null): void {
  if (name === 'dark' || name === 'light') document.documentElement.setAttribute('data-theme', name)
}
