/** What holds for every part; each part says the rest itself. */
export const method: readonly string[] = [
  '## Method',
  '',
  '- Load generator and servers share the machine, and nothing else runs on it. Absolute figures belong to this machine: compare ratios.',
  '- What is compared is measured in turn in one run, round by round (A, B, C, A, B, C, …). Ratios are taken within a round;',
  '  tables have medians over the rounds.',
  '- Rates and latencies come from `wrk` with one thread; every request is a `POST` of the same 33 bytes of JSON with an',
  '  `Idempotency-Key`, also to servers that ignore it. An answer that is not 2xx, or a socket that breaks, fails the part.',
  '- Each system is warmed up before the first round. Everything acknowledged is on the disk (`fsync`), in every system.',
  "- Every server in Node gets the same V8 flags as `npm start`, the peers' too. Gateway and handler have Node's own sizes of the heap,",
  '  as `npm run gateway` and `npm run handler` do, and so has the bare KafkaJS loop beside them.',
  '- Not measured: a network between client and server, TLS, larger bodies, more than one node of anything.',
]
