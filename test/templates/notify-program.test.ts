import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { checkout } from '../checkout.ts'

/** Debian's own is the one that runs it. */
const PYTHON = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'

/** The parts of fail2ban that it uses: a stock action that writes down what it is to do, and fails for one host. */
const STUBS: Readonly<Record<string, string>> = {
  'fail2ban/client/actionreader.py': `
class ActionReader:
    def __init__(self, name, jail, options): self.read_options = {**options, 'actionban': name, 'actionstart': 'hello'}
    def read(self): return True
    def getOptions(self, options): pass
    def getCombined(self): return self.read_options
`,
  'fail2ban/server/action.py': `
class Log:
    def error(self, text, *words): print('logged', text % words)
class ActionBase:
    def __init__(self, jail, name): self._jail, self._name, self._logSys = jail, name, Log()
class CommandAction(ActionBase):
    def _processCmd(self, command, info):
        if info.get('ip') == 'bad': raise ValueError('no such host')
        words = self.more if command == '<summary>' else info['ip']
        print(command, words, self.actionban, repr(self.actionstart), self.dest)
`,
  'fail2ban/server/utils.py': 'class Utils: pass\n',
}

/** What is printed by code with an `action` that may tell of two bans, when its thread is at its end. */
const run = (code: string, stock = 'sendmail'): string[] => {
  const home = mkdtempSync(join(tmpdir(), 'portward-'))
  onTestFinished(() => rmSync(home, { recursive: true }))
  for (const [name, text] of Object.entries(STUBS)) {
    mkdirSync(join(home, dirname(name)), { recursive: true })
    writeFileSync(join(home, name), text)
  }
  const program = `
import importlib.util, threading, types
spec = importlib.util.spec_from_file_location('notify', ${JSON.stringify(join(checkout, 'templates/fail2ban-notify.py'))})
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
action = module.Action(types.SimpleNamespace(name='portsentry'), 'n', stock='${stock}', most='2', seconds='86400', dest='root')
action.start()
worker = next(each for each in threading.enumerate() if each.daemon)
def ban(*hosts):
    for host in hosts: action.ban({'ip': host})
${code}
action.stop()
worker.join()
`
  const env = { ...process.env, PYTHONPATH: home, PYTHONDONTWRITEBYTECODE: '1' }
  return execFileSync(PYTHON, ['-c', program], { encoding: 'utf8', env }).split('\n').slice(0, -1)
}

const told = (ip: string) => `<actionban> ${ip} sendmail '' root`

it.each<[string, string, string[]]>([
  ['each ban, and not that the jail has started', "ban('a', 'b')", [told('a'), told('b')]],
  [
    'no more than the limit, then how many there were beside',
    "ban('a', 'b', 'c', 'd'); action.end_period()",
    [told('a'), told('b'), "<summary> 2 sendmail '' root"],
  ],
  ['nothing more where there were none', "ban('a'); action.end_period()", [told('a')]],
  [
    'each ban again in the next period',
    "ban('a', 'b', 'c'); action.end_period(); ban('d')",
    [told('a'), told('b'), "<summary> 1 sendmail '' root", told('d')],
  ],
  ['of the others after one that fails', "ban('bad', 'b')", ['logged n: no such host', told('b')]],
  ['nothing of a ban that is made again', "action.reban({'ip': 'a'})", []],
  ['what fail2ban passes over for restored bans', 'print(action.norestored)', ['True']],
])('tells %s', (_, code, expected) => expect(run(code)).toEqual(expected))

it('reports to AbuseIPDB those alone who have scanned this server, and not those that an admin or another server has banned', () => {
  const code =
    "action.ban({'ip': 'a', 'matches': ''}); action.ban({'ip': 'b', 'matches': 'Host: b Port: 11 TCP Blocked'})"
  expect(run(code, 'abuseipdb')).toEqual(["<actionban> b abuseipdb '' root"])
  expect(run(code)).toEqual([told('a'), told('b')])
})
