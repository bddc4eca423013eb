import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sampleLine } from '../../src/detector/samples.ts'
import { parseAddress } from '../../src/network.ts'
import { localTime } from '../../src/system/clock.ts'
import { eventually } from './harness/eventually.ts'
import { install } from './harness/floors.ts'
import { addresses } from './harness/network.ts'
import { type Receiver, startReceiver } from './harness/receiver.ts'
import { describeServers } from './harness/requirements.ts'
import { type Server, startServer } from './harness/server.ts'
import { expectBanned, portward, provide } from './scenario.ts'

const LAN = 'LAN_IP=192.168.1.10\nLAN_NM=255.255.255.0\nBAN_TARGET=DROP\n'
const MAIL = 'admin@example.org'
const APPRISE = '/etc/portward/apprise.conf'
const KEY_FILE = '/etc/portward/abuseipdb.key'
const KEY = 'f00d'.repeat(20)
const HOOK = 'a-secret-webhook'
const ABUSEIPDB = 'api.abuseipdb.com'
const { lan, attacker } = addresses
const ALL = `${LAN}NOTIFY="${MAIL} ${APPRISE}"\nABUSEIPDB_KEY_FILE=${KEY_FILE}\n`
const FLOOD = 1000

const smtp = (port: number) => `account default\nhost ${lan.v4}\nport ${port}\n`

/** Everything on the server that has one of the secrets. */
const FIND_SECRETS = `grep -rlE '${KEY}|${HOOK}' /etc /root /run /tmp /usr/local /var | sort`

