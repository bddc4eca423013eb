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
import { compare } from './compare.ts'

const TARGETS = Number(process.env['PORTWARD_BENCH_TARGETS'] ?? 50)
const SAMPLE = join(fixtures, 'sample-server')

const filesOf = (root: string): string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) =>
    statSync(join(root, path)).isFile(),
  )

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

describeWith({ '/usr/bin/ansible-playbook': 'ansible-core' }, `a playbook on ${TARGETS} servers`, () => {
  const home = mkdtempSync(join(tmpdir(), 'portward-fleet-'))
  const reference = join(home, 'reference')
  const launcher = join(checkout, 'bin/portward')
  const { env } = installCollection(home)
  afterAll(() => rmSync(home, { recursive: true, force: true }))

  const targets = Array.from({ length: TARGETS }, (_, index) => `target-${index + 1}`)
  const treeOf = (fleet: string, target: string) => join(home, fleet, target)

  /** Copies of the sample server, the inventory that names them, and the play. */
  const prepare = (fleet: string, tasks: readonly object[]): void => {
    for (const target of targets) cpSync(SAMPLE, treeOf(fleet, target), { recursive: true })
    const common = { ansible_connection: 'local', ansible_python_interpreter: '/usr/bin/python3' }
    const hosts = Object.fromEntries(
      targets.map((target) => [target, { ...common, tree: treeOf(fleet, target) }]),
    )
    writeFileSync(join(home, `${fleet}-inventory.json`), JSON.stringify({ all: { hosts } }))
    const play = [{ hosts: 'all', gather_facts: false, tasks }]
    writeFileSync(join(home, `${fleet}.json`), JSON.stringify(play))
  }
  const variables = { ...env, PATH: `${dirname(process.execPath)}:${env.PATH}`, ANSIBLE_PIPELINING: 'true' }
  const setting = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
  const play = (fleet: string): string =>
    `env -i ${setting.join(' ')} ansible-playbook --forks 10 -i ${home}/${fleet}-inventory.json ${home}/${fleet}.json`

  beforeAll(async () => {
    cpSync(SAMPLE, reference, { recursive: true })
    await execa(launcher, ['apply', '--yes', '--root', reference])
    prepare('own', [{ 'portward.portward.apply': { root: '{{ tree }}', executable: launcher } }])
    prepare('peer', peerTasks(reference, join(home, 'templates')))
  })

  test('both make the same files, and then have nothing to do', { timeout: 3_600_000 }, async () => {
    for (const fleet of ['own', 'peer']) {
      await execa('sh', ['-c', play(fleet)])
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
    const settled = (fleet: string) => `test "$(${play(fleet)} | grep -c changed=0)" = ${TARGETS}`
    await compare({
      ...{ part: 'A fleet through Ansible', work: `${TARGETS} servers, nothing to do` },
      own: { name: 'the module', run: settled('own') },
      peers: [
        {
          ...{ name: "Ansible's own templates", run: settled('peer') },
          marks: { time: { ratio: 1 / 5 }, processor: { ratio: 1 / 5 }, memory: {} },
        },
      ],
      rounds: 3,
      warmUp: false,
      remark:
        "all on this machine, with connection local, pipelining and 10 forks. Half of the module's time is Ansible's own, as its ping takes it; the other half is portward's",
    })
  })
})
