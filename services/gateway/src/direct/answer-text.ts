import { STATUS_CODES } from 'node:http'
import type { WrittenAnswer } from '../http/written-answer.ts'

export interface ConnectionHeaders {
  /** It is the last answer of its connection. */
  readonly close: boolean
  /** What `Keep-Alive` tells of how long a connection is kept, seconds. */
  readonly keepSeconds: number
}

/** The head of an answer as Node's HTTP server would write it, to the empty line. */
export function headText({ status, headers }: WrittenAnswer, { close, keepSeconds }: ConnectionHeaders): string {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'unknown'}\r\n`
  for (let at = 0; at < headers.length; at += 2) text += `${headers[at]}: ${headers[at + 1]}\r\n`
  const connection = close ? 'Connection: close' : `Connection: keep-alive\r\nKeep-Alive: timeout=${keepSeconds}`
  return `${text}Date: ${httpDate()}\r\n${connection}\r\n\r\n`
}

let lastSecond = 0
let lastText = ''

/** RFC 9110, section 5.6.7; one text for all answers of a second. */
function httpDate(): string {
  const second = Math.floor(Date.now() / 1000)
  if (second !== lastSecond) {
    lastText = new Date(second * 1000).toUTCString()
    lastSecond = second
  }
  return lastText
}
