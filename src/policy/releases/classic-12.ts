import { misreadPorts12 } from '../../detector/ports.ts'
import type { Settings } from '../../settings/settings.ts'
import type { PortsentryPackage } from '../facts.ts'
import { type Impossible, modesOf, type Release } from '../release.ts'

const impossible = ({ portsentryKeys }: Settings): Impossible[] =>
  ['TCP_PORTS', 'UDP_PORTS', 'ADVANCED_EXCLUDE_TCP', 'ADVANCED_EXCLUDE_UDP'].flatMap((variable) => {
    const misread = misreadPorts12(portsentryKeys.get(variable) ?? '')
    return misread === null ? [] : [{ variable, message: `${variable} ${misread.what}`, hint: misread.hint }]
  })

/** What both packages of portsentry 1.2 share: one daemon for each protocol, with its mode as the argument. */
const classic12 = {
  dialect: '1.2',
  confPath: '/etc/portsentry/portsentry.conf',
  requiredKeys: new Map([
    ['IGNORE_FILE', '/etc/portsentry/portsentry.ignore'],
    ['HISTORY_FILE', '/var/lib/portsentry/portsentry.history'],
  ]),
  foreignValues: new Map([['HISTORY_FILE', '/var/log/portsentry.log']]),
  translatedKeys: new Set(),
  portKeys: () => new Map(),
  impossible,
  modesPath: '/etc/default/portsentry',
  ignorePath: '/etc/portsentry/portsentry.ignore.static',
  builtIgnorePath: '/etc/portsentry/portsentry.ignore',
  seesIPv6: false,
  filter: 'portsentry',
  ownedFiles: () => new Map(),
  daemonPath: '/usr/sbin/portsentry',
  daemonArguments: (modes) => modesOf(modes).map((mode) => `-${mode}`),
  hasInitScript: true,
} satisfies Partial<Release>

/** Debian's revision of 1.2 that introduced the template units. */
const FIRST_WITH_TEMPLATE = 15

/** Whether this is a 1.2 with, or without, template units: by its files, or by its revision if they are unavailable. */
const is12 = ({ version, files }: PortsentryPackage, withTemplate: boolean): boolean => {
  const revision = /^1\.2-(\d+)/.exec(version)?.[1]
  if (revision === undefined) return false
  const hasTemplate =
    files?.some((path) => path.endsWith('/systemd/system/portsentry@.service')) ??
    Number(revision) >= FIRST_WITH_TEMPLATE
  const isStartable = withTemplate || (files?.includes('/etc/init.d/portsentry') ?? true)
  return hasTemplate === withTemplate && isStartable
}

/** Debian 12, 1.2-14: an init script starts the daemons in the modes of /etc/default/portsentry. */
export const sysv12: Release = {
  ...classic12,
  name: 'sysv-1.2',
  title: 'portsentry 1.2 with an init script (Debian 12)',
  matches: (portsentry) => is12(portsentry, false),
  packageMakesHistory: false,
  units: () => ['portsentry'],
  packageEnablesUnits: true,
}

/** Debian 13, 1.2-16: a template unit for each mode, none enabled at first; /etc/default is for init scripts only. */
export const template12: Release = {
  ...classic12,
  name: 'template-1.2',
  title: 'portsentry 1.2 with template units (Debian 13)',
  matches: (portsentry) => is12(portsentry, true),
  packageMakesHistory: true,
  units: (modes) => modesOf(modes).map((mode) => `portsentry@${mode}`),
  packageEnablesUnits: false,
}
