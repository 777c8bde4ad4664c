import { equal, rejects } from "../../tests/assert.ts";
import { defaultRetry, retryAfterMs } from "./retry.ts";

Deno.test("retryAfterMs reads seconds and dates, and nothing else", () => {
  const now = Date.parse("2026-01-02T03:04:05Z");
  equal(retryAfterMs("120", now), 120_000);
  equal(retryAfterMs("Fri, 02 Jan 2026 03:04:15 GMT", now), 10_000);
  equal(retryAfterMs("Fri, 02 Jan 2026 03:00:00 GMT", now), 0);
  equal(retryAfterMs("soon", now), undefined);
  equal(retryAfterMs(null, now), undefined);
});

Deno.test("defaultRetry waits longer after each failure, up to half a minute", () => {
  const delays = [1, 2, 3, 4, 5, 6, 50].map(defaultRetry.delayMs);
  equal(delays.join(), "1000,2000,4000,8000,16000,30000,30000");
});

Deno.test("defaultRetry stops waiting with the signal's reason", async () => {
  const stop = new AbortController();
  const reason = new Error("stop");
  const waiting = defaultRetry.sleep(3_600_000, stop.signal);
  stop.abort(reason);
  await rejects(waiting, reason);
  await rejects(defaultRetry.sleep(3_600_000, stop.signal), reason);
});
