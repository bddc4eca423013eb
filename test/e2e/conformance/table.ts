import { align, wrap } from './columns.ts'
import { type Difference, describeDifference, differences, type Run } from './compare.ts'
import { daemonName, PORTS, SCANS } from './matrix.ts'
import { outcomesOf } from './outcomes.ts'

/** One line of the table: scans and triggers of a daemon that have the same cells, a cell a port. */
interface Row {
  readonly scans: readonly string[]
  readonly triggers: readonly number[]
  readonly cells: readonly string[]
  /** How many decisions the row stands for, and how many of them the detector took alike. */
  readonly decisions: number
  readonly same: number
}

const LEGEND = [
  'Each cell says what became of the packets to a port with BLOCK_* 0/1/2, once where all three are alike:',
  '  banned   hosts.deny, KILL_ROUTE and KILL_RUN_CMD        ran      KILL_RUN_CMD only',
  '  told     noticed, and nothing done about it             again    noticed, and blocked already',
  '  below    2.0.7: noticed, below SCAN_TRIGGER             ignored  2.0.7: noticed, in the ignore file',
  '  own      2.0.7: noticed, from the address it went to    in use   2.0.7: left alone, a service has the port',
  '  -        nothing at all',
  'Where detector and daemon differ a cell reads DAEMON|DETECTOR. 1.2 tcp and udp log port 143 as 80: they count',
  'the ports that they hold, and 80 before it is in use. Here it stands under the port that was meant.',
]

/** What the daemon and the detector made of a scan's packets to a port, for each run. */
const decisionsOf = (runs: readonly Run[], source: string, port: number) =>
  runs.map(({ setup, daemon, detector }) => {
    const [real = '-', ours = '-'] = [daemon, detector].map((evidence) =>
      outcomesOf(setup, evidence.get(source)).get(port),
    )
    return { text: real === ours ? real : `${real}|${ours}`, isSame: real === ours }
  })

/** The rows of one daemon with one trigger, `runs` being in the order of BLOCK_*. */
const singleRows = (runs: readonly Run[], trigger: number): Row[] =>
  SCANS.map(({ name, source }) => {
    const ports = PORTS.map(({ port }) => decisionsOf(runs, source, port))
    const cells = ports.map((decisions) => {
      const texts = decisions.map(({ text }) => text)
      return new Set(texts).size === 1 ? String(texts[0]) : texts.join('/')
    })
    const all = ports.flat()
    const same = all.filter(({ isSame }) => isSame).length
    return { scans: [name], triggers: [trigger], cells, decisions: all.length, same }
  })

/** Folds rows with equal cells that agree in `by`, into lists of the other. */
const fold = (rows: readonly Row[], by: 'scans' | 'triggers'): Row[] => {
  const folded = new Map<string, Row>()
  for (const row of rows) {
    const key = [...row[by], ...row.cells].join()
    const other = folded.get(key)
    const both = <T>(one: readonly T[], two: readonly T[]): T[] => [...new Set([...one, ...two])]
    folded.set(
      key,
      other === undefined
        ? row
        : {
            scans: both(other.scans, row.scans),
            triggers: both(other.triggers, row.triggers),
            cells: row.cells,
            decisions: other.decisions + row.decisions,
            same: other.same + row.same,
          },
    )
  }
  return [...folded.values()]
}

const rowsOf = (runs: readonly Run[]): Row[] => {
  const triggers = [...new Set(runs.map(({ setup }) => setup.trigger))]
  const single = triggers.flatMap((trigger) =>
    singleRows(
      runs.filter(({ setup }) => setup.trigger === trigger),
      trigger,
    ),
  )
  return fold(fold(single, 'scans'), 'triggers')
}

/** Characters for the names of scans. */
const SCANS_WIDTH = 44

const section = (name: string, runs: readonly Run[]): string[] => {
  const head = ['nmap', 'trigger', ...PORTS.map(({ port }) => String(port)), 'same decisions']
  const roles = ['', '', ...PORTS.map(({ role }) => role)]
  const body = rowsOf(runs).flatMap(({ scans, triggers, cells, decisions, same }) => {
    const [first = '', ...more] = wrap(scans, SCANS_WIDTH)
    return [[first, triggers.join(','), ...cells, `${same} of ${decisions}`], ...more.map((text) => [text])]
  })
  return [`== portsentry ${name}`, ...align([head, roles, ...body]), '']
}

/** Equal differences told once, with the configurations that have them. */
const describeAll = (found: readonly Difference[]): string[] => {
  const groups = new Map<string, Difference[]>()
  for (const difference of found) {
    const { setup, ...rest } = difference
    const key = JSON.stringify([daemonName(setup), rest])
    groups.set(key, [...(groups.get(key) ?? []), difference])
  }
  return [...groups.values()].map((group) => {
    const levels = group.map(({ setup }) => `${setup.trigger}/${setup.block}`).join(' ')
    const [first] = group
    if (first === undefined) return ''
    return `portsentry ${daemonName(first.setup)}, SCAN_TRIGGER/BLOCK_* ${levels}: ${describeDifference(first)}`
  })
}

const count = (runs: readonly Run[], side: 'daemon' | 'detector'): number =>
  runs.reduce(
    (sum, run) =>
      [...run[side].values()].reduce((lines, trace) => lines + Object.values(trace).flat().length, sum),
    0,
  )

/** The whole matrix as text: what the daemons decided, and in which of it the detector differs. */
export const renderTable = (runs: readonly Run[]): string => {
  const names = [...new Set(runs.map(({ setup }) => daemonName(setup)))]
  const found = runs.flatMap(differences)
  const unexplained = found.filter(({ reason }) => reason === null).length
  return [
    ...[...LEGEND, ''],
    ...names.flatMap((name) =>
      section(
        name,
        runs.filter(({ setup }) => daemonName(setup) === name),
      ),
    ),
    `${runs.length} configurations. Compared as they are but for time: ${count(runs, 'daemon')} lines of the daemons with` +
      ` ${count(runs, 'detector')} of the detector (log, history, blocked files, hosts.deny, commands).`,
    `${found.length} differences, ${unexplained} of them unexplained.`,
    ...describeAll(found),
    '',
  ].join('\n')
}
