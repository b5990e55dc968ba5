/** First digits and lengths of the big networks. Without them every tenth long number (epoch milliseconds, ids) would pass for a card. */
const NETWORKS: readonly { readonly start: RegExp; readonly lengths: readonly number[] }[] = [
  { start: /^4/, lengths: [13, 16, 19] },
  { start: /^(?:5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720))/, lengths: [16] },
  { start: /^3[47]/, lengths: [15] },
  { start: /^3[068]/, lengths: [14] },
  { start: /^35/, lengths: [16] },
  { start: /^6(?:011|2|4[4-9]|5)/, lengths: [16, 17, 18, 19] },
]

/** Cards are printed in three to five groups; more are a table of small numbers. */
const GROUPS_MAX = 8

/** Whether digits, grouped by spaces or dashes, hold a payment card's number: alone, or next to other numbers. */
export function isCardNumber(text: string): boolean {
  const groups = text.split(/[ \u00a0-]/)
  if (groups.length > GROUPS_MAX) return false
  for (let first = 0; first < groups.length; first++) {
    for (let last = groups.length; last > first; last--) {
      if (isCard(groups.slice(first, last).join(''))) return true
    }
  }
  return false
}

function isCard(digits: string): boolean {
  return NETWORKS.some(({ start, lengths }) => lengths.includes(digits.length) && start.test(digits)) && passesLuhn(digits)
}

/** ISO/IEC 7812-1, annex B. */
function passesLuhn(digits: string): boolean {
  let sum = 0
  for (let index = 0; index < digits.length; index++) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48
    const doubled = index % 2 === 0 ? digit : digit * 2
    sum += doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}
