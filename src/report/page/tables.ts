import { plural } from '../wording.ts'
import { escapeHtml } from './escape-html.ts'

export interface Table {
  readonly caption: string
  /** The first column has what a row is about; the others have numbers and times. */
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** A longer one is closed at first. */
const MOST_OPEN = 15

/** On a narrow screen a time may stand below its date, but neither is broken. */
const cellOf = (cell: string): string =>
  `<td>${escapeHtml(cell).replace(/\d{4}-\d\d-\d\d/g, '<span>$&</span>')}</td>`

const rowOf = ([first = '', ...others]: readonly string[]): string =>
  `<tr><th scope="row">${escapeHtml(first)}</th>${others.map(cellOf).join('')}</tr>`

/** A table that can be scrolled by keyboard where it is too wide. */
export const renderTable = ({
  caption,
  head,
  rows,
}: Table): string => `<div class="scroll" role="region" tabindex="0" aria-label="${escapeHtml(caption)}">
<table>
<caption>${escapeHtml(caption)}</caption>
<thead><tr>${head.map((cell) => `<th scope="col">${escapeHtml(cell)}</th>`).join('')}</tr></thead>
<tbody>
${rows.map(rowOf).join('\n')}
</tbody>
</table>
</div>`

/** The table of a figure, which can be closed. */
export const renderDetails = (table: Table): string =>
  `<details${table.rows.length <= MOST_OPEN ? ' open' : ''}>
<summary>The numbers as a table (${plural(table.rows.length, 'row')})</summary>
${renderTable(table)}
</details>`
