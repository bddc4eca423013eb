import type { LocalClock } from '../buckets.ts'
import { momentOf, offsetOf } from '../moments.ts'
import type { Report, Sources } from '../report.ts'
import { count, headline, isKnown, remarks } from '../wording.ts'
import { escapeHtml } from './escape-html.ts'
import { drawFigure } from './figures.ts'
import { type Section, sectionsOf } from './sections.ts'
import style from './style.css?raw'
import { renderDetails, renderTable } from './tables.ts'

const renderSection = ({
  id,
  title,
  lead,
  figure,
  table,
}: Section): string => `<section id="${id}" aria-labelledby="${id}-heading">
<h2 id="${id}-heading" tabindex="-1">${escapeHtml(title)}</h2>
<p class="lead">${escapeHtml(lead)}</p>
${figure === null ? renderTable(table) : `<figure>${drawFigure(figure)}</figure>\n${renderDetails(table)}`}
</section>`

const totalsOf = (report: Report, sources: Sources): [string, string][] => {
  const { totals, isExact } = report
  const about = isExact ? '' : 'about '
  const known = isKnown(report, sources)
  return [
    ...(known.scans
      ? ([
          ['Scans', about + count(totals.scans)],
          ['Hosts', about + count(totals.hosts)],
          ['Ports', count(totals.ports)],
        ] as [string, string][])
      : []),
    ...(known.bans
      ? ([
          ['Bans', count(totals.bans)],
          ['Still banned', count(totals.bannedHosts)],
        ] as [string, string][])
      : []),
  ]
}

/** A date is not to be broken at its hyphens. */
const DATE = /\b\d{4}-\d\d-\d\d(?: \d\d:\d\d)?\b/g

const paragraphs = (lines: readonly string[]): string =>
  lines.map((line) => `<p>${escapeHtml(line).replace(DATE, '<time>$&</time>')}</p>`).join('\n')

export interface PageOptions {
  readonly local: LocalClock
  readonly nowMs: number
  /** The SHA-256 of a text, in Base64. */
  readonly hash: (text: string) => string
  readonly version: string
}

/** The report as an HTML document that needs nothing else. */
export const renderPage = (report: Report, sources: Sources, options: PageOptions): string => {
  const { local, nowMs, hash, version } = options
  const sections = sectionsOf(report, sources, local)
  const period = `${momentOf(report.sinceMs, local)} to ${momentOf(report.untilMs, local)}`
  // Nothing is loaded or run, and no style but the page's own applies.
  const policy = `default-src 'none'; style-src 'sha256-${hash(style)}'; base-uri 'none'; form-action 'none'`
  const totals = totalsOf(report, sources)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<title>Port scans and bans, ${escapeHtml(period)}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header>
<h1>Port scans and bans</h1>
<p class="soft">${escapeHtml(period)}, local time (${escapeHtml(offsetOf(report.untilMs, local))})</p>
</header>
<nav aria-label="Parts of the report"><ul>
${sections.map(({ id, title }) => `<li><a href="#${id}">${escapeHtml(title)}</a></li>`).join('\n')}
<li><a href="#sources">What this rests on</a></li>
</ul></nav>
<main id="main" tabindex="-1">
${paragraphs(headline(report, sources, local))}
${totals.length === 0 ? '' : `<dl class="totals">\n${totals.map(([name, value]) => `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd></div>`).join('\n')}\n</dl>`}
${sections.map(renderSection).join('\n')}
<section id="sources" aria-labelledby="sources-heading">
<h2 id="sources-heading" tabindex="-1">What this rests on</h2>
${paragraphs(remarks(report, sources, local))}
</section>
</main>
<footer>Made by portward ${escapeHtml(version)} on ${escapeHtml(momentOf(nowMs, local))}. It has addresses of hosts: share it with care.</footer>
</body>
</html>
`
}
