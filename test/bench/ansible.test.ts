import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installCollection } from '../ansible/collection.ts'
import { describeWith } from '../ansible/requirements.ts'
import { checkout } from '../checkout.ts'
import { fixtures } from '../tree.ts'

const TARGETS = Number(process.env['PORTWARD_BENCH_TARGETS'] ?? 50)
const FORKS = 10
const SAMPLE = join(fixtures, 'sample-server')
const MINUTES = 60_000

const filesOf = (root: string): string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(root, path)).isFile(),
  )

/** Bytes of memory that the processes of ansible-playbook itself hold, shared ones in parts; modules not counted. */
const memoryOf = (controller: number): number => {
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return '' // it has ended meanwhile
    }
  }
  const children = read(`/proc/${controller}/task/${controller}/children`).trim().split(' ').filter(Boolean)
  const own = [controller, ...children.map(Number)].filter((pid) =>
    read(`/proc/${pid}/comm`).startsWith('ansible-playbo'),
  )
  const sizes = own.map((pid) =>
    Number(/^Pss: +(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0),
  )
  return sizes.reduce((sum, size) => sum + size, 0) * 1024
}

interface Measurement {
  readonly wallMs: number
  readonly peakBytes: number
}

/** The tasks with which a playbook makes of the sample server what portward makes of it: a template for each file. */
const peerTasks = (reference: string, templates: string): object[] => {
  const stock = new Set(filesOf(SAMPLE))
  const text = (root: string, path: string) => readFileSync(join(root, path), 'utf8')
  const mode = (path: string) => (statSync(join(reference, path)).mode & 0o777).toString(8).padStart(4, '0')
  const written = filesOf(reference).filter(
    (path) => !stock.has(path) || text(SAMPLE, path) !== text(reference, path),
  )
  for (const path of written) {
    mkdirSync(join(templates, dirname(path)), { recursive: true })
    writeFileSync(join(templates, path), `{% raw %}${text(reference, path)}{% endraw %}`)
  }
  const isStock = (directory: string) => existsSync(join(SAMPLE, directory))
  return [
    {
      'ansible.builtin.file': { path: '{{ tree }}/{{ item }}', state: 'directory', mode: '0755' },
      loop: [...new Set(written.map(dirname))].filter((directory) => !isStock(directory)),
    },
    {
      'ansible.builtin.template': {
        src: `${templates}/{{ item.path }}`,
        dest: '{{ tree }}/{{ item.path }}',
        mode: '{{ item.mode }}',
      },
      loop: written.map((path) => ({ path, mode: mode(path) })),
    },
  ]
}

describeWith({ '/usr/bin/ansible-playbook': 'ansible-core' }, `a playbook on ${TARGETS} targets`, () => {
  const home = mkdtempSync(join(tmpdir(), 'portward-fleet-'))
  const reference = join(home, 'reference')
  const launcher = join(checkout, 'bin/portward')
  const { env } = installCollection(home)
  afterAll(() => rmSync(home, { recursive: true, force: true }))

  const targets = Array.from({ length: TARGETS }, (_, index) => `target-${index + 1}`)
  const treeOf = (fleet: string, target: string) => join(home, fleet, target)

  /** Copies of the sample server, and the inventory that names them. */
  const prepare = (fleet: string, tasks: readonly object[]): void => {
    for (const target of targets) cpSync(SAMPLE, treeOf(fleet, target), { recursive: true })
    const common = { ansible_connection: 'local', ansible_python_interpreter: '/usr/bin/python3' }
    const hosts = Object.fromEntries(
      targets.map((target) => [target, { ...common, tree: treeOf(fleet, target) }]),
    )
    mkdirSync(join(home, 'plays'), { recursive: true })
    writeFileSync(join(home, 'plays', `${fleet}-inventory.json`), JSON.stringify({ all: { hosts } }))
    const play = [{ hosts: 'all', gather_facts: false, tasks }]
    writeFileSync(join(home, 'plays', `${fleet}.json`), JSON.stringify(play))
  }

  const play = async (fleet: string, changed: boolean): Promise<Measurement> => {
    const start = performance.now()
    const child = spawn(
      '/usr/bin/ansible-playbook',
      ['--forks', String(FORKS), '--inventory', `${fleet}-inventory.json`, `${fleet}.json`],
      {
        cwd: join(home, 'plays'),
        env: { ...env, PATH: `${dirname(process.execPath)}:${env.PATH}` },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += String(chunk)
    })
    let peakBytes = 0
    const timer = setInterval(() => {
      peakBytes = Math.max(peakBytes, memoryOf(child.pid ?? 0))
    }, 200)
    const [status] = await once(child, 'close')
    clearInterval(timer)
    const wallMs = performance.now() - start
    expect(status, output).toBe(0)
    expect(output.match(changed ? /changed=[1-9]/g : /changed=0/g), output).toHaveLength(TARGETS)
    return { wallMs, peakBytes }
  }

  const print = (what: string, own: Measurement, peer: Measurement): void => {
    const ms = ({ wallMs }: Measurement) => (wallMs / TARGETS).toFixed(0)
    const mb = ({ peakBytes }: Measurement) => (peakBytes / TARGETS / 1e6).toFixed(1)
    const times = `${ms(own)} ms a target; Ansible's own templates: ${ms(peer)} ms; ratio ${(own.wallMs / peer.wallMs).toFixed(2)}`
    const memory = `the controller holds ${mb(own)} MB a target at most; Ansible's own templates: ${mb(peer)} MB; ratio ${(own.peakBytes / peer.peakBytes).toFixed(2)}`
    process.stdout.write(`${TARGETS} targets, ${what}: ${times}\n${TARGETS} targets, ${what}: ${memory}\n`)
  }

  beforeAll(async () => {
    cpSync(SAMPLE, reference, { recursive: true })
    await execa(launcher, ['apply', '--yes', '--root', reference])
    prepare('own', [{ 'portward.portward.apply': { root: '{{ tree }}', executable: launcher } }])
    prepare('peer', peerTasks(reference, join(home, 'templates')))
  })

  test('both make the same files', { timeout: 30 * MINUTES }, async () => {
    print('first run', await play('own', true), await play('peer', true))
    for (const fleet of ['own', 'peer']) {
      for (const target of targets) {
        const tree = treeOf(fleet, target)
        expect(filesOf(tree).sort()).toEqual(filesOf(reference).sort())
        for (const path of filesOf(reference)) {
          expect(readFileSync(join(tree, path), 'latin1'), `${fleet}: ${path}`).toBe(
            readFileSync(join(reference, path), 'latin1'),
          )
        }
      }
    }
  })

  test('both have nothing to do then', { timeout: 30 * MINUTES }, async () => {
    print('nothing to do', await play('own', false), await play('peer', false))
  })
})
