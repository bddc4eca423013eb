import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { HostError } from './host-error.ts'

let count = 0

const fail = (name: string, code: string): never => {
  if (name.startsWith('run '))
    throw new HostError(`${name.slice(4)} failed with exit code 1: ${code}`, 'this is a test')
  throw Object.assign(new Error(`${code}: made to fail, ${name}`), { code, errno: -1, syscall: 'test' })
}

/**
 * For the crash tests: PORTWARD_FAULT=`kill@7` ends this process before its seventh effect, `EIO@7` makes that one fail,
 * `hang@7` makes it hang until its timeout. The name of each effect is appended to PORTWARD_FAULT_LOG.
 */
export const interfere = async (name: string): Promise<void> => {
  count += 1
  const { PORTWARD_FAULT: fault = '', PORTWARD_FAULT_LOG: log } = process.env
  if (log !== undefined) appendFileSync(log, `${count} ${name}\n`)
  const [kind = '', at] = fault.split('@')
  if (Number(at) !== count) return
  if (kind === 'kill') {
    process.kill(process.pid, 'SIGKILL')
    await sleep(60_000)
  }
  if (kind === 'hang') {
    await sleep(300)
    throw new HostError(`${name} did not end in time`, 'this is a test')
  }
  fail(name, kind)
}
