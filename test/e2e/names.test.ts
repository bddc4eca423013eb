import { afterAll, beforeAll, expect, it } from 'vitest'
import { documentOf } from '../documents.ts'
import { eventually } from './harness/eventually.ts'
import { addresses } from './harness/network.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, expectHeld, expectSpared, OPEN_PORT, portward, provide } from './scenario.ts'
import { installFaults, listEffects, runWithFault } from './sweep/faults.ts'

const { v4: OFFICE, other: HOME } = addresses.attacker
const NAME = 'home.example.net'
const LAN = 'LAN_IP=192.168.1.10\nLAN_NM=24\n'
const HOSTS_ALLOW = '/etc/hosts.allow'
const IGNORE_LIST = '/etc/portsentry/portsentry.ignore'
const JAIL = '/etc/fail2ban/jail.d/portsentry.conf'
const BANS = '/etc/portward/bans.conf'
/** Every file that names the protected hosts. */
const PLACES = [HOSTS_ALLOW, IGNORE_LIST, JAIL, BANS]
const RECORD = '/etc/portward/names'
const SYSLOG = '/etc/rsyslog.d/remote.conf'

const DROP_IN = '/etc/systemd/system/portward-names.timer.d/test.conf'

/** The timer runs at this time, and at no other: a run in between would do what the tests are about to do. */
const runAt = (server: Server, when: string) =>
  server.run(`
    mkdir -p ${DROP_IN.replace(/\/[^/]*$/, '')}
    printf '[Timer]\\nOnActiveSec=\\n%s\\n' '${when}' >${DROP_IN}
    systemctl daemon-reload
    ! systemctl is-active --quiet portward-names.timer || systemctl restart portward-names.timer
  `)
const NEVER = 'OnCalendar=2199-01-01'

/** A name server that says this of every name. */
const liar = (address: string) => `
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(('127.0.0.1', 53))
while True:
    query, client = server.recvfrom(512)
    end = query.index(b'\\0', 12) + 5
    is_a = query[end - 4:end - 2] == b'\\0\\1'
    answer = b'\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\0\\0\\4' + socket.inet_aton('${address}') if is_a else b''
    head = query[:2] + b'\\x81\\x80\\0\\1' + (b'\\0\\1' if is_a else b'\\0\\0') + b'\\0\\0\\0\\0'
    server.sendto(head + query[12:end] + answer, client)
`

