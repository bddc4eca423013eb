import { modesOf, type Release } from '../release.ts'

/** What both packages of portsentry 1.2 share: one daemon a protocol, started with its mode as the argument. */
const classic12 = {
  dialect: '1.2',
  confPath: '/etc/portsentry/portsentry.conf',
  requiredKeys: new Map([
    ['IGNORE_FILE', '/etc/portsentry/portsentry.ignore'],
    ['HISTORY_FILE', '/var/lib/portsentry/portsentry.history'],
    ['BLOCKED_FILE', '/var/lib/portsentry/portsentry.blocked'],
  ]),
  foreignValues: new Map([
    ['HISTORY_FILE', '/var/log/portsentry.log'],
    ['BLOCKED_FILE', '/tmp/portsentry.blocked'],
  ]),
  portKeys: () => new Map(),
  impossible: () => [],
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

const isVersion12 = (version: string): boolean => /^1\.2-\d/.test(version)
const hasTemplateUnit = (files: readonly string[]): boolean =>
  files.some((path) => path.endsWith('/systemd/system/portsentry@.service'))

/** Debian 12, 1.2-14: an init script starts the daemons in the modes of /etc/default/portsentry. */
export const sysv12: Release = {
  ...classic12,
  name: 'sysv-1.2',
  title: 'portsentry 1.2 with an init script (Debian 12)',
  matches: ({ version, files }) =>
    isVersion12(version) && files.includes('/etc/init.d/portsentry') && !hasTemplateUnit(files),
  packageMakesHistory: false,
  units: () => ['portsentry'],
  packageEnablesUnits: true,
}

/** Debian 13, 1.2-16: a template unit for each mode, none enabled at first; /etc/default is for init scripts only. */
export const template12: Release = {
  ...classic12,
  name: 'template-1.2',
  title: 'portsentry 1.2 with template units (Debian 13)',
  matches: ({ version, files }) => isVersion12(version) && hasTemplateUnit(files),
  packageMakesHistory: true,
  units: (modes) => modesOf(modes).map((mode) => `portsentry@${mode}`),
  packageEnablesUnits: false,
}
