/** As browsers check it (https://html.spec.whatwg.org/#valid-e-mail-address): no quotes, comments, names or lists, so that nothing in it can become a second address. */
const ADDRESS = /^[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i
/** RFC 5321: a path has 256 characters, two of them brackets. */
const CHARS_MAX = 254

/** An e-mail address alone, `name@example.org`; undefined for anything else. */
export function parseMailAddress(text: string): string | undefined {
  return text.length <= CHARS_MAX && ADDRESS.test(text) ? text : undefined
}

/** Addresses with commas between them, each once; undefined when there is none, or one that is no address. */
export function parseMailAddresses(text: string): readonly string[] | undefined {
  const addresses = text.split(',').map((each) => parseMailAddress(each.trim()))
  const valid = addresses.filter((address) => address !== undefined)
  return valid.length === addresses.length ? [...new Set(valid)] : undefined
}
