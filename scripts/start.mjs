// `npm start`: the main job on a copy of the sample server, as anybody; with arguments, the real thing.
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installPackages, root, run } from './install.mjs'

installPackages()
run('node', ['scripts/build.mjs'])

/** Runs portward with the terminal's own streams and returns its exit status. */
const portward = (/** @type {string[]} */ args) => {
  const { status, error } = spawnSync(join(root, 'bin/portward'), args, { cwd: root, stdio: 'inherit' })
  if (error) throw error
  return status ?? 1
}

const tour = () => {
  const directory = mkdtempSync(join(tmpdir(), 'portward-sample-'))
  const server = join(directory, 'server')
  try {
    cpSync(join(root, 'fixtures/sample-server'), server, { recursive: true })
    // A checkout may be group-writable; a config.env that others may write is refused to root.
    chmodSync(join(server, 'root/config.env'), 0o600)
    const show = (
      /** @type {string} */ title,
      /** @type {string} */ command,
      /** @type {string[]} */ ...options
    ) => {
      console.log(`\n=== ${title}\n$ portward ${[command, ...options].join(' ')}\n`)
      return portward([command, ...options, '--root', server, '--config', join(server, 'root/config.env')])
    }
    console.log(
      'A sample server: Debian 12 with portsentry and fail2ban as their packages leave them, and a config.env.',
    )
    const statuses = [
      show('What would change?', 'plan'),
      show('Change it.', 'apply', '--yes', '--quiet'),
      show('Anything left to do?', 'plan'),
      show(
        'Somebody scanned it, fixtures/scan.pcap has the packets. Who would be banned, and who is allowlisted by which line?',
        'detect',
        ...['--pcap', 'fixtures/scan.pcap', '--in-use', '22,80', '--address', '192.168.1.10', '--quiet'],
      ),
    ]
    const asPromised = statuses.join() === '2,0,0,0'
    console.log(`\nExit codes ${statuses.join(', ')}: ${asPromised ? 'as promised' : 'NOT as promised'}.`)
    console.log('On a server of your own, as root: npm start -- plan, then npm start -- apply')
    return asPromised ? 0 : 1
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Runs the real thing; what ends this process is passed on, and it waits until portward has put things back. */
const passThrough = (/** @type {string[]} */ args) => {
  const child = spawn(join(root, 'bin/portward'), args, { stdio: 'inherit' })
  // A terminal tells both of Ctrl-C; a termination reaches this process only.
  process.on('SIGINT', () => {})
  for (const signal of /** @type {const} */ (['SIGTERM', 'SIGHUP']))
    process.on(signal, () => child.kill(signal))
  child.on('exit', (status) => {
    process.exitCode = status ?? 1
  })
}

const args = process.argv.slice(2)
if (args.length > 0) passThrough(args)
else process.exitCode = tour()
