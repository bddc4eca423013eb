import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { renderPage } from '../../src/report/page/page.ts'
import type { Report, Sources } from '../../src/report/report.ts'
import { temporaryDirectory } from '../tree.ts'
import { hasChromium, startChromium, type Tab } from './chromium.ts'
import { ago, ban, busyWeek, record, reportOf, SOURCES, UNTIL, UTC } from './server.ts'

const render = (report: Report, sources: Sources = SOURCES): string =>
  renderPage(report, sources, {
    ...{ local: UTC, nowMs: UNTIL, version: '1.2.3' },
    hash: (text) => createHash('sha256').update(text).digest('base64'),
  })

const EVIL = `"><script>document.title = 'owned'</script><img src=x onerror="document.title='owned'">'&\u202e`

/** Of a scanner whose packets, as the history has them, are made to break the page. */
const hostile = (): Report =>
  reportOf(
    [record('203.0.113.9', 9, { scan: EVIL }), record('203.0.113.9', 5, { scan: EVIL })],
    [ban('203.0.113.9', 9, 60_000)],
  )

describe('the text of the page', () => {
  const page = render(busyWeek())

  it('loads nothing: it has no URL but those of its own parts', () => {
    const urls = [
      ...page.matchAll(
        /(?:href|src|action|xlink:href)="([^"]*)"|url\(([^)]*)\)|@import|<(?:script|link|img|iframe|object)/g,
      ),
    ]
    expect(urls.filter(([, href]) => !href?.startsWith('#')).map(([text]) => text)).toEqual([])
  })

  it('has no style but that of its one sheet, whose hash its policy names', () => {
    const [, sheet = ''] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? []
    const hash = createHash('sha256').update(sheet).digest('base64')
    expect(page).toContain(
      `content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'"`,
    )
    expect(sheet).toContain('prefers-color-scheme: dark')
    expect(page.match(/<style|\sstyle=/g)).toEqual(['<style'])
  })

  it('is without figures where nothing was seen, and says so', () => {
    const empty = render(reportOf([]))
    expect(empty).not.toContain('<svg')
    expect(empty).toContain('<p>No scan was recorded since <time>2026-11-21 12:00</time>.</p>')
  })
})

it('has no number of what could not be read', () => {
  const unread = (state: 'read' | 'incomplete'): Sources => ({
    history: { ...SOURCES.history, state },
    database: { ...SOURCES.database, state, note: '/d: locked' },
  })
  const termsOf = (page: string) => [...page.matchAll(/<dt>(.*?)<\/dt>/g)].map(([, term]) => term)
  expect(termsOf(render(reportOf([]), unread('read')))).toEqual([
    'Scans',
    'Hosts',
    'Ports',
    'Bans',
    'Still banned',
  ])
  expect(termsOf(render(reportOf([]), unread('incomplete')))).toEqual([])
})

/** Evaluates to what a reader gets of each figure that is shown, and of the table under it. */
const READ = `[...document.querySelectorAll('section')].filter((section) => section.querySelector('svg')).map((section) => {
  const shown = [...section.querySelectorAll('svg')].filter((svg) => svg.getBoundingClientRect().width > 0)
  const text = (id) => document.getElementById(id).textContent
  return {
    id: section.id,
    figures: shown.map((svg) => [svg.getAttribute('role'), text(svg.getAttribute('aria-labelledby')), text(svg.getAttribute('aria-describedby'))]),
    bars: shown.map((svg) => svg.querySelectorAll('[aria-label=bar] rect').length),
    caption: section.querySelector('caption').textContent,
    scopes: [...new Set([...section.querySelectorAll('th')].map((th) => th.scope))],
    head: [...section.querySelectorAll('thead th')].map((th) => th.textContent),
    rows: [...section.querySelectorAll('tbody tr')].map((row) => [...row.children].map((cell) => cell.textContent)),
  }
})`

