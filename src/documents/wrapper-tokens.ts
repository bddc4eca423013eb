// The words of hosts.allow and hosts.deny: how libwrap splits and matches them.

/** split_at() in misc.c: a separator within brackets does not count, nor any after an unbalanced bracket. */
export const splitAt = (text: string, separator: ':' | '@' | '/', from = 0): [string, string | null] => {
  let depth = 0
  for (let index = from; index < text.length; index++) {
    if (text[index] === '[') depth++
    else if (text[index] === ']') depth--
    else if (depth === 0 && text[index] === separator) return [text.slice(0, index), text.slice(index + 1)]
  }
  return [text, null]
}

export const isWord = (token: string, word: string): boolean => token.toUpperCase() === word

/** Whether it matches any client, user or daemon. */
export const isAnything = (token: string): boolean => isWord(token, 'ALL') || /^\*+$/.test(token)

/**
 * match_pattern_ylo(), a wildcard match; `**` at the end stands for at least one character (as it does there). Backtracks to
 * the last `*` only, so that the time is bounded by the pattern's length times the text's.
 */
export const globMatches = (glob: string, text: string): boolean => {
  const pattern = glob.toLowerCase().replace(/\*\*+$/, '?*')
  let [at, star, resume] = [0, -1, 0]
  for (let index = 0; index < text.length; index += 1) {
    if (pattern[at] === '*') {
      star = at
      resume = index
      at += 1
      index -= 1
    } else if (pattern[at] === '?' || pattern[at] === text[index]) at += 1
    else if (star === -1) return false
    else {
      at = star + 1
      index = resume
      resume += 1
    }
  }
  return /^\**$/.test(pattern.slice(at))
}

/** `a EXCEPT b EXCEPT c` is `a EXCEPT (b EXCEPT c)`. */
export const splitExcept = (list: readonly string[]): [string[], string[]] => {
  const at = list.findIndex((token) => isWord(token, 'EXCEPT'))
  return at === -1 ? [[...list], []] : [list.slice(0, at), list.slice(at + 1)]
}
