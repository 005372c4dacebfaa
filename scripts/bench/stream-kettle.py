"""Runs Kettle's stream.py over a list of events, with its Pub/Sub and BigQuery replaced by stand-ins that cost nothing.

    python3 run.py stream-kettle.py EVENTS.json FIGURES.json

The working directory is the folder that holds Kettle's scripts, GCS_ENDPOINT and KETTLE_DB as for run.py. Writes
seconds and CPU seconds of stream.main alone, imports left out.
"""

import json
import os
import sys
import time

sys.path.insert(0, os.getcwd())

import model  # noqa: E402
import stream  # noqa: E402

BUCKET = 'kubernetes-ci-logs'


class Message:
    def __init__(self, ack_id, name):
        self.ack_id = ack_id
        self.message = self
        self.attributes = {'objectId': name, 'bucketId': BUCKET}


class Answer:
    def __init__(self, messages):
        self.received_messages = messages


class Subscriber:
    def __init__(self, names):
        self.waiting = [Message(str(at), name) for at, name in enumerate(names)]

    def pull(self, max_messages, **_options):
        taken, self.waiting = self.waiting[:max_messages], self.waiting[max_messages:]
        return Answer(taken)

    def acknowledge(self, **_options):
        pass

    def modify_ack_deadline(self, **_options):
        pass


class Warehouse:
    rows = 0

    def insert_rows(self, _table, rows, **_options):
        self.rows += len(rows)
        return []


class Table:
    full_table_id = 'bench'
    schema = []


def main(events_file, figures_file):
    with open(events_file) as events:
        names = json.load(events)
    passes = iter([False, True])
    warehouse = Warehouse()
    tables = {name: (Table(), 'build_emitted' + name) for name in ('_1', '_7', '')}
    wall, cpu = time.time(), time.process_time()
    stream.main(model.Database(), Subscriber(names), 'bench', warehouse, tables, {}, stop=lambda: next(passes))
    figures = {'wallS': time.time() - wall, 'cpuS': time.process_time() - cpu, 'events': len(names),
               'rows': warehouse.rows}
    with open(figures_file, 'w') as out:
        json.dump(figures, out)


if __name__ == '__main__':
    main(*sys.argv[1:])
