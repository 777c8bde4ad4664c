/**
 * A headless Chromium driven through its DevTools protocol, as far as the report's tests need it.
 *
 * Protocol: https://chromedevtools.github.io/devtools-protocol/.
 */

const CANDIDATES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

export interface BrowserTestOptions {
  /** False for a test that loads the native library, whose threads and timers outlive it. */
  sanitize?: boolean;
}

/**
 * Registers a test that gets a browser and an empty folder: skipped aloud without a browser, or failed
 * when REQUIRE_BROWSER=1.
 */
export function browserTest(
  name: string,
  fn: (browser: Browser, dir: string, t: Deno.TestContext) => Promise<void>,
  { sanitize = true }: BrowserTestOptions = {},
): void {
  const path = findBrowser(), isRequired = Deno.env.get("REQUIRE_BROWSER") === "1";
  Deno.test({
    name: path || isRequired ? name : `${name} (skipped: no Chromium found)`,
    ignore: !path && !isRequired,
    sanitizeOps: sanitize,
    sanitizeResources: sanitize,
    async fn(t) {
      if (!path) throw new Error("REQUIRE_BROWSER=1, but no Chromium was found");
      const dir = await Deno.makeTempDir();
      try {
        await using browser = await Browser.launch(path);
        await fn(browser, dir, t);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

/** Writes a page into a folder and gives its address. */
export async function writePage(dir: string, name: string, html: string): Promise<string> {
  const path = `${dir}/${name}.html`;
  await Deno.writeTextFile(path, html);
  return new URL(`file://${path}`).href;
}

/** Path of the browser: the environment variable CHROME_BIN, or the first that is installed. */
function findBrowser(): string | null {
  const chosen = Deno.env.get("CHROME_BIN");
  if (chosen) return chosen;
  return CANDIDATES.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  }) ?? null;
}

// deno-lint-ignore no-explicit-any -- each method of the protocol has its own record
type Message = Record<string, any>;

/** One command at a time or many, matched to their replies by number; events go to listeners. */
class Connection {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, PromiseWithResolvers<Message>>();
  readonly #listeners = new Map<string, (method: string, params: Message) => void>();
  #last = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      const { id, sessionId, method, params, error, result } = JSON.parse(data);
      if (id === undefined) return this.#listeners.get(sessionId)?.(method, params);
      const waiting = this.#waiting.get(id)!;
      this.#waiting.delete(id);
      if (error) waiting.reject(new Error(error.message));
      else waiting.resolve(result);
    };
  }

  send(method: string, params: Message = {}, sessionId?: string): Promise<Message> {
    const waiting = Promise.withResolvers<Message>();
    this.#waiting.set(++this.#last, waiting);
    this.#socket.send(JSON.stringify({ id: this.#last, method, params, sessionId }));
    return waiting.promise;
  }

  listen(sessionId: string, listener: (method: string, params: Message) => void): void {
    this.#listeners.set(sessionId, listener);
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    this.#socket.close();
    await closed;
  }
}

/** A running browser with a profile of its own, which goes when it closes. */
export class Browser implements AsyncDisposable {
  readonly #connection: Connection;
  readonly #stop: () => Promise<void>;

  private constructor(connection: Connection, stop: () => Promise<void>) {
    this.#connection = connection;
    this.#stop = stop;
  }

  static async launch(path: string): Promise<Browser> {
    const profile = await Deno.makeTempDir({ prefix: "browser-" });
    const process = new Deno.Command(path, {
      args: [
        ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
        ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
        ...["--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"],
      ],
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const address = Promise.withResolvers<string>();
    const drained = (async () => {
      let log = "";
      for await (const text of process.stderr.pipeThrough(new TextDecoderStream())) {
        log += text;
        const found = /DevTools listening on (ws:\S+)/.exec(log);
        if (found) address.resolve(found[1]);
      }
      address.reject(new Error(`the browser ended: ${log}`));
    })();
    address.promise.catch(() => {});
    const socket = new WebSocket(await address.promise);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = reject;
    });
    const connection = new Connection(socket);
    return new Browser(connection, async () => {
      await connection.send("Browser.close");
      await Promise.all([process.status, drained, connection.close()]);
      await Deno.remove(profile, { recursive: true });
    });
  }

  /** Opens an address and waits until it is loaded. */
  async open(url: string, look: Look): Promise<Page> {
    const send = this.#connection.send.bind(this.#connection);
    const { targetId } = await send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page(targetId, (method, params) => send(method, params, sessionId));
    this.#connection.listen(sessionId, (method, params) => page.hear(method, params));
    await page.load(url, look);
    return page;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stop();
  }
}

export interface Look {
  width?: number;
  scheme?: "light" | "dark";
  media?: "screen" | "print";
  /** Further media features, such as forced-colors: active. */
  features?: Readonly<Record<string, string>>;
}

export class Page implements AsyncDisposable {
  /** Console messages, uncaught errors and what the browser itself logs. */
  readonly complaints: string[] = [];
  /** Every address that the page asked for, its own first. */
  readonly requests: string[] = [];
  readonly #loaded = Promise.withResolvers<void>();

  constructor(
    readonly targetId: string,
    readonly send: (method: string, params?: Message) => Promise<Message>,
  ) {}

  hear(method: string, params: Message): void {
    if (method === "Page.loadEventFired") this.#loaded.resolve();
    if (method === "Network.requestWillBeSent") this.requests.push(params.request.url);
    if (method === "Log.entryAdded") this.complaints.push(params.entry.text);
    if (method === "Runtime.consoleAPICalled") this.complaints.push(JSON.stringify(params.args));
    if (method === "Runtime.exceptionThrown") {
      const { exception, text } = params.exceptionDetails;
      this.complaints.push(exception?.description ?? text);
    }
  }

  async load(url: string, look: Look): Promise<void> {
    for (const domain of ["Page", "Runtime", "Log", "Network"]) await this.send(`${domain}.enable`);
    await this.look(look);
    await this.send("Page.navigate", { url });
    await this.#loaded.promise;
    // Pages unpack what they draw.
    await this.evaluate(`new Promise((done) => {
      const look = () => document.querySelector("[data-view], [data-summary]") &&
        !document.documentElement.dataset.ready
        ? setTimeout(look, 10) : done();
      look();
    })`);
    await this.settle();
  }

  /** Sets width (CSS px), colour scheme and medium. */
  async look(
    { width = 1200, scheme = "light", media = "screen", features: more = {} }: Look,
  ): Promise<void> {
    const screen = { width, height: 900, deviceScaleFactor: 1, mobile: false };
    await this.send("Emulation.setDeviceMetricsOverride", screen);
    const features = Object.entries({ "prefers-color-scheme": scheme, ...more })
      .map(([name, value]) => ({ name, value }));
    await this.send("Emulation.setEmulatedMedia", { media, features });
    await this.settle();
  }

  /** Waits until what has changed is laid out, observed and painted. */
  async settle(): Promise<void> {
    await this.evaluate(
      "new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))",
    );
  }

  /** Value of an expression in the page; a promise is awaited. */
  async evaluate<T = unknown>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description);
    return result.value;
  }

  async point(x: number, y: number): Promise<void> {
    await this.send("Input.dispatchMouseEvent", { type: "mouseMoved", x, y });
    // Moves are handed to the page with the next frame.
    await this.settle();
  }

  async click(x: number, y: number): Promise<void> {
    const mouse = { x, y, button: "left", clickCount: 1 };
    await this.send("Input.dispatchMouseEvent", { type: "mousePressed", ...mouse });
    await this.send("Input.dispatchMouseEvent", { type: "mouseReleased", ...mouse });
  }

  async press(key: string): Promise<void> {
    await this.send("Input.dispatchKeyEvent", { type: "rawKeyDown", key });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", key });
  }

  /** The page as it is printed, a PDF. */
  async pdf(): Promise<Uint8Array> {
    await this.send("Emulation.setEmulatedMedia", { media: "", features: [] });
    const { data } = await this.send("Page.printToPDF", {
      preferCSSPageSize: true,
      printBackground: true,
    });
    return Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  }

  /** The whole page as a PNG. */
  async screenshot(): Promise<Uint8Array> {
    const shot = await this.send("Page.captureScreenshot", { captureBeyondViewport: true });
    return Uint8Array.from(atob(shot.data), (letter) => letter.charCodeAt(0));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.send("Page.close");
  }
}
