import type { Socket } from 'node:net'
import type { WrittenAnswer } from '../http/written-answer.ts'
import { headText } from './answer-text.ts'

/** What a connection needs of the server around it. */
export interface ConnectionHost {
  /**
   * An answer that is on its way, when the bytes are one ordinary request for a command; `incomplete` when more of it has
   * to come; undefined when they are anything else.
   */
  readonly take: (bytes: Buffer) => TakenRequest | 'incomplete' | undefined
  /** Gives the connection to Node's HTTP server, which reads `bytes` first. */
  readonly handOver: (socket: Socket, bytes: Buffer) => void
  /** Answers what has come as no request, or not whole, and closes the connection. */
  readonly fault: (socket: Socket, code: ConnectionFault) => void
  readonly closed: (connection: Connection) => void
  /** False from the beginning of a shutdown on: then Node's server has all that comes. */
  readonly serving: () => boolean
  /** How long a connection may take to send its first request, milliseconds. */
  readonly firstRequestMs: number
  /** How long it may be idle after that, milliseconds. */
  readonly idleMs: number
  /** What it is told of that, seconds. */
  readonly keepSeconds: number
}

/** By the codes of Node's HTTP server. */
export type ConnectionFault = 'ERR_HTTP_REQUEST_TIMEOUT' | 'HPE_INVALID_EOF_STATE'

export interface TakenRequest {
  /** Never rejects. */
  readonly answer: Promise<WrittenAnswer>
  /** The caller wants no other answer on this connection. */
  readonly close: boolean
}

/** A request may come in two pieces, head and body, when the second one comes this soon, milliseconds. */
const secondPieceMs = 100

const none: Buffer = Buffer.alloc(0)

/**
 * One connection, for as long as ordinary requests for commands come on it, one after the other. With the first other
 * bytes it becomes a connection of Node's HTTP server for good, between two requests.
 */
export class Connection {
  readonly #socket: Socket
  readonly #host: ConnectionHost
  /** What has come and was not taken: the beginning of a request, or what came while the one before is answered. */
  #held = none
  #answering = false
  #answered = false
  #pieceTimer: NodeJS.Timeout | undefined

  constructor(socket: Socket, host: ConnectionHost) {
    this.#socket = socket
    this.#host = host
    socket.setTimeout(host.firstRequestMs)
    socket.on('data', this.#onData)
    socket.on('drain', this.#onDrain)
    socket.on('end', this.#onEnd)
    socket.on('timeout', this.#onTimeout)
    socket.on('error', onError)
    socket.on('close', this.#onClose)
  }

  get idle(): boolean {
    return !this.#answering && this.#held.length === 0
  }

  /** Closes it when what was written has been read. */
  close(): void {
    this.#socket.destroySoon()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  readonly #onData = (bytes: Buffer): void => {
    // Behind the last answer: nobody would learn what became of it.
    if (!this.#socket.writable) return
    if (this.#answering) {
      // Another request before the answer to this one: Node's server has it when this one is answered.
      this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes])
      this.#socket.pause()
      return
    }
    const isSecondPiece = this.#held.length > 0
    const all = isSecondPiece ? Buffer.concat([this.#held, bytes]) : bytes
    const taken = this.#host.serving() ? this.#host.take(all) : undefined
    if (taken === undefined || (taken === 'incomplete' && isSecondPiece)) this.#handOver(all)
    else if (taken === 'incomplete') {
      this.#held = all
      this.#pieceTimer = setTimeout(() => {
        this.#handOver(all)
      }, secondPieceMs)
    } else {
      this.#forgetPiece()
      this.#answer(taken)
    }
  }

  #answer({ answer, close }: TakenRequest): void {
    this.#answering = true
    void answer.then((written) => {
      this.#write(written, close || !this.#host.serving())
    })
  }

  #write(written: WrittenAnswer, close: boolean): void {
    const socket = this.#socket
    this.#answering = false
    if (!socket.writable) return
    if (!this.#answered) {
      this.#answered = true
      socket.setTimeout(this.#host.idleMs)
    }
    const { body, bytes } = written
    const head = headText(written, { close, keepSeconds: this.#host.keepSeconds })
    let isTaken: boolean
    if (bytes === body.length) isTaken = socket.write(head + body, 'latin1')
    else {
      socket.cork()
      socket.write(head, 'latin1')
      isTaken = socket.write(body, 'utf8')
      socket.uncork()
    }
    if (close) {
      this.close()
      return
    }
    if (this.#held.length > 0) this.#handOver(this.#held)
    // Whoever does not read its answers is not asked for more requests.
    else if (!isTaken) socket.pause()
  }

  #handOver(bytes: Buffer): void {
    const socket = this.#socket
    this.#forgetPiece()
    socket.setTimeout(0)
    socket.off('data', this.#onData)
    socket.off('drain', this.#onDrain)
    socket.off('end', this.#onEnd)
    socket.off('timeout', this.#onTimeout)
    socket.off('error', onError)
    socket.off('close', this.#onClose)
    this.#host.closed(this)
    this.#host.handOver(socket, bytes)
  }

  #forgetPiece(): void {
    clearTimeout(this.#pieceTimer)
    this.#held = none
  }

  readonly #onDrain = (): void => {
    if (this.#held.length === 0) this.#socket.resume()
  }

  /** As Node's server has it: who ends his side wants no answer. */
  readonly #onEnd = (): void => {
    if (this.#held.length > 0 && !this.#answering) this.#host.fault(this.#socket, 'HPE_INVALID_EOF_STATE')
    else this.#socket.end()
  }

  readonly #onTimeout = (): void => {
    if (this.#answering) return
    if (this.#answered) this.#socket.destroy()
    else this.#host.fault(this.#socket, 'ERR_HTTP_REQUEST_TIMEOUT')
  }

  readonly #onClose = (): void => {
    this.#forgetPiece()
    this.#host.closed(this)
  }
}

/** A connection that breaks: the work goes on, and a retry learns its outcome. 'close' follows. */
const onError = (): void => undefined
