/** Lists the sequences that a training of `deno task mlm` held out: FASTAS CLUSTERS SHARE SEED OUT.json (see the README). */
import { streamFasta } from "../../lib/io/fasta_stream.ts";
import { readClusters } from "../../lib/mlm/clusters.ts";
import { HELD_OUT } from "../../lib/mlm/run_train.ts";
import { permutation } from "../../lib/train/random.ts";

const [fastas, clusterFiles, share, seed, out] = Deno.args;
const tables = clusterFiles.split(","), found: Record<string, Record<string, string[][]>> = {};
for (const [i, fasta] of fastas.split(",").entries()) {
  const names: string[] = [];
  for await (const { id } of streamFasta(fasta)) names.push(id);
  const clusters = await readClusters(tables[i], fasta);
  const order = permutation(clusters.length, Number(seed), HELD_OUT, i);
  const held = Math.max(1, Math.round(Number(share) * clusters.length));
  const members = (c: number) => Array.from(clusters[c], (sequence) => names[sequence]);
  found[fasta.replace(/^.*[/]|[.][^.]*$/g, "")] = {
    held_out: Array.from(order.subarray(0, held), members),
    others: Array.from(order.subarray(held), members),
  };
}
await Deno.writeTextFile(out, JSON.stringify(found));
