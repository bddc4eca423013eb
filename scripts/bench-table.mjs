// The table of `npm run bench`: how rows are shown, and what is kept of them in docs/benchmarks.md.

/**
 * What a row has to reach. With a peer, `ratio`: own by peer's, at most; `difference`: own less peer's, at most, in the row's
 * unit. Alone, `most` or `least`.
 * @typedef {{ readonly ratio?: number, readonly difference?: number, readonly most?: number, readonly least?: number }} Mark
 */

/**
 * Own values and the peer's were measured in turn: the first of both in the same round, and so on.
 * @typedef {object} Row
 * @property {string} part the heading that it belongs to
 * @property {string} work
 * @property {string} quantity such as `time`
 * @property {string} unit `s`, `ms`, `MB`, `/s`, or none
 * @property {readonly number[]} own empty if it was not measured
 * @property {{ readonly name: string, readonly values: readonly number[] }} [peer]
 * @property {Mark} [mark]
 * @property {string} [remark]
 */

export const median = (/** @type {readonly number[]} */ values) => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2
}

const number = (/** @type {number} */ value) => {
  const size = Math.abs(value)
  const maximumFractionDigits = size < 0.1 ? 3 : size < 10 ? 2 : size < 100 ? 1 : 0
  return value.toLocaleString('en', { maximumFractionDigits })
}

const withUnit = (/** @type {string} */ text, /** @type {string} */ unit) =>
  unit === '' || unit.startsWith('/') ? text + unit : `${text} ${unit}`

/** The median with the least and the greatest. */
const spread = (
  /** @type {readonly number[]} */ values,
  /** @type {(value: number) => string} */ show,
  unit = '',
) => {
  const ends = [Math.min(...values), Math.max(...values)].map(show)
  const range = ends[0] === ends[1] ? '' : ` (${ends.join('–')})`
  return withUnit(show(median(values)), unit) + range
}

/** 2.5 as `2.5x`, and 0.25 as `1/4`, so that both read alike. */
const ratio = (/** @type {number} */ value) => (value < 0.95 ? `1/${number(1 / value)}` : `${number(value)}x`)

/** Own by peer's, round by round; own less peer's where the mark is about that. */
const compared = (/** @type {Row} */ { own, peer, mark }) =>
  own.map((value, index) => {
    const other = peer?.values[index] ?? Number.NaN
    return mark?.difference === undefined ? value / other : value - other
  })

/** The mark in words, and whether the median reaches it. @returns {[string, boolean] | undefined} */
const judge = (/** @type {Row} */ row) => {
  const { own, mark = {}, unit } = row
  const { ratio: greatest, difference, most, least } = mark
  if (greatest !== undefined) return [`≤ ${ratio(greatest)}`, median(compared(row)) <= greatest]
  if (difference !== undefined) {
    return [`≤ +${withUnit(number(difference), unit)}`, median(compared(row)) <= difference]
  }
  if (most !== undefined) return [`≤ ${withUnit(number(most), unit)}`, median(own) <= most]
  if (least !== undefined) return [`≥ ${withUnit(number(least), unit)}`, median(own) >= least]
  return undefined
}

const showCompared = (/** @type {Row} */ row) =>
  row.mark?.difference === undefined
    ? spread(compared(row), ratio)
    : spread(compared(row), (value) => (value < 0 ? '' : '+') + number(value), row.unit)

const HEADER = ['work', 'measured', 'portward', 'peer', "the peer's", 'compared', 'mark', 'reached']

/** The cells of a row, as in HEADER. */
const cells = (/** @type {Row} */ row) => {
  const { work, quantity, unit, own, peer } = row
  if (own.length === 0) return [work, 'not measured', ...HEADER.slice(2).map(() => '')]
  const [mark = '', isReached] = judge(row) ?? []
  return [
    ...[work, quantity, spread(own, number, unit)],
    ...(peer ? [peer.name, spread(peer.values, number, unit), showCompared(row)] : ['', '', '']),
    ...[mark, isReached === undefined ? '' : isReached ? 'yes' : '**no**'],
  ]
}

/** A row as a line, for while the bench runs. */
export const renderLine = (/** @type {Row} */ row) =>
  (row.own.length === 0 ? [row.work, row.remark] : cells(row).filter(Boolean)).join(' | ')

/** Rows by their part, in the order in which the parts come. @returns {Map<string, Row[]>} */
export const byPart = (/** @type {readonly Row[]} */ rows) => {
  /** @type {Map<string, Row[]>} */
  const parts = new Map()
  for (const row of rows) parts.set(row.part, [...(parts.get(row.part) ?? []), row])
  return parts
}

/** The table of a part, with its remarks below it; where a row is to be seen as it is, in a terminal or as Markdown. */
export const renderTable = (/** @type {readonly Row[]} */ rows) => {
  const lines = [HEADER, ...rows.map(cells)].map((line) => line.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = HEADER.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const line = (/** @type {string[]} */ columns) =>
    `| ${columns.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const [header = HEADER, ...body] = lines
  /** @type {Map<string, Set<string>>} */
  const remarks = new Map()
  for (const { work, remark } of rows) {
    if (remark) remarks.set(remark, (remarks.get(remark) ?? new Set()).add(work))
  }
  return [
    line(header),
    line(widths.map((width) => '-'.repeat(width))),
    ...body.map(line),
    ...(remarks.size > 0 ? [''] : []),
    ...[...remarks].map(([remark, works]) => `- ${[...works].join('; ')}: ${remark}`),
  ].join('\n')
}

/**
 * docs/benchmarks.md with new sections in the place of the old ones of these parts; others stay, with the machine that they
 * were measured on.
 */
export const updateDocument = (
  /** @type {string} */ document,
  /** @type {readonly Row[]} */ rows,
  /** @type {string} */ machine,
) => {
  const [introduction = '', ...sections] = document.split(/^(?=## )/m)
  const title = (/** @type {string} */ section) => section.slice(3, section.indexOf('\n'))
  const found = new Map(sections.map((section) => [title(section), section.trimEnd()]))
  for (const [part, ofPart] of byPart(rows)) {
    found.set(part, `## ${part}\n\n${machine}\n\n${renderTable(ofPart)}`)
  }
  return `${[introduction.trimEnd(), ...found.values()].join('\n\n')}\n`
}
