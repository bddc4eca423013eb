import { expect, it } from 'vitest'
import { packagesOf, packagesOfJails } from '../../src/policy/jail-actions.ts'
import { factsOf } from '../plan/live.ts'

it.each([
  ['nftables', ['nftables']],
  ['nftables-allports', ['nftables']],
  ['iptables', ['iptables']],
  ['iptables-multiport', ['iptables']],
  ['iptables-ipset-proto6', ['iptables', 'ipset']],
  ['ufw', []],
  ['', []],
])('%j needs %j', (action, packages) => expect(packagesOf(action)).toEqual(packages))

const DEFAULTS = `[DEFAULT]
banaction = nftables
port = ssh
action_ = %(banaction)s[port="%(port)s"]
action = %(action_)s
[sshd]
enabled = true
`
const WITH_SSHD = new Map([...factsOf().packages, ['openssh-server', '1:10.2p1-1']])

it.each<[what: string, jails: string, hasSshd: boolean, packages: string[]]>([
  ['no jail', '', true, []],
  ['the default', DEFAULTS, true, ['nftables']],
  ['the default without sshd', DEFAULTS, false, []],
  ['that of a jail that is off', `${DEFAULTS}enabled = false\n`, true, []],
  ['one of its own', `${DEFAULTS}banaction = iptables-multiport\n`, true, ['iptables']],
  ['another jail', `${DEFAULTS}[nginx]\nenabled = yes\naction = ufw iptables[name=x]\n`, false, ['iptables']],
  ['the portsentry jail alone', '[portsentry]\nenabled = true\naction = nftables\n', true, []],
])('%s', (_, text, hasSshd, expected) => {
  const texts = { '/etc/fail2ban/jail.d/portsentry.conf': null, '/etc/fail2ban/jail.conf': text }
  const facts = factsOf({ texts, ...(hasSshd ? { packages: WITH_SSHD } : {}) })
  expect(packagesOfJails(facts)).toEqual(expected)
})
