import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { $ } from 'zx'
import { endWithRunner } from './orphan.ts'

export type Suite = 'bookworm' | 'trixie' | 'testing'

/** Where base images and running servers live: never in the checkout, which may be on any file system. */
export const cacheDirectory = (): string => {
  const { PORTWARD_E2E_CACHE, XDG_CACHE_HOME } = process.env
  if (PORTWARD_E2E_CACHE) return PORTWARD_E2E_CACHE
  return join(XDG_CACHE_HOME || '/var/cache', 'portward-e2e')
}

/**
 * Builds one base root: sh -c RECIPE sh SUITE MIRROR TARGET [apt option...]. Its text is part of the cache
 * key, so a changed recipe makes a new image. Runs under a lock and in namespaces of its own, and renames at
 * the end: a half-built image is never seen.
 *
 * - The apt cache holds what tests install later without network. The lists stay, since plans need candidates, but with these
 *   and the installed packages only: apt reads all of them each time.
 * - apt's timers are masked: as persistent timers they fire at first boot and hold the lock that tests want.
 * - Console logins are disabled: agetty would create a file in /run at any time after the boot.
 * - No resolver, and the host's own name in /etc/hosts: else each lookup of it costs fail2ban 41 s.
 */
const recipe = `
set -eu
suite=$1 mirror=$2 target=$3; shift 3
[ ! -d "$target" ] || exit 0
# left by a killed build; with the lock held no other build is running
rm -rf --one-file-system "$target".??????*
echo "portward e2e: building the $suite base image, once, about two minutes..." >&2
started=$(date +%s)
work=$(mktemp -d "$target.XXXXXX"); log=$work.log
finish() {
  status=$?
  trap - EXIT
  [ "$status" = 0 ] || tail -n 30 "$log" >&2
  umount -q -R "$work/proc" || true
  rm -rf --one-file-system "$work" "$log"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
chmod 755 "$work"
inside() {
  systemd-nspawn -q -D "$work" --register=no --keep-unit --resolv-conf=copy-host \\
    --setenv=DEBIAN_FRONTEND=noninteractive "$@" >>"$log" 2>&1 </dev/null
}

debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,iproute2,procps \\
  "$suite" "$work" "$mirror" >"$log" 2>&1
echo "portward e2e: $suite: filling its package cache..." >&2
inside apt-get "$@" update
inside apt-get "$@" install -y --no-install-recommends nodejs python3 attr
inside sh -c '
  for name in portsentry fail2ban iptables nftables python3-systemd python3-pyinotify whois tcpd \\
    ipset openssh-server rsyslog logrotate patch libpcap0.8t64 xtables-addons-common tcpdump \\
    ansible-core python3-apt cloud-init man-db ufw apprise curl msmtp-mta; do
    if apt-cache show "$name" >/dev/null 2>&1; then set -- "$@" "$name"; else echo "lacks $name"; fi
  done
  exec apt-get install -y --download-only --no-install-recommends "$@"
' sh "$@"
# apart: cloud-init conflicts with it
inside apt-get "$@" install -y --download-only --no-install-recommends firewalld
(
  cd "$work/var/lib/apt/lists"
  rm -f *_Translation-*
  { grep '^Package: ' "$work/var/lib/dpkg/status"; ls "$work/var/cache/apt/archives" | sed 's/_.*//; s/^/Package: /'; } >known
  for list in *_Packages; do
    awk 'NR == FNR { known[$0]; next } /^Package: / { isKnown = $0 in known } isKnown' known "$list" >new
    mv new "$list"
  done
  rm known
)
inside systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer console-getty.service

echo server >"$work/etc/hostname"
printf '%s\\n' '127.0.0.1 localhost' '127.0.1.1 server' '::1 localhost ip6-localhost' >"$work/etc/hosts"
rm -f "$work/etc/resolv.conf"
: >"$work/etc/resolv.conf"
mv -T "$work" "$target"
echo "portward e2e: $suite base image ready after $(($(date +%s) - started)) s" >&2
`

/** The mirror of this machine's apt, or PORTWARD_E2E_MIRROR if that is not a plain Debian mirror. */
const readMirror = async (): Promise<string> => {
  const given = process.env['PORTWARD_E2E_MIRROR']
  if (given) return given
  const { stdout } = await $({ nothrow: true })`apt-get indextargets --format ${'$(SITE)'} ${'Label: Debian'}`
  const first = stdout.split('\n').find((site) => /^https?:/.test(site))
  if (first) return first
  throw new Error('no Debian mirror found: run apt-get update, or set PORTWARD_E2E_MIRROR')
}

/** Settings of this machine's apt without which its mirror or proxy cannot be used, as `-oKey=value`. */
const readAptOptions = async (): Promise<string[]> => {
  const keys = ['Acquire::http::Proxy', 'Acquire::Check-Valid-Until', 'Acquire::Check-Date']
  const dumps = keys.map(
    (key) => $({ nothrow: true })`apt-config dump --no-empty --format ${'%F=%v%n'} ${key}`,
  )
  const lines = (await Promise.all(dumps)).flatMap(({ stdout }) => stdout.split('\n'))
  return lines.filter((line) => keys.some((key) => line.startsWith(`${key}=`))).map((line) => `-o${line}`)
}

/** Directory of the base root of a suite; builds it on first use. Read-only by convention: mount over it. */
export const baseImage = async (suite: Suite): Promise<string> => {
  const key = createHash('sha256').update(recipe).digest('hex').slice(0, 12)
  const directory = join(cacheDirectory(), 'base')
  const target = join(directory, `${suite}-${key}`)
  if (existsSync(target)) return target
  endWithRunner()
  await mkdir(directory, { recursive: true })
  const [mirror, options] = await Promise.all([readMirror(), readAptOptions()])
  // The build must not outlive its test process: killed with it, the process namespace takes all of it along.
  const bound = ['setpriv', '--pdeathsig', 'KILL']
  const isolated = ['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
  await execa(
    'setpriv',
    [
      ...[...bound.slice(1), 'flock', `${target}.lock`, ...bound, ...isolated],
      ...['sh', '-c', recipe, 'sh', suite, mirror, target, ...options],
    ],
    { stdin: 'ignore', stdout: 'inherit', stderr: 'inherit' },
  )
  return target
}
