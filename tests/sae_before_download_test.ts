/** What is wrong with a choice of model and autoencoder is said before anything is downloaded. */
import { TestServer } from "../lib/hub/test_server.ts";
import { equal, match } from "./assert.ts";
import { runSae } from "./sae_run.ts";

const large = ["--model", "esm2_t33_650M_UR50D"];

const cases: { name: string; args: string[]; says: RegExp }[] = [
  {
    name: "a list with a layer that is not published",
    args: ["patch", ...large, "--sae", "interprot", "--layers", "4,5"],
    says: /^error: Cannot fetch interprot as a layer that is published must be named/,
  },
  {
    name: "a list of which one layer contradicts the name",
    args: ["ig", ...large, "--sae", "interprot:l4", "--layers", "4,8"],
    says: /^error: Cannot use --layers 8 with --sae interprot:l4/,
  },
  {
    name: "an autoencoder of another width than the embedded model's",
    args: ["encode", "--sae", "interplm-8m:l3"],
    says:
      /^error: Cannot use interplm-8m:l3 with esm2_t6_1M_PF20 .* of esm2_t6_8M_UR50D, 320: current value is 128$/,
  },
  {
    name: "an autoencoder of another width than a published model's",
    args: ["circuit", "--model", "esm2_t6_8M_UR50D", "--sae", "interprot", "--layers", "24"],
    says: /^error: Cannot use interprot:l24 with esm2_t6_8M_UR50D .* 1280: current value is 320$/,
  },
  {
    name: "no autoencoder for a published model",
    args: ["latents", ...large],
    says: /^error: Cannot use esm2_t33_650M_UR50D without an autoencoder as --sae must name one/,
  },
  {
    name: "the embedded autoencoder for a published model",
    args: ["steer", ...large, "--sae", "embedded", "--set", "1=2"],
    says: /^error: Cannot use --sae embedded with esm2_t33_650M_UR50D/,
  },
  {
    name: "a file that is not there",
    args: ["encode", ...large, "--sae", "no/such.safetensors"],
    says: /^error: Cannot open --sae as it must be an existing file .*"no\/such\.safetensors"$/,
  },
];

for (const { name, args, says } of cases) {
  Deno.test({
    name: `sae refuses before any download: ${name}`,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      await using hub = new TestServer(() => new Response(null, { status: 404 }));
      const cache = await Deno.makeTempDir();
      const before = ["ESMSCOPE_HUB", "ESMSCOPE_CACHE"].map((key) =>
        [key, Deno.env.get(key)] as const
      );
      try {
        Deno.env.set("ESMSCOPE_HUB", hub.url);
        Deno.env.set("ESMSCOPE_CACHE", cache);
        await runSae([...args, "--backend", "cpu"], ({ code, out, err }) => {
          match(err, says);
          equal(err.includes("\n"), false, err);
          equal(code, 2);
          equal(out, "");
        });
        equal(hub.asked.length, 0);
        equal([...Deno.readDirSync(cache)].length, 0);
      } finally {
        for (const [key, value] of before) {
          if (value === undefined) Deno.env.delete(key);
          else Deno.env.set(key, value);
        }
        await Deno.remove(cache, { recursive: true });
      }
    },
  });
}
