#!/usr/bin/env python3
"""Links the third-party sets of people with `severn people link` and scores what comes of it. Standard library only.

  score.py --severn BIN --data DIR [--sets uk,uk-no-number,...] [--halves N]

One line for each set: pairwise precision, recall and F1 of the clusters, clusters of two people or more, and of the scored pairs the
best F1 and the best recall at a precision of 0.999. Exits 1 where a goal is missed. For `uk` also the errors by age band, sex and a
proxy of the origin of names: the lists of fixtures/region/names.toml that a person's names stand in. The proxy knows a few hundred names
a group, takes no account of who people say they are, and puts many into "no list": it shows a gap, not its size.
--halves links N halves of the people of `uk`, drawn by lot, each by itself: how much of it is luck.
"""
import argparse, csv, json, pathlib, random, subprocess, sys, tempfile, time, tomllib
from collections import Counter, defaultdict
from itertools import combinations

HERE = pathlib.Path(__file__).resolve().parent
FEBRL = ['--columns', HERE / 'febrl.toml']
# name: (set, further arguments, goals)
SETS = {
    'uk': ('uk_public', ['--superseded'], {'precision': .9995, 'recall': .985, 'mixed': 12}),
    'uk-no-number': ('uk_public', ['--ignore', 'nhs_number'], {'precision': .999, 'recall': .93, 'recall@.999': .93}),
    'febrl1': ('febrl1', FEBRL, {}),
    'febrl2': ('febrl2', FEBRL, {}),
    'febrl3': ('febrl3', FEBRL, {'best F1': .990}),
    'fake1000': ('fake1000', ['--columns', HERE / 'fake1000.toml'], {}),
    'hist_a': ('hist_a', ['--columns', HERE / 'hist_a.toml'], {}),
}


def rows(file):
    with open(file, newline='', encoding='utf-8') as lines:
        yield from csv.DictReader(lines)


