/**
 * A change to a text: `length` characters at `offset` of the *original* text become `text`.
 * Texts are latin1-decoded, so that one character is one byte of the file and every byte survives.
 */
export interface Edit {
  readonly offset: number
  readonly length: number
  readonly text: string
}

/** A part of a text, from `offset` to `end`. */
export interface Span {
  readonly offset: number
  readonly end: number
}

export const deletion = ({ offset, end }: Span): Edit => ({ offset, length: end - offset, text: '' })

/**
 * Returns `text` with all edits applied; offsets refer to the given text. Insertions at one offset keep their order and come
 * before what is removed there. Throws if edits overlap or are outside of the text: that is a bug in an editor.
 */
export const applyEdits = (text: string, edits: readonly Edit[]): string => {
  const ordered = [...edits].sort((a, b) => a.offset - b.offset || Math.sign(a.length) - Math.sign(b.length))
  let result = ''
  let position = 0
  for (const { offset, length, text: replacement } of ordered) {
    if (offset < position || length < 0 || offset + length > text.length) {
      throw new Error(`overlapping or stray edit at offset ${offset}, length ${length}`)
    }
    result += text.slice(position, offset) + replacement
    position = offset + length
  }
  return result + text.slice(position)
}
