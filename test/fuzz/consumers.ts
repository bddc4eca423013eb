import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const isMissing = (program: string): boolean => {
  const missing = spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0
  if (missing) console.warn(`SKIPPED: ${program} is missing here, so it is not asked what it reads`)
  return missing
}

/** What libwrap makes of each hosts.allow before a hosts.deny that refuses everybody: one verdict for each client. */
export const askTcpdmatch = (texts: readonly string[], clients: readonly string[]): string[][] => {
  const directory = mkdtempSync(join(tmpdir(), 'portward-test-'))
  try {
    for (const [index, text] of texts.entries()) {
      mkdirSync(join(directory, `${index}`))
      writeFileSync(join(directory, `${index}/hosts.allow`), text, 'latin1')
      writeFileSync(join(directory, `${index}/hosts.deny`), 'ALL: ALL\n')
    }
    const ask = clients.map((client) => `tcpdmatch -d anydaemon ${client}; echo`).join('; ')
    const script = `i=0; while [ $i -lt ${texts.length} ]; do cd $i; ${ask}; cd ..; i=$((i+1)); done 2>/dev/null`
    const { stdout } = spawnSync('sh', ['-c', script], {
      cwd: directory,
      encoding: 'latin1',
      maxBuffer: 2 ** 28,
    })
    const verdicts = stdout.split('\n\n').map((said) => /^access: +(\w+)/m.exec(said)?.[1] ?? 'nothing')
    return texts.map((_, index) => verdicts.slice(index * clients.length, (index + 1) * clients.length))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** As fail2ban reads its files; a text that it refuses gives null. */
const PYTHON = `
import configparser, io, json, sys
def read(text):
    parser = configparser.ConfigParser(interpolation=None, inline_comment_prefixes=';')
    try:
        parser.read_file(io.TextIOWrapper(io.BytesIO(text.encode('latin1')), encoding='utf-8'), 'x')
        return {key: parser.get('portsentry', key).encode('utf-8').decode('latin1') for key in parser['portsentry']}
    except Exception:
        return None
json.dump([read(text) for text in json.load(sys.stdin)], sys.stdout)
`

/** Options of [portsentry] in each text, as Python's own configparser reads them. */
export const askConfigparser = (
  texts: readonly string[],
): readonly (Readonly<Record<string, string>> | null)[] => {
  const { status, stdout, stderr } = spawnSync('python3', ['-c', PYTHON], {
    input: JSON.stringify(texts),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}
