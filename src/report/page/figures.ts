import * as Plot from '@observablehq/plot'
import { parseJSON } from 'linkedom'
import { showHidden } from '../../readable.ts'
import { count } from '../wording.ts'
import { escapeHtml } from './escape-html.ts'

/** One bar. */
interface Datum {
  readonly label: string
  readonly value: number
}

interface Axis {
  readonly labelLetters: number
  /** At most so many labels for the data; '' for those without one. */
  readonly labels: (most: number) => readonly string[]
}

export interface Figure {
  /** Unique in the page. */
  readonly id: string
  readonly title: string
  /** What the figure shows, in words, for those who cannot see it. */
  readonly description: string
  readonly data: readonly Datum[]
  /** Of columns that stand side by side in time; null: bars that lie one below the other. */
  readonly axis: Axis | null
  /** A colour of the style sheet. */
  readonly color: 'scans' | 'bans'
}

/** An empty one, in which the library makes its elements: a list of node types and names, as linkedom stores documents. */
const document = parseJSON([9, 1, 'html', -2])

/** Screens and paper, and phones, on which a figure for the others would have too small letters. */
const WIDTHS = { wide: 760, narrow: 340 } as const

type Width = keyof typeof WIDTHS

const FONT = 13
/** Of an average letter of this font. */
const LETTER = 7.2

const clipTo = (text: string, letters: number): string =>
  text.length <= letters ? text : `${text.slice(0, letters - 1)}…`

/** Whole numbers, at most five and 0. */
const ticksUpTo = (most: number): number[] => {
  const rough = Math.max(1, most / 4)
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((each) => each >= rough) ?? rough
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step)
}

const MARGINS = { marginLeft: 52, marginRight: 28, marginBottom: 30 }

const columns = ({ data, color }: Figure, axis: Axis, width: Width): Plot.PlotOptions => {
  const room = WIDTHS[width] - MARGINS.marginLeft - MARGINS.marginRight
  const labels = axis.labels(Math.floor(room / ((axis.labelLetters + 2) * LETTER)))
  const most = Math.max(...data.map(({ value }) => value), 1)
  const places = [...data.keys()]
  return {
    ...{ width: WIDTHS[width], height: width === 'wide' ? 220 : 200, ...MARGINS },
    x: { type: 'band', domain: places, label: null, padding: 0.15 },
    y: { domain: [0, most], label: null },
    marks: [
      Plot.gridY(ticksUpTo(most), { strokeOpacity: 0.15 }),
      Plot.axisY(ticksUpTo(most), { tickSize: 0, fontSize: FONT, tickFormat: count }),
      Plot.axisX(
        places.filter((place) => labels[place]),
        { tickSize: 4, fontSize: FONT, tickFormat: (place) => labels[place] ?? '' },
      ),
      Plot.barY(data, { x: places, y: 'value', fill: `var(--${color})` }),
      Plot.ruleY([0]),
    ],
  }
}

const bars = ({ data, color }: Figure, width: Width): Plot.PlotOptions => {
  const letters = width === 'wide' ? 40 : 28
  const shown = data.map(({ label, value }) => ({ label: clipTo(label, letters), value }))
  const longest = Math.max(...shown.map(({ label }) => label.length))
  const most = Math.max(...shown.map(({ value }) => value), 1)
  return {
    width: WIDTHS[width],
    height: 28 * data.length + 12,
    marginTop: 4,
    marginBottom: 8,
    marginLeft: longest * LETTER + 14,
    marginRight: `${most}`.length * LETTER * 1.3 + 14,
    x: { domain: [0, most], axis: null },
    y: { type: 'band', domain: shown.map((_, index) => index), label: null, axis: null, padding: 0.25 },
    marks: [
      Plot.barX(shown, { y: (_, index) => index, x: 'value', fill: `var(--${color})` }),
      Plot.axisY({ tickSize: 0, fontSize: FONT, tickFormat: (index) => shown[index]?.label ?? '' }),
      Plot.text(shown, {
        ...{ y: (_, index) => index, x: 'value', text: ({ value }) => count(value) },
        ...{ textAnchor: 'start', dx: 6, fontSize: FONT },
      }),
      Plot.ruleX([0]),
    ],
  }
}

/** What is used of the DOM, whose types are not part of node's. */
interface Svg {
  readonly children: Iterable<{ readonly localName: string; readonly remove: () => void }>
  readonly outerHTML: string
  readonly setAttribute: (name: string, value: string) => void
  readonly removeAttribute: (name: string) => void
}

const draw = (figure: Figure, width: Width): string => {
  const readable = {
    ...figure,
    data: figure.data.map((each) => ({ ...each, label: showHidden(each.label) })),
  }
  const { axis } = figure
  const options = axis === null ? bars(readable, width) : columns(readable, axis, width)
  const svg = Plot.plot({ ...options, document } as Plot.PlotOptions) as unknown as Svg
  // The page's policy allows no other style than its own.
  for (const child of [...svg.children]) if (child.localName === 'style') child.remove()
  for (const name of ['class', 'width', 'height', 'font-family', 'fill']) svg.removeAttribute(name)
  const [title, description] = [`${figure.id}-${width}-title`, `${figure.id}-${width}-description`]
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-labelledby', title)
  svg.setAttribute('aria-describedby', description)
  const words = `<title id="${title}">${escapeHtml(figure.title)}</title><desc id="${description}">${escapeHtml(figure.description)}</desc>`
  return `<div class="${width}">${svg.outerHTML.replace(/^<svg[^>]*>/, (start) => `${start}${words}`)}</div>`
}

/** A figure as SVG, once for each width; the style sheet shows one of them. */
export const drawFigure = (figure: Figure): string => `${draw(figure, 'wide')}${draw(figure, 'narrow')}`
