import type { RecordedEvent } from '@holdfast/core'
import type { LogLine } from '@holdfast/testing/processes'

/** Holdfast, running: the same for one process and for many. */
export interface TestServer extends AsyncDisposable {
  /** Origins of the gateways, one or more. Any of them answers any request. */
  readonly urls: readonly string[]
  /** Origins that serve `/metrics`: the gateways, and the handlers where these are processes of their own. */
  readonly metricsUrls: readonly string[]
  /** What all its processes have logged so far. */
  logLines(): readonly LogLine[]
  /** The events on the key's stream, oldest first, from the event store itself. */
  events(commandId: string): Promise<readonly RecordedEvent[]>
  /** Makes the event store refuse every write until that is disposed. Absent where a runtime has no such switch. */
  breakStore?(): Promise<AsyncDisposable>
}

export interface TestServerOptions {
  /** Absolute path of the application's module. */
  readonly app: string
  /** `HOLDFAST_*` settings for every process. */
  readonly env?: Readonly<Record<string, string>>
}

/** Starts Holdfast with these settings on data of its own. Disposing it ends its processes and deletes the data. */
export type StartTestServer = (options: TestServerOptions) => Promise<TestServer>
