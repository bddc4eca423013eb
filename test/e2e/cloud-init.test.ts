import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildPackage, type DebianPackage, type Download, fillIn, servePackage } from './deb.ts'
import type { Suite } from './harness/base-image.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, expectCutOff, expectSpared, OPEN_PORT, portward } from './scenario.ts'

const SEED = '/var/lib/cloud/seed/nocloud'

let deb: DebianPackage

beforeAll(() => {
  deb = buildPackage()
})

/** The network is there before, since the harness is the cloud; and the image has no locales to choose from. */
const IMAGE = 'network: { config: disabled }\nlocale: false\n'

/** A new server whose image has cloud-init and a seed, at its first boot, with the example as user-data. */
const startInstance = (suite: Suite, change: (download: Download) => Download): Promise<Server> =>
  startServer({
    suite,
    prepare: async (server) => {
      await server.run(
        'DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends cloud-init openssh-server',
      )
      await server.write('/etc/cloud/cloud.cfg.d/99-image.cfg', IMAGE)
      await server.write(`${SEED}/meta-data`, 'instance-id: web1\nlocal-hostname: server\n')
      const download = change(await servePackage(server, deb))
      await server.write(`${SEED}/user-data`, fillIn('cloud-init/user-data', download))
      await server.listen(OPEN_PORT)
    },
  })

/** What cloud-init says when it is done, with its log where it is not what was expected. */
const expectStatus = async (server: Server, status: 'done' | 'error'): Promise<void> => {
  const result = await server.run('cloud-init status --wait --long', { allowFailure: true })
  if (new RegExp(`^status: ${status}$`, 'm').test(result.stdout)) return
  const log = await server.run(
    'grep -E "WARN|ERR" /var/log/cloud-init.log; cat /var/log/cloud-init-output.log',
    {
      allowFailure: true,
    },
  )
  throw new Error(`${result.stdout}\n${log.stdout}`)
}

for (const suite of ['bookworm', 'trixie', 'testing'] as const) {
  describeServers(`the example for cloud-init on ${suite}`, () => {
    let server: Server

    beforeAll(async () => {
      server = await startInstance(suite, (download) => download)
    })
    afterAll(() => server?.stop())

    it('is user-data without fault, and has been done when the first boot is over', async () => {
      const schema = await server.run(`cloud-init schema --config-file ${SEED}/user-data`)
      expect(schema.stdout).toMatch(/^Valid (?:schema|cloud-config)/m)
      await expectStatus(server, 'done')
      expect(await server.readText('/var/log/cloud-init-output.log')).toMatch(/Datasource DataSourceNoCloud/)
      expect((await server.run('stat -c "%a %U" /root/config.env')).stdout).toBe('600 root')
      expect(await server.exists('/run/portward.deb')).toBe(false)
    })

    it('has made the server ban scanners and spare the LAN', async () => {
      await expectSpared(server)
      await expectBanned(server)
      await expectSpared(server)
      await portward(server, 'plan', 0)
    })

    it('is not done once more at the next boot', async () => {
      await server.reboot()
      await expectStatus(server, 'done')
      await expectCutOff(server)
      const generations = JSON.parse(await portward(server, 'generations --json', 0)).generations
      expect(generations).toHaveLength(1)
    })
  })
}

describeServers('the example for cloud-init, where the package is another one', () => {
  let server: Server

  beforeAll(async () => {
    server = await startInstance('bookworm', (download) => ({ ...download, sha256: 'f'.repeat(64) }))
  })
  afterAll(() => server?.stop())

  it('installs nothing, and cloud-init says that something went wrong', async () => {
    await expectStatus(server, 'error')
    await server.run('! command -v portward && ! command -v portsentry')
    expect(await server.readText('/var/log/cloud-init-output.log')).toMatch(/Hash Sum mismatch/)
  })
})
