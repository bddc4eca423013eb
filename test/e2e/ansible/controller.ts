import { $ } from 'zx'
import { unpackBundle } from '../harness/bundle.ts'
import type { Network } from '../harness/network.ts'
import { type Server, startServer } from '../harness/server.ts'

/** How a play ended for one host. */
interface Outcome {
  readonly changed: number
  readonly unreachable: number
  readonly failed: number
}

export interface Play {
  readonly stdout: string
  readonly exitCode: number
  readonly hosts: Readonly<Record<string, Outcome>>
}

/** A machine with Debian's Ansible, from which others are driven over ssh. */
export interface Controller {
  readonly server: Server
  /** Lays a cable to a server with sshd and lets the controller in; returns both ends' addresses. */
  connect(server: Server): Promise<{ here: string; there: string }>
  /** Writes a file of the controller, as YAML (which JSON is). */
  write(path: string, content: object): Promise<void>
  play(playbook: string, options?: string): Promise<Play>
}

/** A cable between two servers' namespaces; it goes with them. */
const layCable = async (from: Network, device: string, here: string, to: Network, there: string) => {
  await $`ip -n ${from.server} link add ${device} type veth peer name mgmt0 netns ${to.server}`
  await $`ip -n ${from.server} address add ${here}/30 dev ${device}`
  await $`ip -n ${to.server} address add ${there}/30 dev mgmt0`
  await $`ip -n ${from.server} link set ${device} up`
  await $`ip -n ${to.server} link set mgmt0 up`
}

/** The lines below PLAY RECAP. */
const readRecap = (stdout: string): Play['hosts'] => {
  const lines = (stdout.split(/^PLAY RECAP .*$/m)[1] ?? '').trim().split('\n')
  return Object.fromEntries(
    lines.map((line) => {
      const count = (key: string) => Number(new RegExp(`\\b${key}=(\\d+)`).exec(line)?.[1])
      return [
        line.split(' ', 1)[0] ?? '',
        { changed: count('changed'), unreachable: count('unreachable'), failed: count('failed') },
      ]
    }),
  )
}

/** Starts a controller with the collection installed, the bundle in /root/portward, and no network. */
export const startController = async (): Promise<Controller> => {
  const server = await startServer({ suite: 'trixie', floor: 'ansible' })
  await unpackBundle(server, '/root/portward')
  let cables = 0
  return {
    server,
    connect: async (target) => {
      cables += 1
      const [here, there] = [`10.77.${cables}.1`, `10.77.${cables}.2`]
      await layCable(server.network, `mgmt${cables}`, here, target.network, there)
      await target.write('/root/.ssh/authorized_keys', await server.read('/root/.ssh/id_ed25519.pub'), 0o600)
      const key = await target.readText('/etc/ssh/ssh_host_ed25519_key.pub')
      await server.run('cat >>/root/.ssh/known_hosts', { stdin: `${there} ${key}` })
      await server.run(`ssh ${there} true`)
      return { here, there }
    },
    write: (path, content) => server.write(path, JSON.stringify(content, null, 2)),
    play: async (playbook, options = '') => {
      const { stdout, stderr, exitCode } = await server.run(`ansible-playbook ${options} ${playbook}`, {
        allowFailure: true,
        timeoutMs: 600_000,
      })
      const hosts = readRecap(stdout)
      if (Object.keys(hosts).length === 0) throw new Error(`no play: ${stdout}\n${stderr}`)
      return { stdout: `${stdout}\n${stderr}`, exitCode, hosts }
    },
  }
}
