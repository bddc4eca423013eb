// Texts of files, programs and the command line are shown so that they are readable and a terminal does not obey anything in
// them. They are shown as UTF-8 whatever the locale: terminals read UTF-8 under LC_ALL=C, too, and those that do not cannot be
// recognized.

/** In a latin1-decoded text: the bytes of a whole UTF-8 character, or else a single byte. */
const BYTES =
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x80-\xff]/g

/** Not shown but obeyed by a viewer: control characters, marks that change the direction of writing or have no width, other line endings. */
const HIDDEN =
  /[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu

const escapeByte = (byte: string): string => `\\x${byte.charCodeAt(0).toString(16)}`

/** Unicode text with hidden characters made visible: ^M for a carriage return, <202e> for a mark. */
export const showHidden = (text: string): string =>
  text.replace(HIDDEN, (char) => {
    const code = char.codePointAt(0) ?? 0
    return code < 0x80 ? `^${String.fromCharCode(code ^ 0x40)}` : `<${code.toString(16)}>`
  })

/** What files say is not styled: the marks of styled.ts, which no other text has a use for, are shown like all that is hidden. */
const showMarks = (text: string): string =>
  text.replace(/[\ufdd0-\ufdef]/, (mark) => `<${mark.charCodeAt(0).toString(16)}>`)

/** Most texts have nothing but these, and one search for others takes less time than the replacements. */
const PLAIN = /^[\n -~]*$/

const decode = (text: string, single: (byte: string) => string): string => {
  if (PLAIN.test(text)) return text
  return showHidden(
    text.replace(BYTES, (found) =>
      found.length === 1 ? single(found) : showMarks(Buffer.from(found, 'latin1').toString('utf8')),
    ),
  )
}

/** Text of files, latin1-decoded, read as UTF-8; other bytes are shown as `\x80`. */
export const readableBytes = (text: string): string => decode(text, escapeByte)

/** A message that may quote files and the environment: characters that are not UTF-8 bytes may be Unicode already, and are kept. */
export const readableWords = (text: string): string =>
  decode(text, (char) => (char < '\xa0' ? escapeByte(char) : char))

/** The same for one message: its further lines are indented, so that they cannot pass for other messages. */
export const readableMessage = (text: string): string => readableWords(text).replace(/\n(?=.)/g, '\n    ')

/** Equivalent JSON in which hidden characters are escaped. JSON itself escapes the other control characters. */
export const readableJson = (json: string): string =>
  json.replace(HIDDEN, (char) =>
    char === '\n'
      ? char
      : [...Array(char.length).keys()]
          .map((at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`)
          .join(''),
  )

/** The first `length` characters, with a mark if the text was cut. */
export const clip = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length).replace(/[\ud800-\udbff]$/, '')}… (cut)`