interface Read {
  readonly id: string
  readonly figures: readonly (readonly string[])[]
  readonly bars: readonly number[]
  readonly caption: string
  readonly scopes: readonly string[]
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

describe.skipIf(!hasChromium())('the page in Chromium', () => {
  let tab: Tab

  beforeAll(async () => {
    tab = await startChromium()
  })
  afterAll(() => tab?.close())

  const show = async (report: Report): Promise<void> => {
    const path = join(temporaryDirectory(), 'report.html')
    writeFileSync(path, render(report))
    await tab.open(`file://${path}`)
  }
  const size = (width: number, mobile: boolean) =>
    tab.send('Emulation.setDeviceMetricsOverride', { width, height: 800, deviceScaleFactor: 1, mobile })
  const prefer = (...features: readonly { readonly name: string; readonly value: string }[]) =>
    tab.send('Emulation.setEmulatedMedia', { features })
  const read = async () => (await tab.evaluate(READ)) as readonly Read[]

  it('has a figure and a table of the same numbers for each part of the report', async () => {
    const report = busyWeek()
    await size(1000, false)
    await show(report)
    const parts = await read()
    expect(parts.map(({ id, bars }) => [id, ...bars])).toEqual([
      ...[
        ['scans', 8],
        ['bans', 8],
        ['ports', 12],
        ['networks', 12],
        ['types', 2],
        ['lengths', 8],
      ],
    ])
    for (const { figures, scopes } of parts) {
      expect(figures).toHaveLength(1)
      expect(figures[0]).toEqual([
        'img',
        expect.stringMatching(/\w/),
        expect.stringMatching(/The largest: \S/),
      ])
      expect(scopes).toEqual(['col', 'row'])
    }
    const rowsOf = (id: string) => parts.find((part) => part.id === id)?.rows
    const { timeline, ports, networks, types, banLengths, totals } = report
    expect(rowsOf('scans')?.map(([, scans, hosts]) => [Number(scans), Number(hosts)])).toEqual(
      timeline.map(({ scans, newHosts }) => [scans, newHosts]),
    )
    expect(rowsOf('scans')?.[1]?.[0]).toBe('2026-11-22')
    expect(rowsOf('bans')?.map(([, bans]) => Number(bans))).toEqual(timeline.map(({ bans }) => bans))
    expect(rowsOf('ports')?.[0]).toEqual(['22/tcp ssh', `${ports[0]?.hosts}`, `${ports[0]?.records}`])
    expect(rowsOf('networks')).toHaveLength(networks.length)
    expect(rowsOf('types')?.map(([type]) => type)).toEqual(types.map(({ type }) => type))
    expect(rowsOf('lengths')?.map(([, bans]) => Number(bans))).toEqual(banLengths.map(({ bans }) => bans))
    const shown = await tab.evaluate(
      `[...document.querySelectorAll('.totals dd')].map((dd) => dd.textContent)`,
    )
    expect(shown).toEqual(
      [totals.scans, totals.hosts, totals.ports, totals.bans, totals.bannedHosts].map(String),
    )
  })

  it('has a column for each hour of two days, though these have the same names', async () => {
    await show(reportOf([record('203.0.113.9', 1), record('203.0.113.9', 25)], [], undefined, ago(48)))
    const parts = await read()
    expect(parts[0]).toMatchObject({ id: 'scans', bars: [48] })
    const labels = `[...document.querySelectorAll('#scans .wide [aria-label="x-axis tick label"] text')].map((text) => text.textContent)`
    expect(await tab.evaluate(labels)).toEqual(expect.arrayContaining(['12:00', '11-27', '11-28']))
  })

  it('names each figure, table and part to a screen reader', async () => {
    await show(busyWeek())
    const { nodes } = (await tab.send('Accessibility.getFullAXTree')) as unknown as {
      readonly nodes: readonly {
        readonly role?: { readonly value: string }
        readonly name?: { readonly value: string }
      }[]
    }
    const named = (role: string) =>
      nodes.filter((node) => node.role?.value === role).map((node) => node.name?.value)
    const figures = [
      'Scans over time',
      'Bans over time',
      'Ports',
      'Networks',
      'Kinds of scan',
      'Length of bans',
    ]
    const parts = [...figures, 'Repeat offenders', 'Noticed, but ignored', 'What this rests on']
    expect(named('image')).toEqual(figures)
    expect(named('heading')).toEqual(['Port scans and bans', ...parts])
    expect(nodes.filter((node) => node.role?.value === 'main')).toHaveLength(1)
  })

  it('can be read by keyboard alone', async () => {
    await show(busyWeek())
    const press = async (key: string, code: number) => {
      for (const type of ['keyDown', 'keyUp'])
        await tab.send('Input.dispatchKeyEvent', {
          type,
          key,
          code: key,
          windowsVirtualKeyCode: code,
          ...(key === 'Enter' && type === 'keyDown' ? { text: '\r' } : {}),
        })
    }
    const focused = () => tab.evaluate(`document.activeElement.textContent.trim().slice(0, 20)`)
    await press('Tab', 9)
    expect(await focused()).toBe('Skip to the report')
    expect(await tab.evaluate(`document.activeElement.getBoundingClientRect().left >= 0`)).toBe(true)
    await press('Enter', 13)
    expect(await tab.evaluate(`document.activeElement.id`)).toBe('main')
    await press('Tab', 9)
    expect(await tab.evaluate(`document.activeElement.localName`)).toBe('summary')
    const isOpen = () => tab.evaluate(`document.querySelector('details').open`)
    const before = await isOpen()
    await press('Enter', 13)
    expect(await isOpen()).toBe(!before)
  })

  it('fits a phone, with figures of its own', async () => {
    await size(390, true)
    await show(busyWeek())
    await tab.evaluate(`for (const each of document.querySelectorAll('details')) each.open = true`)
    expect(await tab.evaluate(`document.documentElement.scrollWidth`)).toBe(390)
    const letters = await tab.evaluate(
      `Math.min(...[...document.querySelectorAll('.narrow svg text')].map((text) => text.getBoundingClientRect().height))`,
    )
    expect(letters).toBeGreaterThan(10)
    expect((await read()).every(({ figures }) => figures.length === 1)).toBe(true)
  })

  it.each(['light', 'dark'])('has enough contrast in %s', async (scheme) => {
    await size(1000, false)
    await prefer({ name: 'prefers-color-scheme', value: scheme })
    await show(busyWeek())
    const colors = (await tab.evaluate(`(() => {
      const of = (selector, property) => getComputedStyle(document.querySelector(selector))[property]
      return [of('body', 'backgroundColor'), of('body', 'color'), of('.soft', 'color'), of('a[href="#ports"]', 'color'),
        of('#scans [aria-label=bar]', 'fill'), of('#bans [aria-label=bar]', 'fill'), of('#ports svg text', 'fill')]
    })()`)) as string[]
    const luminance = (color: string) => {
      const [red = 0, green = 0, blue = 0] = (color.match(/\d+/g) ?? []).map((value) => {
        const part = Number(value) / 255
        return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
      })
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
    const [paper = '', ...others] = colors
    expect(luminance(paper) > 0.5).toBe(scheme === 'light')
    const ratios = others.map((color) => {
      const [high = 0, low = 0] = [luminance(color), luminance(paper)].sort((a, b) => b - a)
      return (high + 0.05) / (low + 0.05)
    })
    // WCAG 2.2: text, and graphics.
    expect([ratios.slice(0, 3).every((ratio) => ratio >= 4.5), ratios.every((ratio) => ratio >= 3)]).toEqual([
      true,
      true,
    ])
    await prefer()
  })

  it('runs nothing that a history has in it', async () => {
    await show(hostile())
    expect(await tab.evaluate('document.title')).toBe(
      'Port scans and bans, 2026-11-21 12:00 to 2026-11-28 12:00',
    )
    expect(await tab.evaluate(`document.querySelectorAll('script, img').length`)).toBe(0)
    const types = (await read()).find(({ id }) => id === 'types')
    expect(types?.rows[0]?.[0]).toMatch(/^"><script>document\.title = 'owned'<\/script><img src=x/)
  })

  it('can be printed', async () => {
    await size(1000, false)
    await show(busyWeek())
    const { data } = await tab.send('Page.printToPDF', { paperWidth: 8.27, paperHeight: 11.7 })
    expect(Buffer.from(String(data), 'base64').subarray(0, 5).toString()).toBe('%PDF-')
  })

  it('asked for nothing but itself, and broke no rule of its policy', () => {
    expect(tab.requests.filter((url) => !/^file:\/\/\/[^?]*\/report\.html(?:#main)?$/.test(url))).toEqual([])
    expect(tab.complaints).toEqual([])
  })
})
