import sandboxScript from '../../../templates/lab-sandbox.sh?raw'
import { tryRun } from '../../system/process.ts'
import { LAB_COMMAND } from './lab-command.ts'
import type { LabReport } from './report.ts'
import type { LabSpecification } from './specification.ts'
import { missingPrograms } from './topology.ts'

const TIMEOUT_MS = 180_000
/** `sysexits.h` EX_CONFIG: the sandbox cannot be built here. */
const NOT_HERE = 78

export type LabOutcome =
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

/**
 * Builds the lab, runs what the specification says, and returns the report. Everything runs in namespaces that end with their
 * first process, which ends with this process, however that ends. Never throws.
 */
export const runLab = async (specification: LabSpecification): Promise<LabOutcome> => {
  if (process.getuid?.() !== 0) return impossible('only root can build it', 'run portward verify as root')
  const missing = await missingPrograms()
  if (missing.length > 0)
    return impossible(`${missing.join(', ')} is not installed`, 'apt-get install iproute2 util-linux python3')
  const bound = ['--pdeathsig', 'KILL', '--']
  const namespaces = [
    '--mount',
    '--net',
    '--uts',
    '--ipc',
    '--pid',
    '--fork',
    '--kill-child=KILL',
    '--mount-proc',
  ]
  const inside = [process.execPath, process.argv[1] ?? '', LAB_COMMAND]
  const startedMs = performance.now()
  const { exitCode, stdout, stderr } = await tryRun(
    'setpriv',
    [...bound, 'unshare', ...namespaces, '--', 'sh', '-c', sandboxScript, 'sh', ...inside],
    {
      input: JSON.stringify(specification),
      timeoutMs: TIMEOUT_MS,
      purpose: 'scans to be tried in a copy of this server',
    },
  )
  const said = stderr.trim().split('\n').at(-1)?.slice(0, 300) ?? ''
  if (exitCode === 0) return { report: JSON.parse(stdout) }
  if (exitCode === NOT_HERE) return impossible(said, 'run portward verify on a system that allows namespaces')
  if (performance.now() - startedMs >= TIMEOUT_MS)
    return unfinished(
      `it took more than ${TIMEOUT_MS / 1000} s, and was stopped`,
      `run portward verify again; if that does not help, check whether KILL_ROUTE and KILL_RUN_CMD in ${specification.confPath} end`,
    )
  return unfinished(
    said === '' ? `it ended with exit code ${exitCode}` : said,
    'fix this, then run portward verify',
  )
}
