import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { askAtSocket } from '../../src/facts/fail2ban-socket.ts'

const END = '<F2B_END_COMMAND>'

/** A server at a socket of its own that does this with each connection; returns the socket's path. */
const listen = async (serve: (socket: Socket) => void): Promise<string> => {
  const directory = mkdtempSync(join(tmpdir(), 'portward-socket-'))
  const path = join(directory, 'fail2ban.sock')
  const server = createServer(serve).listen(path)
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    rmSync(directory, { recursive: true })
  })
  return path
}

/** Answers every command with these bytes, in pieces of so many. */
const answering =
  (answer: string, size = answer.length) =>
  (socket: Socket): void => {
    socket.once('data', () => {
      const bytes = Buffer.from(answer, 'latin1')
      for (let start = 0; start < bytes.length; start += size)
        socket.write(bytes.subarray(start, start + size))
    })
  }

// Answers as fail2ban 1.0.2 gives them, pickled by Python 3.11.
const STATUS =
  '\x80\x05\x95?\0\0\0\0\0\0\0K\0]\x94(\x8c\x0eNumber of jail\x94K\x02\x86\x94\x8c\tJail list\x94\x8c\x10portsentry, sshd\x94\x86\x94e\x86\x94.'
const IGNOREIP =
  '\x80\x05\x95>\0\0\0\0\0\0\0K\0]\x94(\x8c\x08builtins\x94\x8c\x03str\x94\x93\x94\x8c\x0b127.0.0.0/8\x94\x85\x94R\x94h\x03\x8c\x03::1\x94\x85\x94R\x94e\x86\x94.'
const BANTIME = '\x80\x05\x95\n\0\0\0\0\0\0\0K\0J\x80Q\x01\0\x86\x94.'
const NONE = '\x80\x05\x95\x07\0\0\0\0\0\0\0K\0]\x94\x86\x94.'
const UNKNOWN_JAIL =
  '\x80\x05\x95?\0\0\0\0\0\0\0K\x01\x8c\x13fail2ban.exceptions\x94\x8c\x14UnknownJailException\x94\x93\x94\x8c\x04nope\x94\x85\x94R\x94\x86\x94.'

// As fail2ban 1.1.1 gives it.
const IGNORED_FILE =
  '\x80\x05\x95]\0\0\0\0\0\0\0K\0]\x94(\x8c\x15fail2ban.server.ipdns\x94\x8c\rFileIPAddrSet\x94\x93\x94]\x94\x85\x94R\x94}\x94\x8c\x08fileName\x94\x8c\x0c/etc/friends\x94sb\x8c\x03::1\x94e\x86\x94.'

it.each([
  ['pairs', STATUS, ['Number of jail: 2', 'Jail list: portsentry, sshd']],
  ['a list of strings', IGNOREIP, ['127.0.0.0/8', '::1']],
  ['a file in ignoreip', IGNORED_FILE, ['file:/etc/friends', '::1']],
  ['a number', BANTIME, ['86400']],
  ['an empty list', NONE, []],
])('reads %s', async (_, answer, lines) => {
  expect(await askAtSocket(await listen(answering(answer + END)), ['status'], 5000)).toEqual({
    kind: 'answered',
    lines,
  })
})

it('reads an answer that arrives in pieces', async () => {
  const path = await listen(answering(STATUS + END, 7))
  expect(await askAtSocket(path, ['status'], 5000)).toMatchObject({ kind: 'answered' })
})

it('sends the words as Python pickles them', async () => {
  let sent = Buffer.alloc(0)
  const path = await listen((socket) => {
    socket.on('data', (chunk) => {
      sent = Buffer.concat([sent, Buffer.from(chunk)])
      socket.end(BANTIME + END, 'latin1')
    })
  })
  await askAtSocket(path, ['get', 'portsentry', 'bantime'], 5000)
  expect(sent.toString('latin1')).toBe(
    `\x80\x02](X\x03\0\0\0getX\x0a\0\0\0portsentryX\x07\0\0\0bantimee.${END}`,
  )
})

it('tells a refusal', async () => {
  const path = await listen(answering(UNKNOWN_JAIL + END))
  expect(await askAtSocket(path, ['get', 'nope', 'bantime'], 5000)).toEqual({ kind: 'refused' })
})

it('tells where nobody listens', async () => {
  expect(await askAtSocket(join(tmpdir(), 'no-such.sock'), ['status'], 5000)).toEqual({ kind: 'absent' })
})

it.each<[string, (socket: Socket) => void]>([
  ['closes the connection', (socket) => void socket.once('data', () => socket.end())],
  ['closes it in the middle', (socket) => void socket.once('data', () => socket.end(STATUS.slice(0, 9)))],
  ['says nothing', () => {}],
])('does not wait for a server that %s', async (_, serve) => {
  expect(await askAtSocket(await listen(serve), ['status'], 200)).toEqual({ kind: 'refused' })
})

/** Like fail2ban, one connection after the other; and slow. Hardly any may wait. */
const BUSY_SERVER = `
import pickle, socket, sys, time
server = socket.socket(socket.AF_UNIX); server.bind(sys.argv[1]); server.listen(0); print('ready', flush=True)
while True:
    client, _ = server.accept()
    time.sleep(0.05)
    client.sendall(pickle.dumps((0, pickle.loads(client.recv(65536)))) + b'${END}')
    client.close()
`

it('gets its answers one after the other from a server that accepts one connection at a time', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'portward-socket-'))
  const path = join(directory, 'fail2ban.sock')
  const server = spawn('python3', ['-I', '-c', BUSY_SERVER, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => {
    server.kill()
    rmSync(directory, { recursive: true })
  })
  await once(server.stdout, 'data')
  const words = ['a', 'b', 'c', 'd', 'e', 'f']
  const answers = await Promise.all(words.map((word) => askAtSocket(path, ['get', word], 20_000)))
  expect(answers).toEqual(words.map((word) => ({ kind: 'answered', lines: ['get', word] })))
})
