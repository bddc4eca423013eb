import { afterAll, beforeAll, expect, it } from 'vitest'
import { buildPackage, type DebianPackage, type Download, fillIn, servePackage } from './deb.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, expectCutOff, expectSpared, OPEN_PORT, portward } from './scenario.ts'

const SEED = '/var/lib/cloud/seed/nocloud'

let deb: DebianPackage

beforeAll(() => {
  deb = buildPackage()
})

/** What an instance finds when it boots: its metadata, and the example as its user-data. */
const seed = async (server: Server, instance: string, download: Download): Promise<void> => {
  await server.write(`${SEED}/meta-data`, `instance-id: ${instance}\nlocal-hostname: server\n`)
  await server.write(`${SEED}/user-data`, fillIn('cloud-init/user-data', download))
}

/** The status of cloud-init when it is done, with its log if it is not as expected. */
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

const expectFirstBoot = async (server: Server): Promise<void> => {
  const schema = await server.run(`cloud-init schema --config-file ${SEED}/user-data`)
  expect(schema.stdout).toMatch(/^Valid (?:schema|cloud-config)/m)
  await expectStatus(server, 'done')
  expect(await server.readText('/var/log/cloud-init-output.log')).toMatch(/Datasource DataSourceNoCloud/)
  expect((await server.run('stat -c "%a %U" /root/config.env')).stdout).toBe('600 root')
  expect(await server.exists('/run/portward.deb')).toBe(false)
}

const expectProtected = async (server: Server): Promise<void> => {
  await expectSpared(server)
  await expectBanned(server)
  await expectSpared(server)
  await portward(server, 'plan', 0)
}

describeServers('the example for cloud-init on bookworm, whose image has none of the packages', () => {
  let server: Server
  let download: Download

  beforeAll(async () => {
    server = await startServer({
      suite: 'bookworm',
      floor: 'cloud-init',
      prepare: async (image) => {
        download = await servePackage(image, deb)
        await seed(image, 'web1', { ...download, sha256: 'f'.repeat(64) })
        await image.listen(OPEN_PORT)
      },
    })
  })
  afterAll(() => server?.stop())

  it('installs nothing where the package is another one, and cloud-init says that something went wrong', async () => {
    await expectStatus(server, 'error')
    await server.run('! command -v portward && ! command -v portsentry')
    expect(await server.readText('/var/log/cloud-init-output.log')).toMatch(/Hash Sum mismatch/)
  })

  it('is user-data without fault, and has been done when the first boot of the next instance is over', async () => {
    await server.run('rm /var/log/cloud-init*')
    await seed(server, 'web2', download)
    await server.reboot()
    await expectFirstBoot(server)
  })

  it('has made the server ban scanners, but not the LAN', () => expectProtected(server))

  it('is not done once more at the next boot', async () => {
    await server.reboot()
    await expectStatus(server, 'done')
    await expectCutOff(server)
    const generations = JSON.parse(await portward(server, 'generations --json', 0)).generations
    expect(generations).toHaveLength(1)
  })
})

// The newest cloud-init, after the oldest above, and a portsentry with other units.
describeServers('the example for cloud-init on testing', () => {
  let server: Server

  beforeAll(async () => {
    server = await startServer({
      suite: 'testing',
      floor: 'cloud-init-installed',
      prepare: async (image) => {
        await seed(image, 'web1', await servePackage(image, deb))
        await image.listen(OPEN_PORT)
      },
    })
  })
  afterAll(() => server?.stop())

  it('is user-data without fault, and has been done when the first boot is over', () =>
    expectFirstBoot(server))

  it('has made the server ban scanners, but not the LAN', () => expectProtected(server))
})
