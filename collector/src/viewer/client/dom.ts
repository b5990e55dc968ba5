type Child = Node | string | undefined
type Props<Name extends keyof HTMLElementTagNameMap> = {
  /** Attributes. */
  readonly [name: `aria-${string}` | `data-${string}`]: string
  readonly class?: string
  readonly title?: string
  readonly on?: { readonly [Event in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Event]) => void }
  /** Properties of the element itself. */
  readonly set?: Partial<HTMLElementTagNameMap[Name]>
  /** Custom properties of its style. */
  readonly vars?: Readonly<Record<`--${string}`, string>>
}

/** An element. Texts are texts: nothing that was stored is ever read as markup. */
export function el<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  { class: className, title, on = {}, set = {}, vars = {}, ...attributes }: Props<Name> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name)
  if (className !== undefined) element.className = className
  if (title !== undefined) element.title = title
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  for (const [key, value] of Object.entries(vars)) element.style.setProperty(key, value)
  for (const [event, listener] of Object.entries(on)) element.addEventListener(event, listener as EventListener)
  Object.assign(element, set)
  element.append(...children.filter((child) => child !== undefined))
  return element
}

/** Name and value, in the order given. */
export function facts(pairs: readonly (readonly [string, Node | string])[]): HTMLElement {
  return el('dl', { class: 'facts' }, ...pairs.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))))
}

/** A link to a request, trace or user of this page. */
export function link(id: string, shown = id): HTMLAnchorElement {
  return el('a', { class: 'id', set: { href: hrefOf(id) } }, shown)
}

export function hrefOf(id: string): string {
  return `#/${encodeURIComponent(id)}`
}