describeServers('messages about bans', () => {
  describe.each([
    ['bookworm', '1.2'],
    ['testing', '2.x'],
  ] as const)('on %s', (suite, dialect) => {
    let server: Server
    let receiver: Receiver

    const subjects = () => receiver.mails().flatMap(({ text }) => /^Subject: (.*)$/m.exec(text)?.[1] ?? [])
    const GET_ACTIONS = 'fail2ban-client get portsentry actions'
    const actions = async () => (await server.run(GET_ACTIONS)).stdout
    const configure = (text: string) => server.write('/root/config.env', text, 0o600)
    /** The history gets a line for each of so many hosts, from 198.18.`third`.1 on. */
    const writeHistory = async (third: number, hosts: number) => {
      const now = Date.now()
      const lines = Array.from({ length: hosts }, (_, index) =>
        sampleLine(
          dialect,
          parseAddress(`198.18.${third + Math.floor(index / 250)}.${1 + (index % 250)}`) ?? [],
          now,
          localTime(now),
        ),
      )
      const path = dialect === '1.2' ? '/var/lib/portsentry/portsentry.history' : '/var/log/portsentry.log'
      await server.run(`cat >>${path}`, { stdin: lines.join('') })
    }

    beforeAll(async () => {
      server = await startServer({ suite, floor: 'installed' })
      receiver = await startReceiver(server.network.lan, ABUSEIPDB)
      await provide(server, ALL)
    })
    afterAll(async () => {
      await receiver?.stop()
      await server?.stop()
    })

    it('are refused with what is missing, and no secret is shown', async () => {
      await server.write(KEY_FILE, `${KEY}\n`, 0o644)
      const { stderr, exitCode } = await server.run('portward plan', { allowFailure: true })
      expect(exitCode).toBe(78)
      expect(stderr).toContain(
        '/root/config.env:4: NOTIFY: this server has no /usr/sbin/sendmail to send mail with',
      )
      expect(stderr).toContain(`/root/config.env:4: NOTIFY: the file ${APPRISE} does not exist`)
      expect(stderr).toContain(
        `/root/config.env:5: ABUSEIPDB_KEY_FILE: others than root can read or change the file ${KEY_FILE}`,
      )
      expect(stderr).not.toContain(KEY)
    })

    it('go to a mail server, a webhook and AbuseIPDB: one of each for a ban', async () => {
      await server.run(install('msmtp-mta'))
      await server.write('/etc/msmtprc', smtp(25), 0o644)
      await server.write(APPRISE, `json://${lan.v4}/${HOOK}\n`, 0o600)
      await server.run(`chmod 600 ${KEY_FILE}`)
      const plan = await portward(server, 'plan', 2)
      expect(plan).toMatch(/^packages +install .*apprise, .*curl/m)
      const applied = await portward(server, 'apply --yes', 0)
      expect(await actions()).toMatch(new RegExp(`notify:${MAIL}.*notify:${APPRISE}.*abuseipdb`))
      // curl, with its own check of certificates, takes the receiver for AbuseIPDB.
      await server.run(`echo '${lan.v4} ${ABUSEIPDB}' >>/etc/hosts`)
      await server.write('/etc/ssl/certs/ca-certificates.crt', receiver.certificate, 0o644)
      await expectBanned(server)
      await eventually('all have been told', () =>
        [receiver.mails(), receiver.requests(lan.v4), receiver.requests(ABUSEIPDB)].every(
          ({ length }) => length > 0,
        ),
      )
      expect(receiver.mails()).toMatchObject([{ to: [MAIL] }])
      expect(subjects()).toEqual([`[Fail2Ban] portsentry: banned ${attacker.v4} from server`])
      expect(receiver.requests(lan.v4)).toMatchObject([{ path: `/${HOOK}` }])
      expect(JSON.parse(receiver.requests(lan.v4)[0]?.body ?? '')).toMatchObject({
        title: `[Fail2Ban] portsentry: banned ${attacker.v4} from server`,
      })
      const [report, ...more] = receiver.requests(ABUSEIPDB)
      expect([report?.path, report?.headers['key'], more]).toEqual(['/api/v2/report', KEY, []])
      const fields = new URLSearchParams(report?.body)
      expect([fields.get('ip'), fields.get('categories')]).toEqual([attacker.v4, '14'])
      const texts = [
        plan,
        applied,
        ...(await Promise.all(
          ['plan --json', 'verify', 'generations --json'].map((command) => portward(server, command, 0)),
        )),
      ]
      for (const text of texts) expect(text).not.toMatch(`${KEY}|${HOOK}`)
      expect(texts[3]).toMatch(/^pass +others can be told about bans$/m)
      expect((await server.run(FIND_SECRETS)).stdout.split('\n')).toEqual([KEY_FILE, APPRISE])
    })

    it('are not repeated for bans that fail2ban restores, and one that fails leaves no secret in the log', async () => {
      await server.run(`sed -i /${ABUSEIPDB}/d /etc/hosts`)
      await server.run('systemctl restart fail2ban')
      await writeHistory(255, 1)
      await eventually('a mail about the new ban', () =>
        subjects().some((subject) => subject.includes('198.18.255.1')),
      )
      expect(subjects()).toHaveLength(2)
      await eventually('fail2ban logs the report that failed', () =>
        server.run(`grep -F 'Key: $(cat ${KEY_FILE})' /var/log/fail2ban.log`),
      )
      expect((await server.run(FIND_SECRETS)).stdout.split('\n')).toEqual([KEY_FILE, APPRISE])
    })

    it('have a limit in a flood of bans, and a summary has the number of the others', async () => {
      await configure(`${LAN}NOTIFY=${MAIL}\nNOTIFY_LIMIT=10/30s\n`)
      await portward(server, 'apply --yes', 0)
      const before = subjects().length
      await writeHistory(1, FLOOD)
      const numbers = () =>
        subjects()
          .slice(before)
          .map((subject) => Number(/banned (\d+) more/.exec(subject)?.[1] ?? 1))
      await eventually(
        'all bans are in some message',
        () => numbers().reduce((sum, each) => sum + each, 0) === FLOOD,
        { timeoutMs: 280_000 },
      )
      // Eleven for each begun half minute, however slow this machine is.
      expect(numbers().length).toBeLessThan(FLOOD / 5)
    })

    it('delay no ban while the mail server hangs, nor the actions of other jails', async () => {
      await server.write('/etc/msmtprc', smtp(26), 0o644)
      await writeHistory(20, 100)
      await eventually(
        'all are banned',
        async () =>
          (await server.run('fail2ban-client get portsentry banip')).stdout
            .split(/\s+/)
            .filter((each) => /^198\.18\.20\./.test(each)).length === 100,
      )
      const hanging = await eventually(
        'sendmail hangs',
        async () => (await server.run('pgrep -x sendmail', { allowFailure: true })).stdout,
      )
      // fail2ban has one lock for the commands of all actions, which a stock action that hangs would hold.
      await server.run('fail2ban-client set sshd banip 198.18.30.1')
      expect((await server.run('pgrep -x sendmail')).stdout).toBe(hanging)
      await server.write('/etc/msmtprc', smtp(25), 0o644)
    })

    it('are sent by hand and by a timer as a summary', async () => {
      await configure(`${LAN}NOTIFY="${MAIL} ${APPRISE}"\nNOTIFY_DIGEST=daily\n`)
      await portward(server, 'apply --yes', 0)
      const before = receiver.mails().length
      const { stderr } = await server.run('portward report --send --since 24h')
      expect(stderr).toBe(`sent to ${MAIL}\nsent to ${APPRISE}`)
      await server.run('systemctl start portward-digest.service')
      await eventually('two mails', () => receiver.mails().length === before + 2)
      const [mail] = receiver.mails().slice(before)
      expect(mail?.text).toMatch(/^Subject: portward on server: [\d,]+ scans, [\d,]+ bans$/m)
      expect(await portward(server, 'verify', 0)).toMatch(/portward-digest\.timer/)
    })

    it('end with the variables, and come back with a rollback', async () => {
      await configure(LAN)
      await portward(server, 'apply --yes', 0)
      expect(await actions()).not.toMatch(/notify|abuseipdb/)
      expect(await server.exists('/usr/local/lib/portward/notify.py')).toBe(false)
      expect(await server.exists('/etc/systemd/system/portward-digest.timer')).toBe(false)
      await portward(server, 'plan', 0)
      await portward(server, 'rollback --yes', 0)
      // A rollback starts fail2ban, and does not wait until it has read its jails.
      await eventually('the messages are back', async () =>
        (await server.run(GET_ACTIONS, { allowFailure: true })).stdout.includes(`notify:${MAIL}`),
      )
      expect((await server.run('systemctl is-active portward-digest.timer')).stdout).toBe('active')
    })
  })
})
