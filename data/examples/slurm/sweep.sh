#!/bin/bash
# Submits a sweep in parts, and the job that puts them together once all are done. The arguments are those
# of `deno task`, of any command that has --shard, without --shard and --out:
#
#   SHARDS=20 ./sweep.sh analyze --table proteins.csv
#   SHARDS=20 ./sweep.sh sae patch --model esm2_t33_650M_UR50D --sae interprot --layers 8,12,16,20,24 \
#     --table proteins.csv --filter "DMS_score < -3"
#
# SHARDS    array tasks                           (8)
# PARTS     folder of the parts, seen by all nodes (sweep)
# OUT       folder of the results                 (out/sae-patch and so on)
# ESMSCOPE  folder of esmscope                    (that of this script's project)
# Options of Slurm go into its own variables: SBATCH_PARTITION, SBATCH_ACCOUNT, SBATCH_TIMELIMIT ...
# Nodes without a network need the model and the autoencoders in the cache: deno task fetch, where there is one.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export ESMSCOPE=${ESMSCOPE:-$(cd "$here/../../.." && pwd)}
export SHARDS=${SHARDS:-8}
parts=${PARTS:-sweep}

if [[ $# -eq 0 ]]; then
  echo "usage: SHARDS=8 PARTS=sweep OUT=results $0 COMMAND [options]" >&2
  exit 2
fi
# As the command itself calls it: out/analyze, out/sae-patch.
out=${OUT:-out/$1$([[ ${2:---} == -* ]] || echo "-$2")}

sweep=$(sbatch --parsable --array="1-$SHARDS" "$here/sweep.sbatch" "$@" --out "$parts")
merge=$(sbatch --parsable --dependency="afterok:${sweep%%;*}" --kill-on-invalid-dep=yes \
  "$here/merge.sbatch" "$parts" --out "$out")
echo "sweep ${sweep%%;*} merge ${merge%%;*}"
