import { parseAddress } from '../../network.ts'

/** What people try, and what does that. Each `portward …` in an answer is a command that exists. */
type Answers = readonly (readonly [words: string, answer: string])[]

/** Instead of a command. */
export const WORDS: Answers = [
  ['undo revert restore back reset', 'portward rollback restores what the latest apply replaced'],
  ['remove uninstall purge', 'portward rollback restores what was there before; then apt-get purge portward'],
  ['list ls banned blocked show-bans', 'portward bans lists banned hosts, portward status what runs'],
  [
    'check test validate doctor health',
    'portward status shows what runs, portward verify proves that it bans',
  ],
  ['diff dry-run dryrun preview show drift changes', 'portward plan shows what apply would change'],
  ['block deny add drop blacklist', 'portward ban ADDRESS bans it, as fail2ban would after a scan'],
  [
    'share sync-bans import',
    'portward bans --json lists bans, portward ban --file makes those of another server',
  ],
  ['unblock release pardon free allow-ip', 'portward unban ADDRESS releases it wherever it is banned'],
  [
    'whitelist allow allowlist trust ignore exempt',
    'add the address, network or name to WHITELIST in /root/config.env, then portward apply',
  ],
  [
    'install setup configure deploy provision',
    'portward init proposes a config.env, portward plan shows what follows from it',
  ],
  ['resolve dns names ddns dyndns', 'portward refresh looks up the names in WHITELIST anew'],
  ['run update upgrade sync converge', 'portward plan shows what would change, portward apply does it'],
  ['new create wizard propose detect-lan', 'portward init proposes a config.env by what this server shows'],
  ['config edit env set get', 'edit /root/config.env (man portward-config.env), then portward plan'],
  [
    'start stop restart reload enable disable',
    `portward is not a daemon: use systemctl, as in systemctl restart fail2ban 'portsentry*'`,
  ],
  ['log logs history stats statistics scans graph chart', 'portward report shows scans and bans over time'],
  [
    'monitor monitoring prometheus openmetrics exporter grafana node-exporter',
    'portward metrics prints numbers for Prometheus',
  ],
  ['why who whois lookup info', 'portward explain ADDRESS shows what a scan from it leads to, and why'],
  ['scan watch sniff pcap', 'portward detect watches an interface or reads a capture'],
  ['notify mail send alert message digest', 'portward report --send sends a summary to those in NOTIFY'],
  ['commit keep accept ok', 'portward confirm keeps what was applied with --confirm-within'],
  ['versions generation backups snapshots', 'portward generations lists what earlier applies replaced'],
  ['version', 'portward --version'],
  ['man manual usage', 'portward --help, or man portward'],
  ['error problem problems code codes', 'portward explain-problem CODE says what it means, and what to do'],
]

/** Instead of an option, by command; '' has those for any command. */
const OPTIONS: Readonly<Record<string, Answers>> = {
  apply: [
    ['--dry-run -n --check --simulate --noop --diff', 'portward plan shows what apply would change'],
    ['--force -f', '--yes does not ask; --allow-lockout accepts that an SSH session here could be banned'],
  ],
  ban: [
    ['--time --bantime --until -t --duration', '--for says how long: --for 1d'],
    ['--comment --message -m', '--reason says why'],
    ['--force -f', 'a protected address is never banned: take it out of WHITELIST first'],
    ['-n --check --simulate', 'that is --dry-run'],
  ],
  init: [
    ['--force -f --overwrite', '--yes changes a config.env that exists without asking'],
    ['--auto --non-interactive --batch', '--defaults takes what is proposed without asking'],
    ['--vps', '--no-lan is for a server without a LAN'],
    ['--allow --allowlist', '--whitelist names what is never banned'],
  ],
  plan: [['--yes -y --apply', 'plan changes nothing and does not ask: portward apply --yes does']],
  rollback: [
    ['--list -l', 'portward generations lists them'],
    ['--to --generation -g', 'give the number alone: portward rollback 2'],
    ['--dry-run -n', 'without --yes it lists the files and asks'],
  ],
  unban: [['--all -a', 'name the addresses: portward bans lists them']],
  verify: [['--fix --repair', 'verify changes nothing: portward apply does']],
  '': [
    ['--assume-yes --noconfirm --non-interactive --batch --no-input', 'apply and rollback have --yes'],
    ['--debug --trace', 'that is --verbose'],
    ['--silent -s', 'that is --quiet'],
    ['-c -f --conf --file', 'that is --config'],
    ['-C --chroot --prefix', 'that is --root'],
    ['-j', 'that is --json'],
    ['-?', 'that is --help'],
  ],
}

const find = (answers: Answers, word: string): string | undefined =>
  answers.find(([words]) => words.split(' ').includes(word))?.[1]

/** What does what this word asks for, where it is not a command; undefined if nobody knows. */
export const answerToWord = (word: string): string | undefined => {
  if (parseAddress(word) === null) return find(WORDS, word.toLowerCase())
  return `portward explain ${word} shows what a scan from it leads to, portward unban ${word} releases it`
}

/** The same for an option that this command does not have. */
export const answerToOption = (command: string | undefined, option: string): string | undefined =>
  find(OPTIONS[command ?? ''] ?? [], option) ?? find(OPTIONS[''] ?? [], option)
