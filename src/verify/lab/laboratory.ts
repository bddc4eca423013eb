import { text } from 'node:stream/consumers'
import sandboxScript from '../../../templates/lab-sandbox.sh?raw'
import { follow } from '../../system/process.ts'
import { waitingFor } from '../../system/progress.ts'
import { LAB_COMMAND } from './lab-command.ts'
import type { LabReport } from './report.ts'
import type { LabSpecification } from './specification.ts'

const TIMEOUT_MS = 180_000
/** `sysexits.h` EX_CONFIG: the sandbox cannot be built here. EX_UNAVAILABLE: a program is missing for that. */
const NOT_HERE = 78
const MISSING = 69

type LabOutcome =
  | { readonly report: LabReport }
  /** Why there is no report, and what to do about it. */
  | { readonly failure: string; readonly hint: string }

const impossible = (why: string, hint: string): LabOutcome => ({
  failure: `it cannot be built: ${why}; no scan was tried, and no command of portsentry.conf was run`,
  hint,
})

const unfinished = (why: string, hint: string): LabOutcome => ({
  failure: `not proven: ${why}; it is unknown whether a scanner is banned`,
  hint,
})

/** The namespaces, in which `portward lab` waits for its specification. */
export interface Lab {
  /** Builds what the specification says, tries it, and returns the report. To be called once. Never throws. */
  readonly run: (specification: LabSpecification) => Promise<LabOutcome>
  /** Ends everything in them. */
  readonly close: () => void
}

const NAMESPACES = [
  '--mount',
  '--net',
  '--uts',
  '--ipc',
  '--pid',
  '--fork',
  '--kill-child=KILL',
  '--mount-proc',
]

/**
 * Starts to build the lab: that takes a while, in which the server can be read. Its namespaces end with their first process,
 * which ends with this process, however that ends.
 */
export const openLab = (): Lab => {
  if (process.getuid?.() !== 0) {
    const outcome = impossible('only root can build it', 'run portward verify as root')
    return { run: async () => outcome, close: () => undefined }
  }
  const inside = [process.execPath, process.argv[1] ?? '', LAB_COMMAND]
  const program = follow('setpriv', [
    ...['--pdeathsig', 'KILL', '--', 'unshare', ...NAMESPACES],
    ...['--', 'sh', '-c', sandboxScript, 'sh', ...inside],
  ])
  const close = () => program.kill('SIGKILL')
  // Without a program there is no output either.
  const report = text(program.stdout).catch(() => '')
  const run = async (specification: LabSpecification): Promise<LabOutcome> => {
    let isLate = false
    const patience = setTimeout(() => {
      isLate = true
      close()
    }, TIMEOUT_MS)
    program.stdin.end(JSON.stringify(specification))
    const { exitCode, stderr } = await waitingFor(
      'scans to be tried in a copy of this server',
      TIMEOUT_MS,
      () => program.ended,
    )
    clearTimeout(patience)
    const said = stderr.split('\n').at(-1)?.slice(0, 300) ?? ''
    if (exitCode === 0) return { report: JSON.parse(await report) }
    if (exitCode === MISSING) return impossible(said, 'apt-get install iproute2 python3')
    if (exitCode === NOT_HERE)
      return impossible(said, 'run portward verify on a system that allows namespaces')
    if (isLate)
      return unfinished(
        `it took more than ${TIMEOUT_MS / 1000} s, and was stopped`,
        `run portward verify again; if that does not help, check whether KILL_ROUTE and KILL_RUN_CMD in ${specification.confPath} end`,
      )
    return unfinished(
      said === '' ? `it ended with exit code ${exitCode}` : said,
      'fix this, then run portward verify',
    )
  }
  return { run, close }
}
