import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { installCollection } from '../ansible/collection.ts'
import { describeWith } from '../ansible/requirements.ts'
import { checkout } from '../checkout.ts'
import { contentsOf, fixtures } from '../tree.ts'
import { compare } from './compare.ts'

const TARGETS = Number(process.env['PORTWARD_BENCH_TARGETS'] ?? 50)
const SAMPLE = join(fixtures, 'sample-server')

/** The tasks with which a playbook makes of the sample server what portward makes of it: a template for each file. */
const peerTasks = (reference: string, templates: string): object[] => {
  const stock = contentsOf(SAMPLE)
  const mode = (path: string) => (statSync(join(reference, path)).mode & 0o777).toString(8).padStart(4, '0')
  const written = [...contentsOf(reference)].filter(([path, text]) => stock.get(path) !== text)
  const paths = written.map(([path]) => path)
  for (const [path, text] of written) {
    mkdirSync(join(templates, dirname(path)), { recursive: true })
    writeFileSync(join(templates, path), `{% raw %}${text}{% endraw %}`, 'latin1')
  }
  const isStock = (directory: string) => existsSync(join(SAMPLE, directory))
  return [
    {
      'ansible.builtin.file': { path: '{{ tree }}/{{ item }}', state: 'directory', mode: '0755' },
      loop: [...new Set(paths.map(dirname))].filter((directory) => !isStock(directory)),
    },
    {
      'ansible.builtin.template': {
        src: `${templates}/{{ item.path }}`,
        dest: '{{ tree }}/{{ item.path }}',
        mode: '{{ item.mode }}',
      },
      loop: paths.map((path) => ({ path, mode: mode(path) })),
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
        expect(contentsOf(treeOf(fleet, target)), `${fleet}: ${target}`).toEqual(contentsOf(reference))
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
