/**
 * Public Ansible roles, run on the server that they configure. The bench takes them from `PORTWARD_BENCH_ROLES`, a directory
 * with the roles under their names in Ansible Galaxy, else from there.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { DEFAULT_CONFIG, install } from '../e2e/harness/floors.ts'
import { type Server, startServer } from '../e2e/harness/server.ts'

/** Each of these sets up portsentry; the other fail2ban, whose tasks need the collection community.general. */
const PORTSENTRY_ROLES = ['maxlareo.portsentry', 'labocbz.install_portsentry'] as const
const FAIL2BAN_ROLE = 'robertdebock.fail2ban'

/** The roles cannot be had here; the message says why. */
export class Unavailable extends Error {}

/** The roles, and the collection as Debian's package of Ansible has it, as an archive for `/`. */
const readArchive = async (): Promise<Buffer> => {
  const directory = mkdtempSync(join(tmpdir(), 'portward-roles-'))
  const roles = join(directory, 'root/roles')
  const names = [...PORTSENTRY_ROLES, FAIL2BAN_ROLE]
  const options = { cwd: directory, timeout: 120_000 }
  try {
    mkdirSync(roles, { recursive: true })
    const given = process.env['PORTWARD_BENCH_ROLES']
    if (given) await execa('cp', ['-R', ...names.map((name) => join(given, name)), roles], options)
    else {
      await execa('ansible-galaxy', ['role', 'install', '-p', roles, ...names], options).catch((cause) => {
        throw new Unavailable('ansible-galaxy could not install them, and PORTWARD_BENCH_ROLES is not set', {
          cause,
        })
      })
    }
    const collection = './usr/lib/python3/dist-packages/ansible_collections/community/general'
    const unpack = `apt-get download ansible && dpkg-deb --fsys-tarfile ansible_*.deb | tar -x ${collection}`
    await execa('sh', ['-c', unpack], options).catch((cause) => {
      throw new Unavailable(
        'apt-get could not download the package ansible, with the collection that one needs',
        { cause },
      )
    })
    return await execa('tar', ['-c', 'root', 'usr'], { ...options, encoding: 'buffer' }).then(({ stdout }) =>
      Buffer.from(stdout),
    )
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

export const RUN_ROLES = 'ansible-playbook -i localhost, -c local /root/play.json'

/** Servers that the roles have set up, by the role of portsentry; throws Unavailable. */
export const startRoleServers = async (): Promise<ReadonlyMap<string, Server>> => {
  const archive = await readArchive()
  const servers = new Map<string, Server>()
  for (const role of PORTSENTRY_ROLES) {
    const server = await startServer({ floor: 'installed' })
    servers.set(role, server)
    await server.write('/root/config.env', DEFAULT_CONFIG, 0o600)
    await server.run('tar -x -C /', { stdin: archive })
    const play = [{ hosts: 'all', roles: [role, FAIL2BAN_ROLE].map((name) => ({ role: name })) }]
    await server.write('/root/play.json', JSON.stringify(play))
    // Not to be reached from here: the roles' update of the lists would fail, and has nothing to read so.
    await server.run(`${install('ansible-core python3-apt')}; : >/etc/apt/sources.list`)
    await server.run(RUN_ROLES)
  }
  return servers
}
