import { spawnSync } from 'node:child_process'

/** Debian's package of the reference parsers, for /usr/bin/python3. */
export const PARSERS = {
  '/usr/lib/python3/dist-packages/prometheus_client': 'python3-prometheus-client',
} as const

export interface ParsedFamily {
  readonly name: string
  readonly type: string
  readonly help: string
  readonly samples: readonly (readonly [
    name: string,
    labels: Readonly<Record<string, string>>,
    value: number,
  ])[]
}

/** OpenMetrics' parser refuses what is not; that of the older format is more lenient. */
const PARSE = `
import importlib, json, sys
parser = importlib.import_module(sys.argv[1])
families = parser.text_string_to_metric_families(sys.stdin.read())
print(json.dumps([
    {'name': f.name, 'type': f.type, 'help': f.documentation, 'samples': [[s.name, s.labels, s.value] for s in f.samples]}
    for f in families]))
`

const FORMATS = {
  OpenMetrics: 'prometheus_client.openmetrics.parser',
  'Prometheus 0.0.4': 'prometheus_client.parser',
} as const

export type Format = keyof typeof FORMATS

/** The metrics in a text. Throws an Error with the parser's message if the text is not of that format. */
export const parseMetrics = (text: string, format: Format): ParsedFamily[] => {
  const { stdout, stderr, status } = spawnSync('/usr/bin/python3', ['-c', PARSE, FORMATS[format]], {
    input: text,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr.trim().split('\n').at(-1))
  return JSON.parse(stdout)
}

/** The value of each sample, by its name and labels: `portward_daemon_up{daemon="fail2ban"}`. */
export const valuesIn = (text: string): Map<string, number> =>
  new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const end = line.lastIndexOf(' ')
        return [line.slice(0, end), Number(line.slice(end + 1))]
      }),
  )
