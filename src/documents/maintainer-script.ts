type Variables = Map<string, string>

const ASSIGNMENT = /^[ \t]*([A-Za-z_]\w*)=(.*)$/
/** A value of literals and plain variables, in double quotes or as one bare word. */
const PLAIN_VALUE = /^(?:"((?:[^"`\\$]|\$(?!\())*)"|([^\s"'`\\;$]*))[ \t]*$/

/** Expands `$NAME` and `${NAME}` as a shell does in a here-document; null if the text needs other expansions. */
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

/** Records a `NAME=value` of the script; if it needs more than plain variables, NAME becomes unknown. */
const note = (variables: Variables, line: string): void => {
  const [, name, raw] = ASSIGNMENT.exec(line) ?? []
  if (name === undefined || raw === undefined) return
  const [match, quoted, bare] = PLAIN_VALUE.exec(raw) ?? []
  const value = match === undefined ? null : expand(quoted ?? bare ?? '', variables)
  if (value === null) variables.delete(name)
  else variables.set(name, value)
}

interface Run {
  readonly variables: Variables
  readonly functions: Map<string, readonly string[]>
  readonly files: Map<string, string | null>
}

const HERE_DOCUMENT = /^[ \t]*cat[ \t]*>[ \t]*([^\s<]+)[ \t]*<<[ \t]*(['"]?)(\w+)\2[ \t]*$/

/** Interprets the lines as if every condition were true; follows functions that are called without arguments. */
const follow = (lines: readonly string[], run: Run, depth: number): void => {
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? ''
    const called = run.functions.get(line.trim())
    const defined = /^([A-Za-z_]\w*)[ \t]*\(\)[ \t]*\{[ \t]*$/.exec(line)?.[1]
    const [, target, quote, end] = HERE_DOCUMENT.exec(line) ?? []
    const last = defined === undefined ? lines.indexOf(end ?? '', index + 1) : lines.indexOf('}', index + 1)
    if (defined !== undefined && last !== -1) {
      run.functions.set(defined, lines.slice(index + 1, last))
      index = last
    } else if (target !== undefined && last !== -1) {
      const body = lines.slice(index + 1, last).map((text) => `${text}\n`)
      const path = expand(target.replace(/^"(.*)"$/, '$1'), run.variables)
      const text = quote === '' ? expand(body.join(''), run.variables) : body.join('')
      if (path !== null) run.files.set(path, text)
      index = last
    } else if (called !== undefined && depth < 2) follow(called, run, depth + 1)
    else note(run.variables, line)
  }
}

/**
 * The files that a Debian maintainer script creates with `cat > PATH <<EOF` on a first installation, by path: that is how
 * /etc/default/portsentry and libwrap's hosts.allow are created. Null for a text that needs more than plain variables. Pure.
 */
export const readHereDocuments = (script: string): Map<string, string | null> => {
  // dpkg sets DPKG_ROOT to '' unless it installs below another root.
  const run: Run = { variables: new Map([['DPKG_ROOT', '']]), functions: new Map(), files: new Map() }
  follow(script.split('\n'), run, 0)
  return run.files
}
