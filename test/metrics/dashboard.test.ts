import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { METRICS } from '../../src/metrics/metrics.ts'
import { checkout } from '../checkout.ts'

interface Panel {
  readonly id: number
  readonly title: string
  readonly datasource: { readonly uid: string }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[]
}

const { __inputs, __requires, uid, templating, panels } = JSON.parse(
  readFileSync(join(checkout, 'examples/grafana/portward.json'), 'utf8'),
) as {
  readonly __inputs: readonly { readonly name: string; readonly pluginId: string }[]
  readonly __requires: readonly { readonly type: string; readonly id: string }[]
  readonly uid: string
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition: string }[] }
  readonly panels: readonly (Panel & { readonly type: string })[]
}

const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
const namesIn = (text: string): string[] => text.match(/\bportward_\w+/g) ?? []

describe('the dashboard of Grafana', () => {
  it('can be imported: it asks for a Prometheus, which all of it uses', () => {
    expect(__inputs).toMatchObject([{ name: 'DS_PROMETHEUS', pluginId: 'prometheus' }])
    expect(uid).toBe('portward')
    const sources = panels.flatMap(({ datasource, targets }) => [
      datasource,
      ...targets.map((one) => one.datasource),
    ])
    expect(new Set(sources.map((source) => source.uid))).toEqual(new Set(['${DS_PROMETHEUS}']))
    const needed = new Set(panels.map(({ type }) => type))
    expect(new Set(__requires.filter(({ type }) => type === 'panel').map(({ id }) => id))).toEqual(needed)
  })

  it('shows every metric, and none that does not exist', () => {
    const names = METRICS.map(({ name }) => name)
    expect(new Set(expressions.flatMap(namesIn))).toEqual(new Set(names))
    for (const { definition } of templating.list)
      for (const name of namesIn(definition)) expect(names).toContain(name)
  })

  it('asks for the servers that are chosen', () => {
    expect(templating.list.map(({ name }) => name)).toEqual(['instance'])
    expect(expressions.filter((each) => !each.includes('{instance=~"$instance"}'))).toEqual([])
  })

  it('has panels that lie beside each other, within the 24 columns', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24)
  })
})
