import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, portward, provide } from './scenario.ts'
import { expectAllPass, prove } from './verify/proof.ts'

const LAN_PEER = '192.168.1.20'
const ATTACKER = '203.0.113.9'

/** A server with sshd, which asks hosts.allow and hosts.deny, and files of an admin in them. */
describeServers('hosts.allow and hosts.deny of an admin', () => {
  let server: Server

  const access = async (host: string): Promise<string | undefined> =>
    /^access: +(\w+)/m.exec((await server.run(`tcpdmatch sshd ${host}`)).stdout)?.[1]
  const write = async (allow: string, deny: string): Promise<void> => {
    await server.write('/etc/hosts.allow', allow, 0o644)
    await server.write('/etc/hosts.deny', deny, 0o644)
  }

  beforeAll(async () => {
    server = await startServer({ floor: 'installed' })
    await provide(server)
    // The program alone: it is linked with libwrap, which is what counts.
    await server.run(
      'dpkg-deb --fsys-tarfile /var/cache/apt/archives/openssh-server_*.deb | tar -x -C / ./usr/sbin/sshd',
    )
  })
  afterAll(async () => {
    // Else the server's files could not be removed.
    await server?.run('chattr -ia /etc/hosts.deny', { allowFailure: true })
    await server?.stop()
  })

  it('a rule that is weaker than hosts.deny is theirs: apply warns, and the firewall bans all the same', async () => {
    await write('sshd: ALL\n', 'ALL: ALL\n')
    const proof = await prove(server, 'apply --yes')
    expect(`${proof.exitCode} ${proof.stderr}`).toMatch(/^0 /)
    expect(proof.stderr).toMatch(/^\/etc\/hosts\.allow:1: warning: this rule opens sshd to everybody/m)
    expectAllPass(proof, [
      /^warn wrappers: \/etc\/hosts\.allow:1 lets the scanner in to sshd/m,
      /^warn hosts-allow: \/etc\/hosts\.allow:1: this rule opens sshd/m,
    ])
    await expectBanned(server)
    expect(await portward(server, `explain ${ATTACKER}`, 0)).toMatch(
      /^hosts\.allow +sshd: \/etc\/hosts\.allow:1 lets it in; its entry in hosts\.deny has no effect$/m,
    )
    expect(await access(ATTACKER)).toBe('granted')
  })

  it('lets the LAN in ahead of a refusal', async () => {
    await write('sshd: 198.51.100.0/24 203.0.113.0/24 : ALLOW\nsshd: ALL : DENY\nALL: ALL : ALLOW\n', '')
    expect(await portward(server, `explain ${LAN_PEER}`, 0)).toMatch(
      /^hosts\.allow +sshd: \/etc\/hosts\.allow:\d refuses it$/m,
    )
    expect(await access(LAN_PEER)).toBe('denied')
    await portward(server, 'apply --yes', 0)
    expect(await server.readText('/etc/hosts.allow')).toMatch(
      /^sshd: 198[^\n]*\n# portward: begin[^#]*# portward: end\nsshd: ALL : DENY\n/,
    )
    expect(await access(LAN_PEER)).toBe('granted')
    expect(await portward(server, `explain ${LAN_PEER}`, 0)).toMatch(
      /^hosts\.allow +sshd: \/etc\/hosts\.allow:\d lets it in$/m,
    )
  })

  it('applies over an immutable hosts.deny that is as it should be, and refuses where it has to be changed', async () => {
    await write('', 'ALL: /run/portward/denied\n')
    await server.run('chattr +i /etc/hosts.deny')
    const config = await server.readText('/root/config.env')
    await server.write('/root/config.env', `${config}WHITELIST=198.51.100.77\n`, 0o600)
    const proof = await prove(server, 'apply --yes')
    expect(`${proof.exitCode} ${proof.stderr}`).toMatch(/^0 /)
    // That fail2ban's ban refuses the scanner, too.
    expectAllPass(proof)
    expect(proof.checks.find(({ code }) => code === 'wrappers')?.message).toMatch(
      /^tcpdmatch: 1 scanners refused/,
    )
    expect(await access(ATTACKER)).toBe('denied')
    await server.run('chattr -i /etc/hosts.deny; echo "ALL: 192.168.1.77 : DENY" >>/etc/hosts.deny')
    await server.run('chattr +a /etc/hosts.deny')
    const refused = await server.run('portward plan', { allowFailure: true })
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toMatch(
      /^\/etc\/hosts\.deny: has to be changed, but cannot be: \/etc\/hosts\.deny is append-only — chattr -a/m,
    )
    await server.run('chattr -a /etc/hosts.deny')
    await portward(server, 'plan', 2)
  })

  it('says that the firewall cannot be changed where this is not allowed to it', async () => {
    const { stderr, exitCode } = await server.run('setpriv --bounding-set=-net_admin portward plan', {
      allowFailure: true,
    })
    expect(stderr).toMatch(/^firewall: the bans cannot be loaded into the kernel: .*(?:denied|permitted)/m)
    expect(exitCode).toBe(1)
  })

  it('leaves neither bans nor their file when all is rolled back', async () => {
    await server.run('test -s /run/portward/denied && ipset test portward-hosts4 203.0.113.9')
    await portward(server, 'rollback 1 --yes --force', 0)
    await server.run(
      '! test -e /run/portward && ! ls -d /usr/local/lib/portward/__pycache__ && test -z "$(ipset list -name)"',
    )
    expect(await server.readText('/etc/hosts.deny')).not.toContain('portward')
    expect(await access(ATTACKER)).toBe('granted')
  })
})
