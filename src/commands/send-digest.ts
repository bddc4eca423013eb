import { hostname } from 'node:os'
import { isMail } from '../policy/notifications.ts'
import { type Digest, renderDigest } from '../report/digest.ts'
import type { Report, Sources } from '../report/report.ts'
import { localTime } from '../system/clock.ts'
import { tryRun } from '../system/process.ts'

interface Sent {
  readonly recipient: string
  /** Null: the program that sends it has accepted it. */
  readonly failure: string | null
}

/** This server's name with its domain, as mail servers want to see it. */
const readHostName = async (): Promise<string> => {
  const { exitCode, stdout } = await tryRun('hostname', ['--fqdn'])
  return (exitCode === 0 && stdout.trim()) || hostname()
}

/** The programs that fail2ban's stock actions run, too. */
const send = async (recipient: string, { subject, text }: Digest, host: string): Promise<Sent> => {
  const sender = `root@${host}`
  const head = [`From: portward <${sender}>`, `To: ${recipient}`, `Subject: ${subject}`]
  const date = `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`
  if (isMail(recipient)) {
    const input = [...head, date, '', text].join('\n')
    const { exitCode, stderr } = await tryRun('/usr/sbin/sendmail', ['-i', '-f', sender, recipient], {
      input,
    })
    const said = stderr.trim().split('\n').at(-1) || `exit code ${exitCode}`
    return { recipient, failure: exitCode === 0 ? null : `/usr/sbin/sendmail: ${said}` }
  }
  const { exitCode } = await tryRun('apprise', ['-c', recipient, '-t', subject], { input: text })
  // What apprise says may contain a URL.
  return { recipient, failure: exitCode === 0 ? null : `see what apprise -v -c ${recipient} -b test says` }
}

/** Sends the report as a short message to each recipient. Never throws. */
export const sendDigest = async (
  recipients: readonly string[],
  report: Report,
  sources: Sources,
): Promise<readonly Sent[]> => {
  const host = await readHostName()
  const digest = renderDigest(report, sources, localTime, host)
  return Promise.all(recipients.map((recipient) => send(recipient, digest, host)))
}
