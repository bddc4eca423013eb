// A terminal's text as an SVG: text stays text, colours become classes.

/** Foreground colours by their number in SGR, which is 30 plus this, in a contrast of at least 7 to the background. */
const COLORS = {
  black: '#8b949e',
  red: '#ff9d95',
  green: '#7ee787',
  yellow: '#e3b341',
  blue: '#a5d6ff',
  magenta: '#e2c5ff',
  cyan: '#76e3ea',
  white: '#f0f6fc',
}
const NAMES = Object.keys(COLORS)

/** @typedef {{ text: string, classes: readonly string[] }} Run */

/** The styles after one more code of SGR. */
const after = (/** @type {readonly string[]} */ styles, /** @type {number} */ code) => {
  const without = (/** @type {string[]} */ ...names) => styles.filter((name) => !names.includes(name))
  if (code === 0) return []
  if (code === 1) return [...without('bold'), 'bold']
  if (code === 2) return [...without('dim'), 'dim']
  if (code === 22) return without('bold', 'dim')
  if (code === 39) return without(...NAMES)
  const name = NAMES[code >= 90 ? code - 90 : code - 30]
  return code >= 30 && name !== undefined ? [...without(...NAMES), name] : styles
}

/**
 * The lines of a text with escape sequences, each as runs of characters of the same styles. Other sequences than those for
 * styles are dropped.
 * @returns {Run[][]}
 */
export const parseTerminal = (/** @type {string} */ text) => {
  /** @type {readonly string[]} */
  let classes = []
  return text.split('\n').map((line) => {
    /** @type {Run[]} */
    const runs = []
    for (const part of line.split(/(\u001b\[[\d;?]*[a-zA-Z])/)) {
      const codes = /^\u001b\[([\d;]*)m$/.exec(part)?.[1]
      if (codes !== undefined)
        classes = codes.split(';').reduce((all, code) => after(all, Number(code)), classes)
      else if (part !== '' && !part.startsWith('\u001b')) runs.push({ text: part, classes })
    }
    return runs
  })
}

/** In pixels. */
const CHARACTER = 8.4
const LINE = 19
const MARGIN = 16

const escapeText = (/** @type {string} */ text) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const renderLine = (/** @type {Run[]} */ runs, /** @type {number} */ index) => {
  const length = [...runs.map(({ text }) => text).join('')].length
  if (length === 0) return ''
  const parts = runs.map(({ text, classes }) =>
    classes.length === 0
      ? escapeText(text)
      : `<tspan class="${classes.join(' ')}">${escapeText(text)}</tspan>`,
  )
  const y = MARGIN + LINE * index + 14
  // The length keeps columns in line whatever the font.
  return `<text x="${MARGIN}" y="${y}" textLength="${(length * CHARACTER).toFixed(1)}">${parts.join('')}</text>\n`
}

/** The SVG of a terminal of so many columns that shows this text. */
export const renderTerminal = (
  /** @type {string} */ text,
  /** @type {{ columns: number, title: string, description: string }} */ { columns, title, description },
) => {
  const lines = parseTerminal(text.trimEnd())
  const width = Math.ceil(columns * CHARACTER + 2 * MARGIN)
  const height = lines.length * LINE + 2 * MARGIN
  const colors = Object.entries(COLORS).map(([name, color]) => `.${name} { fill: ${color} }`)
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description">
<title id="title">${escapeText(title)}</title>
<desc id="description">${escapeText(description)}</desc>
<style>
text { fill: #d7dde4; font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre }
.bold { font-weight: bold; fill: #f0f6fc }
.dim { fill: #9aa4af }
${colors.join('\n')}
</style>
<rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
<g xml:space="preserve">
${lines.map(renderLine).join('')}</g>
</svg>
`
}