def pairs_of(counts):
    return sum(n * (n - 1) // 2 for n in counts)


def link(severn, data, name, arguments, work, records=None):
    """Runs the command; gives clusters, scored pairs and seconds."""
    arguments = list(arguments)
    if '--superseded' in arguments:
        arguments.insert(arguments.index('--superseded') + 1, data / f'{name}_superseded.csv')
    clusters, pairs = work / 'clusters.csv', work / 'pairs.csv'
    records = records or data / f'{name}_records.csv'
    started = time.monotonic()
    command = [severn, 'people', 'link', '--records', records, *arguments, '--clusters', clusters, '--pairs', pairs]
    subprocess.run([str(word) for word in command], check=True, stderr=subprocess.DEVNULL)
    seconds = time.monotonic() - started
    return {r['rec_id']: r['cluster_id'] for r in rows(clusters)}, [(float(r['score']), r['rec_id_l'], r['rec_id_r']) for r in rows(pairs)], seconds


def score(gold, clusters, pairs):
    together = Counter((gold[r], clusters[r]) for r in gold)
    true, said, right = (pairs_of(c.values()) for c in (Counter(gold.values()), Counter(clusters[r] for r in gold), together))
    people = defaultdict(set)
    for record, person in gold.items():
        people[clusters[record]].add(person)
    out = {'precision': right / said if said else 1.0, 'recall': right / true, 'mixed': sum(len(p) > 1 for p in people.values())}
    out['F1'] = 2 * right / (said + true)
    best, strict, hits = 0.0, 0.0, 0
    pairs.sort(reverse=True)
    for n, (bits, a, b) in enumerate(pairs, 1):
        hits += gold[a] == gold[b]
        if n == len(pairs) or pairs[n][0] != bits:
            best = max(best, 2 * hits / (n + true))
            if hits / n >= .999:
                strict = max(strict, hits / true)
    out |= {'best F1': best, 'recall@.999': strict}
    return out


def table(name, found, goals, seconds):
    missed = [goal for goal, at in goals.items() if (found[goal] > at if goal == 'mixed' else found[goal] < at)]
    print(f"{name:14} {found['precision']:9.5f} {found['recall']:8.5f} {found['F1']:8.5f} {found['mixed']:6} "
          f"{found['best F1']:8.5f} {found['recall@.999']:11.5f} {seconds:7.1f}s  {'missed: ' + ', '.join(missed) if missed else 'goals met' if goals else ''}")
    return not missed


def by_group(data, name, gold, clusters):
    """Recall within a group, and people of it in mixed clusters."""
    origins = tomllib.loads((HERE.parent.parent / 'fixtures/region/names.toml').read_text(encoding='utf-8'))
    lists = {o: {word.lower() for words in lists.values() if isinstance(words, str) for word in words.split()}
             for o, lists in origins.items() if o not in ('places', 'short')}
    records, people = {r['rec_id']: r for r in rows(data / f'{name}_records.csv')}, defaultdict(list)
    for record, person in gold.items():
        people[person].append(record)
    in_cluster = defaultdict(set)
    for record, person in gold.items():
        in_cluster[clusters[record]].add(person)
    counts = defaultdict(Counter)
    for person, own in people.items():
        most = lambda column: Counter(records[r][column] for r in own if records[r][column]).most_common(1)
        year = most('birth_date')[0][0][:4] if most('birth_date') else ''
        age = 2026 - int(year) if year.isdigit() else None
        band = 'no birth date' if age is None else next(b for top, b in ((1, '0-1'), (17, '2-17'), (64, '18-64'), (200, '65+')) if age <= top)
        names = [word for column in ('family_name', 'given_name') for word in (most(column)[0][0].lower().split() if most(column) else [])]
        votes = Counter(o for word in names for o, known in lists.items() if word in known).most_common(1)
        true = pairs_of([len(own)])
        found = pairs_of(Counter(clusters[r] for r in own).values())
        mixed = any(len(in_cluster[clusters[r]]) > 1 for r in own)
        for group in (f'age {band}', f"sex {most('gender')[0][0]}", f"names {votes[0][0] if votes else 'in no list'}"):
            counts[group].update(people=1, true=true, found=found, mixed=mixed, split=found < true)
    print(f"\n{'of uk':22} {'people':>7} {'recall':>8} {'split':>6} {'mixed':>6}")
    for group, c in sorted(counts.items()):
        print(f"{group:22} {c['people']:7} {c['found'] / max(c['true'], 1):8.5f} {c['split']:6} {c['mixed']:6}")


def halves(severn, data, work, count):
    gold_all = {r['rec_id']: r['person_id'] for r in rows(data / 'uk_public_gold.csv')}
    records = list(rows(data / 'uk_public_records.csv'))
    people = sorted(set(gold_all.values()))
    for seed in range(count):
        chosen = set(random.Random(seed).sample(people, len(people) // 2))
        gold = {r: p for r, p in gold_all.items() if p in chosen}
        half = work / 'half.csv'
        with open(half, 'w', newline='', encoding='utf-8') as out:
            writer = csv.DictWriter(out, records[0].keys())
            writer.writeheader()
            writer.writerows(r for r in records if r['rec_id'] in gold)
        for name in ('uk', 'uk-no-number'):
            set_, arguments, goals = SETS[name]
            clusters, pairs, seconds = link(severn, data, set_, arguments, work, half)
            table(f'{name[:10]} {seed}', score(gold, clusters, pairs), {k: v / 2 if k == 'mixed' else v for k, v in goals.items()}, seconds)


def main():
    ask = argparse.ArgumentParser()
    ask.add_argument('--severn', required=True)
    ask.add_argument('--data', required=True, type=pathlib.Path)
    ask.add_argument('--sets', default=','.join(SETS))
    ask.add_argument('--halves', type=int, default=0)
    asked = ask.parse_args()
    data, fine = asked.data / 'linkage', True
    print(f"{'set':14} {'precision':>9} {'recall':>8} {'F1':>8} {'mixed':>6} {'best F1':>8} {'recall@.999':>11} {'time':>8}")
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        for name in asked.sets.split(','):
            set_, arguments, goals = SETS[name]
            gold = {r['rec_id']: r['person_id'] for r in rows(data / f'{set_}_gold.csv')}
            clusters, pairs, seconds = link(asked.severn, data, set_, arguments, work)
            fine &= table(name, score(gold, clusters, pairs), goals, seconds)
            if name == 'uk':
                kept = (gold, clusters)
        judged = work / 'decisions.csv'
        subprocess.run([asked.severn, 'people', 'link', '--judge', str(data / 'pairs_MIIS-B.csv'), '--columns', str(HERE / 'miis.toml'),
                        '--decisions', str(judged)], check=True, stderr=subprocess.DEVNULL)
        said = {r['test']: r['decision'] for r in rows(judged)}
        print('MIIS-B', json.dumps(Counter(f"{r['expect']} -> {said[r['test']]}" for r in rows(data / 'pairs_MIIS-B.csv')), sort_keys=True))
        if 'uk' in asked.sets.split(','):
            by_group(data, 'uk_public', *kept)
        halves(asked.severn, data, work, asked.halves)
    sys.exit(not fine)


main()
