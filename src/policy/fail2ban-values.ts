/** Values of jail options as fail2ban parses them (helpers.py, client/jailreader.py, server/mytime.py). */

/** Names of the filter or of the actions in a value, without their parameters in square brackets. */
export const namesIn = (value: string): string[] =>
  value
    .replace(/\[(?:"[^"]*"|'[^']*'|[^\]"'])*\]/g, '')
    .split(/\s+/)
    .filter((name) => name !== '')

/** File patterns in a `logpath`: one a line; the word after the last blank of a line says where reading begins. */
export const logPatterns = (value: string): string[] =>
  value
    .split('\n')
    .map((line) => line.replace(/ [^ ]*$/, ''))
    .filter((pattern) => pattern !== '')

const UNIT =
  /^(?:days?|da|dd?|weeks?|wee?|ww?|months?|mon?|years?|yea?|yy?|seconds?|sec?|ss?|minutes?|min?|mm?|hours?|hou?|hh?)$/i

/** Certainly not a time. fail2ban evaluates times as Python expressions: what looks like an expression is left to it. */
export const isNotTime = (value: string): boolean => {
  const bare = value.replace(/#.*/s, '').trim()
  if (!/^[\w\s.+*-]*$/.test(bare)) return false
  return bare === '' || [...bare.matchAll(/[a-z_]+/gi)].some(([word]) => !UNIT.test(word))
}

/** Whether fail2ban takes a value for true. */
export const isTrue = (value: string): boolean => ['1', 'on', 'true', 'yes'].includes(value.toLowerCase())
