import { Buffer } from 'node:buffer'

/** Runs of what may be bytes, in text that may hold portward's own words beside them. */
const BYTES = /[\x80-\xff]+/g

/** Obeyed by a viewer instead of shown: controls, marks that turn the direction of writing, other line ends. */
const HIDDEN = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

const decode = (run: string): string => Buffer.from(run, 'latin1').toString('utf8')

/** Unicode text in which nothing is hidden: ^M for a carriage return, <202e> for a mark. */
export const showHidden = (text: string): string =>
  text.replace(HIDDEN, (char) => {
    const code = char.charCodeAt(0)
    return code < 0x80 ? `^${String.fromCharCode(code ^ 0x40)}` : `<${code.toString(16)}>`
  })

/** Text of files, latin1-decoded, read as UTF-8; a byte that is none becomes U+FFFD. */
export const readableBytes = (text: string): string => showHidden(text.replace(BYTES, decode))

/** A message that may quote files and the environment alike: what is no UTF-8 was Unicode before, and stays. */
export const readableWords = (text: string): string =>
  showHidden(
    text.replace(BYTES, (run) => {
      const decoded = decode(run)
      return decoded.includes('\ufffd') ? run : decoded
    }),
  )

/** The first so many characters, and a word about the rest. */
export const clip = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length).replace(/[\ud800-\udbff]$/, '')}… (cut)`
