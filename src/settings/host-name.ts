// Names of hosts, as WHITELIST and the files of other programs have them.

/** RFC 1123: letters, digits and hyphens, 63 of them at most, and no hyphen at either end. */
const LABEL = /^[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?$/

const NUMBER = /^\d+$/

/** The C library reads a text that ends like this as an address: 127.1, 198.51.0x6407. */
const END_OF_ADDRESS = /^(?:\d+|0x[\da-f]*)$/

/** A name in lower case and without the dot at its end; null for other texts, addresses included. */
export const parseHostName = (text: string): string | null => {
  const name = text.toLowerCase().replace(/\.$/, '')
  const labels = name.split('.')
  if (name.length > 253 || !labels.every((label) => LABEL.test(label))) return null
  return END_OF_ADDRESS.test(labels.at(-1) ?? '') ? null : name
}

/**
 * The same for a list that a person writes. A word without a dot is rather a slip, and so is what begins like an address, such
 * as 10.0.0.x.
 */
export const parseFullName = (text: string): string | null => {
  const name = parseHostName(text)
  const labels = name?.split('.') ?? []
  const numbers = labels.findIndex((label) => !NUMBER.test(label))
  return labels.length < 2 || (numbers === 3 && labels.length === 4) ? null : name
}
