const ASSIGNMENT = /^[ \t]*([A-Za-z_]\w*)=(.*)$/
const PLAIN_VALUE = /^(?:"([^"$`\\]*)"|([^\s"'$`\\;]*))[ \t]*$/

/** Notes the plain `NAME=value` of a line of the script; any other assignment makes NAME unknown. */
const note = (variables: Map<string, string>, line: string): void => {
  const [, name, raw] = ASSIGNMENT.exec(line) ?? []
  if (name === undefined || raw === undefined) return
  const [match, quoted, bare] = PLAIN_VALUE.exec(raw) ?? []
  if (match === undefined) variables.delete(name)
  else variables.set(name, quoted ?? bare ?? '')
}

/** Expands `$NAME` and `${NAME}` as a shell does in a here-document; null where more than that is needed. */
const expand = (text: string, variables: ReadonlyMap<string, string>): string | null => {
  let known = true
  const expanded = text.replace(
    /\\([$`\\])|\\\n|\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})|[$`]/g,
    (match, escaped: string | undefined, name: string | undefined, braced: string | undefined) => {
      if (escaped !== undefined) return escaped
      if (match === '\\\n') return ''
      const value = variables.get(name ?? braced ?? '')
      if (value === undefined) known = false
      return value ?? ''
    },
  )
  return known ? expanded : null
}

/**
 * The files that a Debian maintainer script creates with `cat > PATH <<EOF`, by path: so are
 * /etc/default/portsentry and libwrap's hosts.allow made. Here-documents that take more than plain variables
 * to expand are left out. Pure; runs nothing.
 */
export const readHereDocuments = (script: string): Map<string, string> => {
  const variables = new Map<string, string>()
  const files = new Map<string, string>()
  const lines = script.split('\n')
  for (let index = 0; index < lines.length; index += 1) {
    const [, target, quote, end] =
      /^[ \t]*cat[ \t]*>[ \t]*([^\s<]+)[ \t]*<<[ \t]*(['"]?)(\w+)\2[ \t]*$/.exec(lines[index] ?? '') ?? []
    const last = end === undefined ? -1 : lines.indexOf(end, index + 1)
    if (target === undefined || last === -1) {
      note(variables, lines[index] ?? '')
      continue
    }
    const body = lines
      .slice(index + 1, last)
      .map((line) => `${line}\n`)
      .join('')
    const path = expand(target.replace(/^"(.*)"$/, '$1'), variables)
    const text = quote === '' ? expand(body, variables) : body
    if (path !== null && text !== null) files.set(path, text)
    index = last
  }
  return files
}
