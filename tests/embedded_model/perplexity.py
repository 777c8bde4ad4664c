"""Perplexity of held-out clusters by family: DOMAINS40 HELD_OUT.json MODEL (see the README)."""
import csv, json, math, os, subprocess, sys, tempfile
from collections import Counter
from pathlib import Path

LETTERS = 'ACDEFGHIKLMNPQRSTVWY'


def read_fasta(path):
    rows, name = {}, None
    for line in open(path):
        if line[0] == '>':
            name = line[1:].split()[0]
            rows[name] = ''
        else:
            rows[name] += line.strip().upper()
    return rows


def profile_of(aligned, clusters, prior=5):
    """Letters' frequencies in each column and over all, every cluster weighing the same."""
    width = len(next(iter(aligned.values())))
    counts, total = [Counter() for _ in range(width)], Counter()
    for cluster in clusters:
        for name in cluster:
            for column, letter in enumerate(aligned[name]):
                if letter in LETTERS:
                    counts[column][letter] += 1 / len(cluster)
                    total[letter] += 1 / len(cluster)
    everything = sum(total.values())
    unigram = {a: (total[a] + 1) / (everything + 20) for a in LETTERS}
    return unigram, [
        {a: (c[a] + prior * unigram[a]) / (sum(c.values()) + prior) for a in LETTERS} for c in counts
    ]


def model_loss(model, sequences):
    """Sum of the losses of all residues, each hidden on its own, and their number."""
    with tempfile.TemporaryDirectory() as folder:
        fasta = f'{folder}/p.fasta'
        Path(fasta).write_text(''.join(f'>{i}\n{s}\n' for i, s in enumerate(sequences)))
        task = ['deno', 'run', '--quiet', '-P=mlm', 'tasks/mlm.ts', '--fasta', fasta, '--exact', '--model', model]
        more = ['--no-report', '--quiet', '--backend', 'cpu', '--out', f'{folder}/out']
        subprocess.run(task + more, check=True, stdout=subprocess.DEVNULL)
        rows = list(csv.DictReader(open(f'{folder}/out/proteins.csv')))
    asked = [float(row['asked']) for row in rows]
    return sum(float(row['loss']) * n for row, n in zip(rows, asked)), sum(asked)


root, listed, model = sys.argv[1:]
print('| family | held-out clusters | sequences | residues | unigram | profile | model |\n|' + ' --- |' * 7)
sums = [0, 0, 0, 0]
for family, parts in sorted(json.load(open(listed)).items()):
    path = f'{root}/align/{family}.align.80'
    if not os.path.exists(path):
        continue
    aligned = read_fasta(path)
    unigram, profile = profile_of(aligned, parts['others'])
    chosen = [name for cluster in parts['held_out'] for name in cluster[:3]][:60]
    sites = [(c, a) for name in chosen for c, a in enumerate(aligned[name]) if a in LETTERS]
    by_unigram = -sum(math.log(unigram[a]) for _, a in sites)
    by_profile = -sum(math.log(profile[c][a]) for c, a in sites)
    loss, asked = model_loss(model, [aligned[name].replace('-', '') for name in chosen])
    values = [by_unigram, by_profile, loss * len(sites) / asked]
    sums = [a + b for a, b in zip(sums, [*values, len(sites)])]
    shown = ' | '.join('%.1f' % math.exp(v / len(sites)) for v in values)
    print(f"| {family} | {len(parts['held_out'])} | {len(chosen)} | {len(sites)} | {shown} |", flush=True)
print('| all | | | %d | %s |' % (sums[3], ' | '.join('%.2f' % math.exp(v / sums[3]) for v in sums[:3])))
