import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { checkout } from './checkout.ts'
import { fixtures, temporaryDirectory } from './tree.ts'

const example = (name: string) => parse(readFileSync(join(checkout, 'examples/ci', name), 'utf8'))
const PATH = `${join(checkout, 'bin')}:${process.env['PATH']}`

/** The files of a server that are as its config.env wants them. */
const server = mkdtempSync(join(tmpdir(), 'portward-server-'))

beforeAll(() => {
  cpSync(join(fixtures, 'sample-server/etc'), join(server, 'etc'), { recursive: true })
  cpSync(join(fixtures, 'sample-server/root/config.env'), join(server, 'config.env'))
  chmodSync(join(server, 'config.env'), 0o600)
  writeFileSync(join(server, 'etc/debian_version'), '12.11\n')
  const args = ['apply', '--yes', '--root', server, '--config', join(server, 'config.env')]
  execFileSync(join(checkout, 'bin/portward'), args, { env: { PATH }, stdio: 'pipe' })
  // As the runner of GitLab leaves what it checks out.
  chmodSync(join(server, 'config.env'), 0o666)
})
afterAll(() => rmSync(server, { recursive: true, force: true }))

/** A repository that the examples are made for, with that server. */
const repository = (): string => {
  const directory = temporaryDirectory()
  cpSync(server, join(directory, 'servers/web1'), { recursive: true, verbatimSymlinks: true })
  return directory
}

interface Drift {
  readonly path: string
  /** From 1, counted in the file. */
  readonly line: number
}

/** Changes the one line of a file that starts so. */
const drift = (directory: string, path: string, start: string, line: string): Drift => {
  const lines = readFileSync(join(directory, path), 'latin1').split('\n')
  const index = lines.findIndex((each) => each.startsWith(start))
  expect(index, `${path} has no line ${start}`).toBeGreaterThanOrEqual(0)
  writeFileSync(join(directory, path), lines.with(index, line).join('\n'), 'latin1')
  return { path, line: index + 1 }
}

const driftAway = (directory: string): Drift[] => [
  drift(directory, 'servers/web1/etc/portsentry/portsentry.conf', 'BLOCK_TCP=', 'BLOCK_TCP="0"'),
  drift(directory, 'servers/web1/etc/fail2ban/jail.d/portsentry.conf', 'bantime =', 'bantime = 1m'),
]

/** Runs a script as a runner does: with bash, which ends at the first command that fails. */
const run = (directory: string, script: string, environment: Record<string, string>) =>
  spawnSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script], {
    cwd: directory,
    env: { PATH, ...environment },
    encoding: 'utf8',
  })

interface GithubStep {
  readonly id?: string
  readonly name?: string
  readonly run?: string
}

/** The steps of the workflow that call portward, by name. */
const githubSteps = (): { environment: Record<string, string>; steps: Map<string, string> } => {
  const { env, steps } = example('github-workflow.yml').jobs.plan as {
    env: Record<string, string>
    steps: readonly GithubStep[]
  }
  const calls = steps.flatMap(({ name = '', run: script = '' }): [string, string][] =>
    /^ *portward /m.test(script) ? [[name, script]] : [],
  )
  expect(calls.map(([name]) => name)).toEqual(['Plan', 'Summary'])
  return { environment: env, steps: new Map(calls) }
}

/** As GitHub's runner, which is not root: there the modes of what was checked out do not matter. */
const runGithub = (directory: string) => {
  const { environment, steps } = githubSteps()
  chmodSync(join(directory, 'servers/web1/config.env'), 0o644)
  const summary = join(directory, 'summary.md')
  const all = { ...environment, GITHUB_STEP_SUMMARY: summary }
  const plan = run(directory, steps.get('Plan') ?? '', all)
  expect(run(directory, steps.get('Summary') ?? '', all).status).toBe(0)
  const comment = readFileSync(join(directory, 'plan.md'), 'utf8')
  expect(readFileSync(summary, 'utf8')).toBe(comment)
  return { plan, comment }
}

it('github: drift fails the job, with an annotation at each line, a summary and a comment', () => {
  const directory = repository()
  const drifts = driftAway(directory)
  const { plan, comment } = runGithub(directory)
  expect(plan.status).toBe(2)
  const annotations = plan.stdout.split('\n').slice(0, -1)
  expect(annotations).toHaveLength(drifts.length)
  for (const { path, line } of drifts) {
    const start = `::warning file=${path},line=${line},endLine=${line},title=portward%3A pending-write::`
    expect(annotations.filter((annotation) => annotation.startsWith(start))).toHaveLength(1)
  }
  expect(comment).toMatch(/^### portward: 2 changes pending\n.*\n-BLOCK_TCP="0"\n\+BLOCK_TCP="1"\n/s)
})

it('github: in sync', () => {
  const { plan, comment } = runGithub(repository())
  expect([plan.status, plan.stdout, plan.stderr]).toEqual([0, '', ''])
  expect(comment).toMatch(/^### portward: in sync\n/)
})

it('github: a wrong config.env fails the job, with an annotation at its line', () => {
  const directory = repository()
  const { path, line } = drift(directory, 'servers/web1/config.env', 'LAN_NM=', 'LAN_NM=abc')
  const { plan, comment } = runGithub(directory)
  expect(plan.status).toBe(78)
  expect(plan.stdout).toMatch(new RegExp(`^::error file=${path},line=${line},endLine=${line},.*\n$`))
  expect(comment).toMatch(/^### portward: wrong configuration\n/)
})

it('github: the comment is made of what the summary step wrote', () => {
  const { steps } = example('github-workflow.yml').jobs.plan as { steps: readonly GithubStep[] }
  expect(steps.find(({ name }) => name === 'Comment')?.run).toMatch(/--body-file plan\.md( |$)/)
  expect(steps.find(({ id }) => id === 'plan')?.name).toBe('Plan')
})

const runGitlab = (directory: string) => {
  const { script, variables, artifacts } = example('gitlab-ci.yml').portward as {
    script: readonly string[]
    variables: Record<string, string>
    artifacts: { reports: { codequality: string }; paths: readonly string[] }
  }
  const job = run(directory, script.join('\n'), variables)
  const artifact = (path: string) => readFileSync(join(directory, path), 'utf8')
  return {
    job,
    report: JSON.parse(artifact(artifacts.reports.codequality)),
    comments: artifacts.paths.map(artifact),
  }
}

it('gitlab: drift fails the job, with a report that names each line', () => {
  const directory = repository()
  const drifts = driftAway(directory)
  const { job, report, comments } = runGitlab(directory)
  expect(job.status).toBe(2)
  expect(job.stdout).toMatch(/ -BLOCK_TCP="0"\n +\d+ \+BLOCK_TCP="1"\n/)
  expect(report.map(({ location }: { location: object }) => location)).toEqual(
    drifts.map(({ path, line }) => ({ path, lines: { begin: line } })),
  )
  expect(comments).toEqual([expect.stringMatching(/^### portward: 2 changes pending\n/)])
})

it('gitlab: in sync', () => {
  const { job, report, comments } = runGitlab(repository())
  expect([job.status, report]).toEqual([0, []])
  expect(comments).toEqual([expect.stringMatching(/^### portward: in sync\n/)])
})

it('gitlab: a wrong config.env fails the job, with a report that names its line', () => {
  const directory = repository()
  const { path, line } = drift(directory, 'servers/web1/config.env', 'LAN_NM=', 'LAN_NM=abc')
  const { job, report } = runGitlab(directory)
  expect(job.status).toBe(78)
  expect(report).toMatchObject([{ severity: 'critical', location: { path, lines: { begin: line } } }])
})
