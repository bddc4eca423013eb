import { Buffer } from 'node:buffer'

// What files, programs and the command line say is shown so that it reads well and nothing in it is obeyed. It is shown
// as UTF-8 whatever the locale: under LC_ALL=C, too, terminals read UTF-8, and nothing tells those that don't.

/** What may be a byte of a latin1-decoded text: a whole character of UTF-8, or else a single one. */
const BYTES =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x80-\xff]/g

/** Obeyed by a viewer instead of shown: controls, marks that turn the direction of writing or have no width, other line ends. */
const HIDDEN =
  /[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu

const escapeByte = (byte: string): string => `\\x${byte.charCodeAt(0).toString(16)}`

/** Unicode text in which nothing is hidden: ^M for a carriage return, <202e> for a mark. */
export const showHidden = (text: string): string =>
  text.replace(HIDDEN, (char) => {
    const code = char.codePointAt(0) ?? 0
    return code < 0x80 ? `^${String.fromCharCode(code ^ 0x40)}` : `<${code.toString(16)}>`
  })

const decode = (text: string, single: (byte: string) => string): string =>
  showHidden(
    text.replace(BYTES, (found) =>
      found.length === 1 ? single(found) : Buffer.from(found, 'latin1').toString('utf8'),
    ),
  )

/** Text of files, latin1-decoded, read as UTF-8; a byte that is none is shown as `\x80`. */
export const readableBytes = (text: string): string => decode(text, escapeByte)

/** A message that may quote files and the environment alike: what is no UTF-8 may have been Unicode before, and stays. */
export const readableWords = (text: string): string =>
  decode(text, (char) => (char < '\xa0' ? escapeByte(char) : char))

/** The same of one message: it cannot be taken for several, however many lines it has. */
export const readableMessage = (text: string): string => readableWords(text).replace(/\n(?=.)/g, '\n    ')

/** A JSON text in which a terminal obeys nothing; it means the same. JSON itself escapes the other controls. */
export const readableJson = (json: string): string =>
  json.replace(HIDDEN, (char) =>
    char === '\n'
      ? char
      : [...Array(char.length).keys()]
          .map((at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`)
          .join(''),
  )

/** The first so many characters, and a word about the rest. */
export const clip = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length).replace(/[\ud800-\udbff]$/, '')}… (cut)`
