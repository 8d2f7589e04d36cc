#!/usr/bin/env python3
"""Line and branch coverage of the library after a run of the tests: coverage.py BUILD-FOLDER SOURCE-FOLDER

Asks gcov about every object in the build folder, adds up what it says of one source in several objects, and prints a
line for each source in interp/ and modules/. Status 1: interp/ as a whole is below what is asked of it.
"""
import collections
import json
import os
import subprocess
import sys

LEAST_LINES, LEAST_BRANCHES = 90.0, 80.0


def reports(build):
    """What gcov says of each object; of one that was compiled anew since it has run gcov complains itself."""
    for folder, _, files in os.walk(build):
        objects = sorted(name for name in files if name.endswith('.gcno'))
        if not objects:
            continue
        out = subprocess.run(['gcov', '--json-format', '--stdout', '--branch-probabilities'] + objects, cwd=folder,
                             stdout=subprocess.PIPE, check=False).stdout
        for line in out.splitlines():
            if line.strip():
                yield json.loads(line)


def read(build, source):
    """{path below the source folder: ({line: count}, {(line, branch): count})}"""
    found = collections.defaultdict(lambda: (collections.Counter(), collections.Counter()))
    top = os.path.realpath(source)
    for report in reports(build):
        for entry in report['files']:
            path = os.path.realpath(os.path.join(report['current_working_directory'], entry['file']))
            lines, branches = found[os.path.relpath(path, top)]
            for line in entry['lines']:
                lines[line['line_number']] += line['count']
                for i, branch in enumerate(line['branches']):
                    branches[line['line_number'], i] += branch['count']
    return found


def reached(counts):
    return sum(1 for count in counts.values() if count), len(counts)


def percent(part):
    return 100.0 * part[0] / part[1] if part[1] else 100.0


def row(name, lines, branches):
    print('%-34s %6d %6.1f %% %8d %6.1f %%' % (name, lines[1], percent(lines), branches[1], percent(branches)))


def total(rows, folder):
    chosen = [r for r in rows if r[0].startswith(folder + '/')]
    return tuple(tuple(sum(r[which][i] for r in chosen) for i in (0, 1)) for which in (1, 2))


def main():
    build, source = sys.argv[1:]
    found = read(build, source)
    rows = sorted((path, reached(lines), reached(branches)) for path, (lines, branches) in found.items()
                  if path.startswith(('interp/', 'modules/')))
    print('%-34s %6s %8s %8s %8s' % ('', 'lines', 'run', 'branches', 'taken'))
    for r in rows:
        row(*r)
    for folder in 'modules', 'interp':
        lines, branches = total(rows, folder)
        row('all of ' + folder, lines, branches)
    if percent(lines) >= LEAST_LINES and percent(branches) >= LEAST_BRANCHES:
        return 0
    print('interp is to have %.0f %% of its lines run and %.0f %% of its branches taken' % (LEAST_LINES, LEAST_BRANCHES))
    return 1


if __name__ == '__main__':
    sys.exit(main())