// portsentry 2.x reads its ignore list only when it starts.
describeServers('hosts that are protected by name', () => {
  let server: Server
  /** Of a refresh, in order. */
  let effects: readonly string[] = []

  /** What the server's own resolver says from now on: its /etc/hosts comes before DNS. */
  const resolve = (...answers: readonly string[]) =>
    server.run(`
      sed -i '/example\\.net/d' /etc/hosts
      ${answers.map((address) => `echo '${address} ${NAME}' >>/etc/hosts`).join('\n')}
    `)
  const configure = (more: string) => server.write('/root/config.env', `${LAN}${more}`, 0o600)
  const filesWith = async (address: string) =>
    (await server.run(`grep -lwF ${address} ${PLACES.join(' ')}`, { allowFailure: true })).stdout.split('\n')
  const refresh = async (exitCode = 0) => {
    const result = await server.run('portward refresh', { allowFailure: true })
    expect([result.exitCode, result.stderr]).toEqual([exitCode, expect.any(String)])
    return result
  }
  const expectInSync = async () => expect(await portward(server, 'plan', 0)).toContain('in sync')
  const generations = () => portward(server, 'generations', 0)
  const check = async () => {
    const { stdout } = await server.run('portward verify', { allowFailure: true })
    return /^(\w+) .*addresses of today.*\n?.*/m.exec(stdout)?.[0] ?? stdout
  }

  beforeAll(async () => {
    server = await startServer({ suite: 'testing', floor: 'installed' })
    await runAt(server, NEVER)
    await provide(server, `${LAN}WHITELIST="${NAME}"\n`)
  })
  afterAll(() => server?.stop())

  it('applies nothing for a name without an address', async () => {
    const { exitCode, stderr } = await server.run('portward apply --yes', { allowFailure: true })
    expect(stderr).toMatch(/config\.env:3: WHITELIST has "home\.example\.net", which resolves to nothing/)
    expect(exitCode).toBe(78)
    await resolve('127.0.1.1')
    const bogon = await server.run('portward plan', { allowFailure: true })
    expect(bogon.stderr).toMatch(/resolves to 127\.0\.1\.1, an address that no other host can have/)
  })

  it('protects the address of today everywhere', async () => {
    await resolve(HOME)
    expect(await portward(server, 'plan', 2)).toContain(`addresses of today: ${NAME} (${HOME})`)
    await portward(server, 'apply --yes --confirm-within 1h', 0)
    expect(await filesWith(HOME)).toEqual(PLACES)
    expect(documentOf((await server.run('portward refresh --json')).stdout)).toMatchObject({
      reason: 'an apply is waiting for confirmation',
    })
    await portward(server, 'confirm', 0)
    await expectInSync()
    await server.attacker.scan('203.0.113.1', [1, 7, 111], { source: HOME })
    await expectBanned(server, OFFICE)
    await expectHeld(server, OFFICE)
    expect(await server.attacker.reaches(OPEN_PORT, { source: HOME })).toBe(true)
    expect(await portward(server, `explain ${HOME}`, 0)).toContain(`WHITELIST: ${NAME}`)
  })

  it('does nothing as long as no address changes', async () => {
    const before = await generations()
    expect(documentOf((await server.run('portward refresh --json')).stdout)).toMatchObject({
      refreshed: false,
      reason: 'no address has changed',
    })
    expect(await generations()).toBe(before)
  })

  it('follows a new address by its timer, and releases its ban', async () => {
    const before = await generations()
    await resolve(OFFICE)
    const dryRun = documentOf((await server.run('portward refresh --dry-run --json')).stdout)
    expect(dryRun).toMatchObject({
      refreshed: false,
      refused: [],
      names: [{ host: NAME, addresses: [OFFICE] }],
    })
    const planned = await portward(server, 'refresh --dry-run', 0)
    expect(planned).toContain(`${NAME} (${OFFICE}), ${HOME} before`)
    expect(await filesWith(OFFICE)).toEqual([''])
    await runAt(server, 'OnActiveSec=1')
    await eventually('the new address is protected', async () => {
      const { stdout } = await server.run('systemctl show -P ActiveState portward-names.service')
      return stdout === 'inactive' && (await filesWith(OFFICE)).length === PLACES.length
    })
    await runAt(server, NEVER)
    expect(await filesWith(OFFICE)).toEqual(PLACES)
    expect(await filesWith(HOME)).toEqual([''])
    await expectInSync()
    expect(await generations()).toBe(before)
    await server.attacker.scan('203.0.113.1', [1, 7, 111], { source: OFFICE })
    await expectBanned(server, HOME)
    expect(await server.attacker.reaches(OPEN_PORT, { source: OFFICE })).toBe(true)
    await expectSpared(server)
  })

  it('keeps the last good answer', async () => {
    expect(await check()).toMatch(/^pass .*home\.example\.net \(203\.0\.113\.9\).*ago/s)
    await resolve()
    const { stderr } = await refresh()
    expect(stderr).toMatch(/home\.example\.net resolves to nothing.*203\.0\.113\.9 stays protected/)
    expect(await filesWith(OFFICE)).toEqual(PLACES)
    await expectInSync()
    expect(await check()).toMatch(/^WARN .*no good answer since .*203\.0\.113\.9 stays protected/s)
    // A log has it once.
    expect((await refresh()).stderr).not.toContain('resolves to nothing')
    await server.write('/root/liar.py', liar('203.0.113.50'))
    await server.run(`
      systemd-run --quiet --unit=liar python3 /root/liar.py
      echo 'nameserver 127.0.0.1' >/etc/resolv.conf
      until getent ahosts other.example.net; do sleep 0.2; done
    `)
    expect((await server.run('portward plan')).stderr).toMatch(
      /resolves to 203\.0\.113\.50, which the name server also gives for names that do not exist; 203\.0\.113\.9 stays/,
    )
    await server.run(
      'systemctl stop liar; systemd-run --quiet --unit=silent python3 -c \'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 53)); s.recvfrom(1); __import__("time").sleep(999)\'',
    )
    expect((await server.run('portward plan')).stderr).toMatch(
      /home\.example\.net .*; 203\.0\.113\.9 stays protected/,
    )
    await server.run('systemctl stop silent; >/etc/resolv.conf')
    await resolve(OFFICE)
    await refresh()
    expect(await check()).toMatch(/^pass /)
  })

  it('leaves alone what somebody else has changed', async () => {
    await resolve(HOME)
    await server.run(`sed -i '/^# portward: begin/,/^# portward: end/d' ${HOSTS_ALLOW}`)
    const unit = 'portward-names.service'
    const { stdout } = await server.run(
      `systemctl start ${unit} || true; journalctl --sync; journalctl --unit ${unit} --output cat`,
    )
    expect(stdout).toContain(`${HOSTS_ALLOW} is not as the last apply left it`)
    expect((await server.run('portward verify', { allowFailure: true })).stdout).toContain(
      'the last run failed: portward-names',
    )
    expect(await filesWith(HOME)).toEqual(PLACES.slice(1))
    await portward(server, 'apply --yes', 0)
    expect(await filesWith(HOME)).toEqual(PLACES)
  })

  it('protects services, and follows their files', async () => {
    await resolve()
    await server.run(`mkdir -p ${SYSLOG.replace(/\/[^/]*$/, '')} && echo '*.* @${HOME}:514' >${SYSLOG}`)
    await configure('WHITELIST_SERVICES=1\n')
    expect((await refresh(1)).stderr).toContain('config.env has changed')
    await portward(server, 'apply --yes', 0)
    // A service never connects.
    expect(await filesWith(HOME)).toEqual(PLACES.slice(1))
    await server.run(`echo '*.* @${NAME}:514' >${SYSLOG}`)
    await resolve(OFFICE)
    await installFaults(server)
    effects = await listEffects(server, 'refresh')
    expect(await filesWith(OFFICE)).toEqual(PLACES.slice(1))
    expect(await filesWith(HOME)).toEqual([''])
    await expectInSync()
  })

  it('does again what was interrupted', async () => {
    const before = await generations()
    await resolve(HOME)
    const point = effects.indexOf(`rename ${BANS}`) + 1
    expect((await runWithFault(server, 'refresh', `kill@${point}`)).exitCode).toBe(137)
    expect((await filesWith(HOME)).length).toBeLessThan(3)
    expect((await refresh()).stderr).toContain('was interrupted: its changes have been rolled back')
    expect(await filesWith(HOME)).toEqual(PLACES.slice(1))
    expect(await generations()).toBe(before)
    await expectInSync()
  })

  it('ends with config.env, and is there again after a rollback', async () => {
    const files = 'ls /etc/systemd/system/portward-names.service /etc/systemd/system/portward-names.timer'
    const isThere = async () =>
      (await server.run(`${files} ${RECORD}`, { allowFailure: true })).exitCode === 0
    const isActive = async () =>
      (await server.run('systemctl is-active portward-names.timer', { allowFailure: true })).exitCode === 0
    await configure('')
    await portward(server, 'apply --yes', 0)
    expect([await isThere(), await isActive()]).toEqual([false, false])
    expect((await server.run(files, { allowFailure: true })).stdout).toBe('')
    await portward(server, 'rollback --yes', 0)
    expect([await isThere(), await isActive()]).toEqual([true, true])
    expect(await filesWith(HOME)).toEqual(PLACES.slice(1))
  })

  it('is rolled back as if it had been applied like that', async () => {
    await portward(server, 'rollback 1 --yes', 0)
    expect(await server.run(`test -e ${RECORD}`, { allowFailure: true })).toMatchObject({ exitCode: 1 })
    expect(await filesWith(HOME)).toEqual([''])
  })
})
