"""P@L by family: DOMAINS40 HELD_OUT.csv MODEL (see the README)."""
import csv, os, subprocess, sys, tempfile
from collections import defaultdict
from pathlib import Path

RANGES = ['medium', 'long']
COLUMNS = ['chance', 'nearest', 'head', 'Jacobian', 'covariance']

root, held_out, model = sys.argv[1:]
root = os.path.abspath(root)
found = defaultdict(dict)
for row in csv.DictReader(open(held_out)):
    found[row['protein']][row['range']] = {
        'chance': int(row['contacts']) / int(row['pairs']),
        'nearest': float(row['nearest_precision_l']),
        'head': float(row['precision_l']),
        'length': row['length'],
    }
families = {}
with tempfile.TemporaryDirectory() as folder:
    table = ['id,structure,chain,msa']
    for line in open(f'{root}/domain_sequences.txt'):
        family, chain, aligned = line.split()
        alignment = f'{root}/align/{family}.align.80'
        if chain not in found or not os.path.exists(alignment):
            continue
        # The chain's own row first, so that it stands for the sequence.
        Path(f'{folder}/{family}.fasta').write_text(f'>{chain}\n{aligned}\n{Path(alignment).read_text()}')
        table.append(f"{chain},{root}/pdb/{chain}.pdb,{chain.split('_')[1]},{folder}/{family}.fasta")
        families[chain] = family
    Path(f'{folder}/table.csv').write_text('\n'.join(table) + '\n')
    task = ['deno', 'run', '--quiet', '-P=contacts', 'tasks/contacts.ts', '--table', f'{folder}/table.csv']
    more = ['--method', 'jacobian', '--model', model, '--no-report', '--backend', 'cpu', '--out', f'{folder}/out']
    subprocess.run(task + more, check=True, stdout=subprocess.DEVNULL)
    for row in csv.DictReader(open(f'{folder}/out/evaluation.csv')):
        name = {'jacobian': 'Jacobian', 'covariance': 'covariance'}.get(row['predictor'])
        if name and row['range'] in RANGES:
            found[row['protein']][row['range']][name] = float(row['precision_l'])

print('| family | chain | residues | ' + ' | '.join(f'{r}: {c}' for r in RANGES for c in COLUMNS) + ' |')
print('|' + ' --- |' * (3 + len(RANGES) * len(COLUMNS)))
shown = [(families[c], c, found[c]) for c in sorted(families, key=families.get)]
for family, chain, by in shown:
    values = [by[r][c] for r in RANGES for c in COLUMNS]
    print(f"| {family} | {chain} | {by['long']['length']} | " + ' | '.join('%.1f' % (100 * v) for v in values) + ' |')
means = [sum(by[r][c] for _, _, by in shown) / len(shown) for r in RANGES for c in COLUMNS]
print('| mean | | | ' + ' | '.join('%.1f' % (100 * v) for v in means) + ' |')
